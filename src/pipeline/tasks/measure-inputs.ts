// pipeline/tasks/measure-inputs.ts: what earlier tasks left of a tile, cut to what is reported: crowns, CHM, metrics, model maps. IO.
import type { Box, CellMetrics, Crown, Raster, Tile, VoidArea } from '../../types.ts';
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
import { isDead } from '../image-reach.ts';
import { mapLatticeOf } from '../models.ts';
import { canopyLattice } from '../plan.ts';
import { networkOf } from '../plan-models.ts';
import type { SurveyModel } from '../survey.ts';
import type { TaskCall } from './context.ts';
import { partOf } from './part-of.ts';
import { mosaicOf, readPartRaster } from './part-rasters.ts';

/** What `canopy` left of a tile; without a part everything is void. */
export interface Canopy {
  /** why there is no part */
  failure: string | null;
  crowns: Crown[];
  /** crowns of the core that are not reported, outside the area or in a mask: what an image sees may be one of them */
  hidden: Crown[];
  metrics: CellMetrics[];
  chm: Raster;
  crownMask: Raster;
  voids: VoidArea[];
}

export type MeasuredMap = ModelMap & { primary: boolean; failure: string | null };

/** The canopy of a tile's core: a survey without LiDAR and CHM has none. */
export async function readCanopy(call: TaskCall, tile: Tile, clip: Clip): Promise<Canopy> {
  const { plan: { job, survey }, task, tasks } = call, lattice = canopyLattice(job, survey), window = windowOfCore(lattice, tile.core);
  const nothing = { crowns: [], hidden: [], metrics: [], chm: emptyRaster(lattice, window), crownMask: emptyRaster(lattice, window) };
  if (survey.canopySource === null) return { failure: null, ...nothing, voids: [] };
  const { part, failure } = await partOf(call, tasks.get(task.needs[0]!)!);
  if (!part) return { failure, ...nothing, voids: [{ source: survey.canopySource, reason: `canopy failed: ${failure}`, areaM2: boxAreaM2(tile.core) }] };
  const rows = await readPartTable<Record<string, number | null>>(part, 'cell_lidar');
  const metrics = rows.map((row) => ({ col: row['col']!, row: row['row']!, values: Object.fromEntries(METRICS.map(({ name }) => [name, row[camelName(name)] ?? null])) }));
  const chm = clipped(await readPartRaster(part.path('chm.tif'), lattice, window), clip), crowns = await readPartTable<Crown>(part, 'crown');
  return {
    failure: null, chm, voids: part.info.voids,
    crowns: crowns.filter(({ xM, yM }) => clip.holds(xM, yM)), hidden: crowns.filter(({ xM, yM }) => !clip.holds(xM, yM)),
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
  const maps = await Promise.all(call.plan.survey.models.map(async (model, index) => {
    const use = mapUseOf(model), box = model.grid && growBox(tile.core, mapLatticeOf(model).resM);
    if (use === null || box === null) return [];
    const { raster, failure } = await readModelMap(call, index, use.variable, box), sd = use.sd === null ? null : (await readModelMap(call, index, use.sd, box)).raster;
    return [{ source: model.name, variable: use.as, kind: use.kind, raster: clipped(use.of(raster), clip), sd: sd && clipped(use.of(sd), clip), primary: model.primary, failure }];
  }));
  return maps.flat();
}

/** What is made of a model's first map: which output, under which name, and how pixels become figures; null where it has no map. */
interface MapUse {
  variable: string;
  sd: string | null;
  as: string;
  kind: ModelMap['kind'];
  of(raster: Raster): Raster;
}

function mapUseOf({ card }: SurveyModel): MapUse | null {
  const first = card.outputs[0]!, { variable, unit } = first, sd = card.outputs.find(({ sdOf }) => sdOf === variable)?.variable ?? null, same = (raster: Raster): Raster => raster;
  if (card.task === 'density') return { variable, sd, as: 'stems', kind: 'sum', of: same };
  if (card.task === 'segment') {
    if (card.post.objects !== 'climb') return null;
    const { threshold } = card.post;
    return { variable, sd: null, as: isDead(card) ? 'dead' : variable, kind: 'share', of: (raster) => ({ ...raster, data: raster.data.map((value) => (value >= threshold ? 1 : 0)) }) };
  }
  if (card.task !== 'regress-raster') return null;
  if (!BIOMASS_UNITS.has(unit) || !variable.startsWith('agb')) return { variable, sd, as: variable, kind: 'mean', of: same };
  const kgPerPixel = (raster: Raster): Raster => ({ ...raster, data: raster.data.map((value) => (value * raster.lattice.resM ** 2) / 10) });
  return { variable, sd, as: 'agb_kg', kind: 'sum', of: kgPerPixel };
}

/** Tonnes on a hectare: 0.1 kg/m2 each. */
const BIOMASS_UNITS: ReadonlySet<string> = new Set(['Mg/ha', 't/ha']);

/** The map of one output over a box, from the blocks that touch it; what no block gives is void. */
export async function readModelMap(call: TaskCall, index: number, variable: string, box: Box): Promise<{ raster: Raster; failure: string | null }> {
  const { plan: { survey }, task, tasks } = call, model = survey.models[index]!, network = networkOf(survey, index);
  const lattice = outputLattice(model.grid!.lattice, model.card.outputs.find((output) => output.variable === variable)!.stridePx), window = windowOfBox(lattice, box);
  const blocks = task.needs.map((key) => tasks.get(key)!).filter(({ unit }) => 'block' in unit && unit.model === network);
  const found = await Promise.all(blocks.map((block) => partOf(call, block)));
  const rasters = await Promise.all(found.flatMap(({ part }) => (part ? [readBlock(part, variable, lattice)] : [])));
  return { raster: mosaicOf(rasters, lattice, window), failure: found.find((each) => each.failure !== null)?.failure ?? null };
}

const readBlock = (part: Part, variable: string, lattice: Raster['lattice']): Promise<Raster> =>
  readPartRaster(part.path(`${variable}.tif`), lattice, (part.info.inputs[0]!['windows'] as Record<string, Raster['window']>)[variable]!);
