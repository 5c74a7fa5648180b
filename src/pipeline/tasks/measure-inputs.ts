// pipeline/tasks/measure-inputs.ts: what earlier tasks left of a tile, cut to what is reported: crowns, CHM, metrics, model maps. IO.
import type { CellMetrics, Crown, Raster, Tile, VoidArea } from '../../types.ts';
import { boxAreaM2, growBox } from '../../geo/box.ts';
import { anchoredLattice, boxOfWindow, emptyRaster, indexIn, intersectWindows, windowOfBox } from '../../geo/lattice.ts';
import { outputLattice } from '../../infer/patches.ts';
import type { ModelMap } from '../../measure/stands.ts';
import { windowOfCore } from '../../measure/window-of-core.ts';
import { METRICS } from '../../cloud/metric-names.ts';
import { camelName } from '../../store/columns.ts';
import type { Part } from '../../store/parts.ts';
import { readPartTable } from '../../store/part-tables.ts';
import type { Clip } from '../clip.ts';
import type { Plan } from '../plan.ts';
import { canopyLattice, networkOf } from '../plan.ts';
import type { SurveyModel } from '../survey.ts';
import type { TaskCall } from './context.ts';
import { partOf } from './part-of.ts';
import { mosaicOf, readPartRaster } from './part-rasters.ts';

/** What `canopy` left of a tile; without a part everything is void. */
export interface Canopy {
  /** why there is no part */
  failure: string | null;
  crowns: Crown[];
  metrics: CellMetrics[];
  chm: Raster;
  crownMask: Raster;
  voids: VoidArea[];
}

export type MeasuredMap = ModelMap & { primary: boolean; failure: string | null };

/** The canopy of a tile's core: a survey without LiDAR and CHM has none. */
export async function readCanopy(call: TaskCall, tile: Tile, clip: Clip): Promise<Canopy> {
  const { plan: { job, survey }, task, tasks } = call, lattice = canopyLattice(job, survey), window = windowOfCore(lattice, tile.core);
  const nothing = { crowns: [], metrics: [], chm: emptyRaster(lattice, window), crownMask: emptyRaster(lattice, window) };
  if (survey.canopySource === null) return { failure: null, ...nothing, voids: [] };
  const { part, failure } = await partOf(call, tasks.get(task.needs[0]!)!);
  if (!part) return { failure, ...nothing, voids: [{ source: survey.canopySource, reason: `canopy failed: ${failure}`, areaM2: boxAreaM2(tile.core) }] };
  const rows = await readPartTable<Record<string, number | null>>(part, 'cell_lidar');
  const metrics = rows.map((row) => ({ col: row['col']!, row: row['row']!, values: Object.fromEntries(METRICS.map(({ name }) => [name, row[camelName(name)] ?? null])) }));
  const chm = clipped(await readPartRaster(part.path('chm.tif'), lattice, window), clip);
  return {
    failure: null, chm, voids: part.info.voids,
    crowns: (await readPartTable<Crown>(part, 'crown')).filter(({ xM, yM }) => clip.holds(xM, yM)),
    metrics: reportedCells(metrics, job.cells.size_m, chm, clip),
    crownMask: await readPartRaster(part.path('crown.tif'), lattice, window),
  };
}

/** A raster without what is not reported. */
function clipped(raster: Raster, clip: Clip): Raster {
  const kept = clip.pixels(raster.lattice, raster.window);
  return kept === null ? raster : { ...raster, mask: raster.mask.map((valid, i) => valid & kept[i]!) };
}

/** Cells with the centre of a reported pixel. */
function reportedCells(metrics: CellMetrics[], cellM: number, { lattice, window }: Raster, clip: Clip): CellMetrics[] {
  const kept = clip.pixels(lattice, window), cells = anchoredLattice(cellM);
  if (kept === null) return metrics;
  return metrics.filter(({ col, row }) => {
    const inCell = intersectWindows(windowOfCore(lattice, boxOfWindow(cells, { col, row, width: 1, height: 1 })), window);
    for (let r = inCell.row; r < inCell.row + inCell.height; r++) {
      const from = indexIn(window, inCell.col, r);
      if (kept.subarray(from, from + inCell.width).includes(1)) return true;
    }
    return false;
  });
}

/** Maps of the models over the core, grown by one of their pixels, from every block that touches it. */
export async function readMaps(call: TaskCall, tile: Tile, clip: Clip): Promise<MeasuredMap[]> {
  const { plan, task, tasks } = call, blocks = task.needs.map((key) => tasks.get(key)!).filter(({ kind }) => kind === 'model');
  return Promise.all(plan.survey.models.map(async (model, index) => {
    const network = networkOf(plan.survey, index), own = blocks.filter(({ unit }) => 'model' in unit && unit.model === network);
    const found = await Promise.all(own.map((block) => partOf(call, block)));
    const lattice = mapLattice(plan, model), window = windowOfBox(lattice, growBox(tile.core, lattice.resM));
    const rasters = await Promise.all(found.flatMap(({ part }) => (part ? [readBlock(part, model, lattice)] : [])));
    const failure = found.find(({ failure }) => failure !== null)?.failure ?? null;
    return { source: model.name, variable: 'stems' as const, raster: clipped(mosaicOf(rasters, lattice, window), clip), primary: model.primary, failure };
  }));
}

function mapLattice(plan: Plan, { on, card }: SurveyModel): Raster['lattice'] {
  const image = plan.survey.images.find(({ name }) => name === on)!;
  return outputLattice(image.lattice, card.outputs[0]!.stridePx);
}

const readBlock = (part: Part, { card }: SurveyModel, lattice: Raster['lattice']): Promise<Raster> =>
  readPartRaster(part.path(`${card.outputs[0]!.variable}.tif`), lattice, part.info.inputs[0]!['window'] as Raster['window']);

