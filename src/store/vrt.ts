// store/vrt.ts: one raster over many files, as GDAL's virtual format says it. Pure.
import { boxOfWindow } from '../geo/lattice.ts';
import type { StreamedImage } from '../raster/geotiff-stream.ts';
import { TILE_PX } from '../raster/geotiff-stream.ts';
import { escapeXml } from '../raster/geotiff-tags.ts';
import type { Window } from '../types.ts';

/** A file that fills `window` of the raster's lattice. */
export interface VrtSource {
  /** from the folder of the VRT, with forward slashes */
  path: string;
  window: Window;
}

/**
 * The VRT of a raster whose pixels stand in several files; what no file holds is nodata, or 0 where there is none.
 *
 * @param sources  of the image's type, which do not overlap
 */
export function vrtText(image: StreamedImage, sources: readonly VrtSource[]): string {
  const { lattice, window, type, nodata, epsg, bandName, units, tilePx = TILE_PX } = image, { x0, y1 } = boxOfWindow(lattice, window);
  const kind = type === 'uint8' ? 'Byte' : 'Float32';
  const sourceText = ({ path, window: { col, row, width, height } }: VrtSource): string => `    <SimpleSource>
      <SourceFilename relativeToVRT="1">${escapeXml(path)}</SourceFilename>
      <SourceBand>1</SourceBand>
      <SourceProperties RasterXSize="${width}" RasterYSize="${height}" DataType="${kind}" BlockXSize="${tilePx}" BlockYSize="${tilePx}"/>
      <SrcRect xOff="0" yOff="0" xSize="${width}" ySize="${height}"/>
      <DstRect xOff="${col - window.col}" yOff="${row - window.row}" xSize="${width}" ySize="${height}"/>
    </SimpleSource>
`;
  return `<VRTDataset rasterXSize="${window.width}" rasterYSize="${window.height}">
${epsg === null ? '' : `  <SRS>EPSG:${epsg}</SRS>\n`}  <GeoTransform>${[x0, lattice.resM, 0, y1, 0, -lattice.resM].join(', ')}</GeoTransform>
  <Metadata>
    <MDI key="AREA_OR_POINT">Area</MDI>
  </Metadata>
  <VRTRasterBand dataType="${kind}" band="1">
    <Description>${escapeXml(bandName)}</Description>
${nodata === null ? '' : `    <NoDataValue>${Number.isNaN(nodata) ? 'nan' : nodata}</NoDataValue>\n`}${units ? `    <UnitType>${escapeXml(units)}</UnitType>\n` : ''}    <ColorInterp>Gray</ColorInterp>
${sources.map(sourceText).join('')}  </VRTRasterBand>
</VRTDataset>
`;
}
