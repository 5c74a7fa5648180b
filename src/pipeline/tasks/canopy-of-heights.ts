// pipeline/tasks/canopy-of-heights.ts: a tile of height rasters made elsewhere to its part: crowns, CHM, terrain and crown mask. IO.
import type { Raster, Tile, Window } from '../../types.ts';
import { growBox } from '../../geo/box.ts';
import { windowOfBox, windowsMeet } from '../../geo/lattice.ts';
import { openImage, readImageWindow } from '../../ingest/image-source.ts';
import { windowOfCore } from '../../measure/window-of-core.ts';
import type { PartWriter } from '../../store/parts.ts';
import { computeCanopyOfHeights } from '../canopy.ts';
import { crownStageParams } from '../canopy-params.ts';
import { chmHalos } from '../halo.ts';
import type { HeightLayer } from '../survey.ts';
import { voidsOf } from './canopy.ts';
import type { PartNotes, TaskCall } from './context.ts';
import { writeFloatRaster, writeMaskRaster } from './part-rasters.ts';

export async function runCanopyOfHeights({ plan: { job, survey }, watch }: TaskCall, tile: Tile, writer: PartWriter): Promise<PartNotes> {
  const params = crownStageParams(job), chm = survey.chm!, epsg = survey.crs.epsg;
  const surface = await readHeights(chm, windowOfBox(chm.lattice, growBox(tile.core, chmHalos(params, chm.lattice.resM).surface)), epsg);
  watch.lap('read_heights');
  const result = computeCanopyOfHeights({ surface, tile, params, lap: (stage) => watch.lap(stage) });
  await writer.table('crown', result.crowns);
  await writer.table('cell_lidar', []);
  await writeFloatRaster(writer, 'chm', result.chm, { epsg, units: 'm' });
  if (survey.dtm) await writeFloatRaster(writer, 'dtm', await readHeights(survey.dtm, windowOfCore(survey.dtm.lattice, tile.core), epsg), { epsg, units: 'm' });
  await writeMaskRaster(writer, 'crown', result.crownMask, result.chm.lattice, result.chm.window, epsg);
  watch.lap('write');
  const files = chm.files.filter(({ window }) => windowsMeet(window, surface.window)).map(({ path, fingerprint }) => ({ path, fingerprint }));
  const { mask } = result.chm, valid = mask.reduce((sum, each) => sum + each, 0);
  return { inputs: files, voids: voidsOf(result.chm, 'chm', 'no valid pixel'), counts: { trees: result.crowns.length, chm_valid_px: valid, chm_px: mask.length } };
}

/** A window of height rasters in metres; outside the files is void. */
async function readHeights(layer: HeightLayer, window: Window, epsg: number): Promise<Raster> {
  const image = openImage({ ...layer, bands: 1, epsg }, layer.bands, { valueScale: layer.zToMetre });
  try {
    const { bands: [data], mask } = await readImageWindow(image, window, layer.bands);
    return { lattice: layer.lattice, window, data: data!, mask };
  } finally {
    await image.close();
  }
}
