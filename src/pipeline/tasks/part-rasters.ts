// pipeline/tasks/part-rasters.ts: rasters in and out of parts: GeoTIFFs on the survey's lattices. IO.
import type { Lattice, Raster, Window } from '../../types.ts';
import { openFile } from '../../files/byte-source.ts';
import { emptyRaster, indexIn, intersectWindows } from '../../geo/lattice.ts';
import { encodeGeoTiff } from '../../raster/geotiff-encode.ts';
import { openRaster } from '../../ingest/geotiff-reader.ts';
import type { PartWriter } from '../../store/parts.ts';

/** What voids are written as in float rasters. */
export const FLOAT_NODATA = -9999;

/** Write heights, elevations or densities to a part; voids as nodata. */
export function writeFloatRaster(writer: PartWriter, name: string, raster: Raster, { epsg, units }: { epsg: number; units: string }): Promise<void> {
  const { lattice, window, data, mask } = raster;
  return writer.file(`${name}.tif`, encodeGeoTiff({ lattice, window, bands: [data], mask, nodata: FLOAT_NODATA, epsg, bandNames: [name], units }));
}

/** Write a mask of 0 and 1, both values. */
export function writeMaskRaster(writer: PartWriter, name: string, mask: Uint8Array, lattice: Lattice, window: Window, epsg: number): Promise<void> {
  return writer.file(`${name}.tif`, encodeGeoTiff({ lattice, window, bands: [mask], epsg, bandNames: [name] }));
}

/** Read a part's raster whole: `window` is where its writer put it. */
export async function readPartRaster(path: string, lattice: Lattice, window: Window): Promise<Raster> {
  const raster = await openRaster(await openFile(path));
  try {
    const { data, mask } = await raster.readWindow([0], { col: 0, row: 0, width: window.width, height: window.height });
    return { lattice, window, data: Float32Array.from(data[0]!), mask };
  } finally {
    await raster.close();
  }
}

/** Lay rasters of one lattice, which do not overlap, into a window; the rest is void. */
export function mosaicOf(rasters: readonly Raster[], lattice: Lattice, window: Window): Raster {
  const out = emptyRaster(lattice, window);
  for (const raster of rasters) {
    const common = intersectWindows(raster.window, window);
    for (let row = common.row; common.width > 0 && row < common.row + common.height; row++) {
      const from = indexIn(raster.window, common.col, row), to = indexIn(window, common.col, row);
      out.data.set(raster.data.subarray(from, from + common.width), to);
      out.mask.set(raster.mask.subarray(from, from + common.width), to);
    }
  }
  return out;
}
