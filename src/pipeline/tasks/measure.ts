// pipeline/tasks/measure.ts: a tile's canopy, model maps and stands to the rows of the inventory. IO.
import type { CellMetrics, Crown, Raster, Tile, VoidArea } from '../../types.ts';
import { labelOpenings } from '../../fuse/openings.ts';
import type { OpeningPieces } from '../../fuse/openings.ts';
import { crsFromEpsg, toLonLat } from '../../geo/crs.ts';
import { boxAreaM2, growBox } from '../../geo/box.ts';
import { anchoredLattice, emptyRaster, windowOfBox } from '../../geo/lattice.ts';
import { pixelsInside } from '../../geo/polygon.ts';
import { outputLattice } from '../../infer/patches.ts';
import { allometryOf } from '../../measure/allometry/registry.ts';
import { measureCells } from '../../measure/cells.ts';
import { groupRule } from '../../measure/species-group.ts';
import { standShares } from '../../measure/stands.ts';
import type { ModelMap, Part as SharePart } from '../../measure/stands.ts';
import { measureTrees } from '../../measure/tree.ts';
import { METRICS } from '../../cloud/metric-names.ts';
import { camelName, toFields } from '../../store/columns.ts';
import type { Part, PartWriter } from '../../store/parts.ts';
import { readPartTable } from '../../store/part-tables.ts';
import { tileFromId } from '../../tile/grid.ts';
import type { Plan } from '../plan.ts';
import { mapReachM, networkOf } from '../plan.ts';
import { standsOfBox } from '../stand-layer.ts';
import type { SurveyModel } from '../survey.ts';
import type { PartNotes, TaskCall } from './context.ts';
import { partOf } from './part-of.ts';
import { mosaicOf, readPartRaster } from './part-rasters.ts';

/** What `canopy` left of a tile; without a part everything is void. */
interface Canopy {
  /** why there is no part */
  failure: string | null;
  crowns: Crown[];
  metrics: CellMetrics[];
  chm: Raster;
  crownMask: Raster;
  voids: VoidArea[];
}

type Map = ModelMap & { primary: boolean; failure: string | null };

export async function runMeasure(call: TaskCall, writer: PartWriter): Promise<PartNotes> {
  const { plan, task, watch } = call, { job, survey } = plan;
  const tile = tileFromId((task.unit as { tile: string }).tile, job.tiles.size_m);
  const canopy = await readCanopy(call, tile), maps = await readMaps(call, tile);
  const stands = survey.stands ? await standsOfBox(survey.stands, growBox(tile.core, mapReachM(survey))) : [];
  watch.lap('read_parts');

  const { allometry: { dbh, agb, group } } = job;
  const trees = measureTrees(canopy.crowns, {
    survey: survey.name, source: 'lidar', toLonLat: toLonLat(crsFromEpsg(survey.crs.epsg)),
    allometry: allometryOf({ dbh, agb }), groupOf: groupRule(stands, { from: group.from ?? null, map: group.map, default: group.default }),
  });
  const shares = standShares(tile, stands, { canopy: { source: 'lidar', chm: canopy.chm, crowns: canopy.crownMask }, models: maps, trees });
  const { cells, cellModels } = measureCells(tile, { sizeM: job.cells.size_m, metrics: canopy.metrics, chm: canopy.chm, models: maps });
  const openings = labelOpenings(canopy.chm, { belowM: job.openings.below_m });
  watch.lap('measure');

  const voids = voidsOf(shares.surveyParts, canopy.voids, maps);
  await writer.table('tree', trees.map((tree) => ({ tile: tile.id, ...tree })));
  await writer.table('tree_stand', shares.treeStands);
  await writer.table('stand_part', shareRows(shares.standParts));
  await writer.table('survey_part', shareRows(shares.surveyParts));
  await writer.table('cell', cells.map((cell) => ({ tile: tile.id, ...toFields(cell) })));
  await writer.table('cell_model', cellModels.map((row) => toFields({ ...row })));
  await writeOpenings(writer, openings, canopy.chm, stands);
  await writer.table('tile', [tileRow(tile, canopy, shares.surveyParts, trees.length)]);
  await writer.table('void', voids.map((area) => ({ tile: tile.id, ...area, polygons: null })));
  watch.lap('write');
  return { inputs: task.needs.map((key) => ({ part: key })), voids, counts: { trees: trees.length, cells: cells.length, stands: stands.length } };
}

/** What is valid: areas without a value depend on which tiles there are. */
const shareRows = (parts: readonly SharePart[]): object[] =>
  parts.filter(({ validM2, stems, agbKg }) => validM2 > 0 || stems !== null || agbKg !== null).map(({ areaM2: _, ...share }) => share);

async function readCanopy(call: TaskCall, tile: Tile): Promise<Canopy> {
  const { plan: { job }, task, tasks } = call, lattice = anchoredLattice(job.chm.resolution_m), window = windowOfBox(lattice, tile.core);
  const { part, failure } = await partOf(call, tasks.get(task.needs[0]!)!);
  if (!part) {
    const voids = [{ source: 'lidar', reason: `canopy failed: ${failure}`, areaM2: boxAreaM2(tile.core) }];
    return { failure, crowns: [], metrics: [], chm: emptyRaster(lattice, window), crownMask: emptyRaster(lattice, window), voids };
  }
  const rows = await readPartTable<Record<string, number | null>>(part, 'cell_lidar');
  return {
    failure: null,
    crowns: await readPartTable<Crown>(part, 'crown'),
    metrics: rows.map((row) => ({ col: row['col']!, row: row['row']!, values: Object.fromEntries(METRICS.map(({ name }) => [name, row[camelName(name)] ?? null])) })),
    chm: await readPartRaster(part.path('chm.tif'), lattice, window),
    crownMask: await readPartRaster(part.path('crown.tif'), lattice, window),
    voids: part.info.voids,
  };
}

/** Maps of the models over the core, grown by one of their pixels, from every block that touches it. */
async function readMaps(call: TaskCall, tile: Tile): Promise<Map[]> {
  const { plan, task, tasks } = call, blocks = task.needs.map((key) => tasks.get(key)!).filter(({ kind }) => kind === 'model');
  return Promise.all(plan.survey.models.map(async (model, index) => {
    const network = networkOf(plan.survey, index), own = blocks.filter(({ unit }) => 'model' in unit && unit.model === network);
    const found = await Promise.all(own.map((block) => partOf(call, block)));
    const lattice = mapLattice(plan, model), window = windowOfBox(lattice, growBox(tile.core, lattice.resM));
    const rasters = await Promise.all(found.flatMap(({ part }) => (part ? [readBlock(part, model, lattice)] : [])));
    const failure = found.find(({ failure }) => failure !== null)?.failure ?? null;
    return { source: model.name, variable: 'stems' as const, raster: mosaicOf(rasters, lattice, window), primary: model.primary, failure };
  }));
}

function mapLattice(plan: Plan, { on, card }: SurveyModel): Raster['lattice'] {
  const image = plan.survey.images.find(({ name }) => name === on)!;
  return outputLattice(image.lattice, card.outputs[0]!.stridePx);
}

const readBlock = (part: Part, { card }: SurveyModel, lattice: Raster['lattice']): Promise<Raster> =>
  readPartRaster(part.path(`${card.outputs[0]!.variable}.tif`), lattice, part.info.inputs[0]!['window'] as Raster['window']);

/** The area that each source lacks in the core, with its reason. */
function voidsOf(parts: readonly SharePart[], canopyVoids: readonly VoidArea[], maps: readonly Map[]): VoidArea[] {
  return parts.filter(({ areaM2, validM2 }) => validM2 < areaM2).map(({ source, areaM2, validM2 }) => {
    const map = maps.find((each) => each.source === source);
    const reason = map ? (map.failure === null ? 'no valid image pixel' : `model failed: ${map.failure}`) : canopyVoids.map((area) => area.reason).join('; ') || 'no returns';
    return { source, reason, areaM2: areaM2 - validM2 };
  });
}

async function writeOpenings(writer: PartWriter, { pieces, edges, labels, window }: OpeningPieces, chm: Raster, stands: Awaited<ReturnType<typeof standsOfBox>>): Promise<void> {
  const first = (piece: number) => ({ firstRow: pieces[piece]!.row, firstCol: pieces[piece]!.col });
  await writer.table('opening', pieces.map(({ pixels, polygons }, i) => ({ ...first(i), pixels, polygons })));
  await writer.table('opening_edge', edges.map(({ side, line, from, to, piece }) => ({ side, line, fromPx: from, toPx: to, ...first(piece) })));
  const shares = stands.flatMap(({ standId, polygons }) => {
    const inside = pixelsInside(polygons, chm.lattice, window), counts = new Int32Array(pieces.length);
    for (let i = 0; i < labels.length; i++) if (labels[i]! > 0 && inside[i]) counts[labels[i]! - 1]!++;
    return [...counts].flatMap((pixels, piece) => (pixels === 0 ? [] : [{ ...first(piece), standId, pixels }]));
  });
  await writer.table('opening_stand', shares);
}

function tileRow({ id, core }: Tile, { metrics, failure }: Canopy, parts: readonly SharePart[], trees: number): object {
  const place = { tile: id, x0M: core.x0, y0M: core.y0, x1M: core.x1, y1M: core.y1 };
  if (failure !== null) return { ...place, status: 'failed', validAreaM2: null, points: null, trees: null };
  return {
    ...place, status: 'done',
    validAreaM2: parts.find(({ source }) => source === 'lidar')?.validM2 ?? 0, points: metrics.reduce((sum, { values }) => sum + (values['n'] ?? 0), 0), trees,
  };
}
