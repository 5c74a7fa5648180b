// pipeline/tasks/measure.ts: a tile's canopy, model maps and stands to the rows of the inventory. IO.
import type { Raster, Tile, VoidArea } from '../../types.ts';
import { labelOpenings } from '../../fuse/openings.ts';
import type { OpeningPieces } from '../../fuse/openings.ts';
import { growBox } from '../../geo/box.ts';
import { crsFromEpsg, toLonLat } from '../../geo/crs.ts';
import { pixelsInside } from '../../geo/polygon.ts';
import { roundTo } from '../../geo/units.ts';
import { measureCells } from '../../measure/cells.ts';
import { siteRule } from '../../measure/site.ts';
import { standOverlaps } from '../../measure/stand-overlaps.ts';
import { standShares } from '../../measure/stands.ts';
import type { Part as SharePart } from '../../measure/stands.ts';
import { imageTrees, measureTrees } from '../../measure/tree.ts';
import { areaOfPixels, windowOfCore } from '../../measure/window-of-core.ts';
import { toFields } from '../../store/columns.ts';
import type { PartWriter } from '../../store/parts.ts';
import { tileFromId } from '../../tile/grid.ts';
import type { Clip } from '../clip.ts';
import { openClip } from '../clip.ts';
import { writeTables } from '../domain.ts';
import { allometryOfPlan } from '../fits.ts';
import type { Plan } from '../plan.ts';
import { mapReachM } from '../plan-models.ts';
import { standsOfBox } from '../stand-layer.ts';
import type { PartNotes, TaskCall } from './context.ts';
import { cellFigures, treeFigures } from './table-models.ts';
import type { TableLooks } from './table-models.ts';
import { fuseImages } from './measure-images.ts';
import type { Canopy, MeasuredMap } from './measure-inputs.ts';
import { readCanopy, readMaps } from './measure-inputs.ts';

export async function runMeasure(call: TaskCall, writer: PartWriter): Promise<PartNotes> {
  const { plan, task, watch } = call, { job, survey } = plan;
  const tile = tileFromId((task.unit as { tile: string }).tile, job.tiles.size_m);
  const near = growBox(tile.core, mapReachM(survey)), clip = await openClip(survey, near);
  const canopy = await readCanopy(call, tile, clip), maps = await readMaps(call, tile, clip);
  const stands = survey.stands ? await standsOfBox(survey.stands, near) : [];
  watch.lap('read_parts');

  const { verdicts, unmatched } = await fuseImages(call, tile, canopy);
  watch.lap('fuse');

  const context = {
    survey: survey.name, source: survey.canopySource ?? 'lidar', toLonLat: toLonLat(crsFromEpsg(survey.crs.epsg)),
    allometry: allometryOfPlan(plan), siteOf: siteRule(stands, job.allometry),
  };
  const byEquation = measureTrees(canopy.crowns, context, verdicts), looks: TableLooks = new Map(), byModel = await treeFigures(call, byEquation, verdicts, looks);
  const trees = [...(byModel ? measureTrees(canopy.crowns, context, verdicts) : byEquation), ...imageTrees(unmatched.filter(({ xM, yM }) => clip.holds(xM, yM)), context)];
  const { cells, cellModels } = measureCells(tile, { sizeM: job.cells.size_m, metrics: canopy.metrics, chm: survey.canopySource && canopy.chm, models: maps });
  const byTable = await cellFigures(call, canopy.chm, cells, looks);
  const shares = standShares(tile, stands, { canopy: survey.canopySource && { source: survey.canopySource, chm: canopy.chm, crowns: canopy.crownMask }, models: [...maps, ...byTable.maps], trees });
  const openings = labelOpenings(canopy.chm, { belowM: job.openings.below_m });
  watch.lap('measure');

  const voids = voidsOf(tile, shares.surveyParts.filter(({ source }) => !byTable.maps.some((map) => map.source === source)), canopy, maps, clip);
  await writer.table('tree', trees.map((tree) => ({ tile: tile.id, ...tree })));
  await writer.table('tree_stand', shares.treeStands);
  await writer.table('stand_part', shareRows(shares.standParts));
  await writer.table('survey_part', shareRows(shares.surveyParts));
  await writer.table('stand_overlap', standOverlaps(tile, stands, canopy.chm));
  await writer.table('cell', cells.map((cell) => ({ tile: tile.id, ...toFields(cell) })));
  await writer.table('cell_model', [...cellModels, ...byTable.cellModels].map((row) => toFields({ ...row })));
  await writeOpenings(writer, openings, canopy.chm, stands);
  await writeTables(writer, survey, looks);
  await writer.table('tile', [tileRow(tile, canopy, survey.canopySource, shares.surveyParts, canopy.crowns.length)]);
  await writer.table('void', voids.map((area) => ({ tile: tile.id, ...area, polygons: null })));
  watch.lap('write');
  return { inputs: task.needs.map((key) => ({ part: key })), voids, counts: { trees: trees.length, cells: cells.length, stands: stands.length } };
}

/** What is valid: areas without a value depend on which tiles there are. */
const shareRows = (parts: readonly SharePart[]): object[] =>
  parts.filter(({ validM2, stems, agbKg, volumeM3 }) => validM2 > 0 || stems !== null || agbKg !== null || volumeM3 !== null).map(({ areaM2: _, ...share }) => share);

/** The area that each source lacks in the core, with its reason: outside the survey's area, in a mask, or not there. */
function voidsOf(tile: Tile, parts: readonly SharePart[], canopy: Canopy, maps: readonly MeasuredMap[], clip: Clip): VoidArea[] {
  return parts.flatMap(({ source, areaM2, validM2 }) => {
    const map = maps.find((each) => each.source === source), lattice = (map?.raster ?? canopy.chm).lattice;
    const { outsidePx, maskedPx } = clip.cut(lattice, windowOfCore(lattice, tile.core));
    const outsideM2 = areaOfPixels(outsidePx, lattice), maskedM2 = areaOfPixels(maskedPx, lattice);
    const reason = map ? (map.failure === null ? 'no valid image pixel' : `model failed: ${map.failure}`) : canopy.voids.map((area) => area.reason).join('; ') || 'no data';
    const rows = [{ source, reason: 'outside the area', areaM2: outsideM2 }, { source, reason: 'masked', areaM2: maskedM2 }, { source, reason, areaM2: Math.max(0, roundTo(areaM2 - validM2 - outsideM2 - maskedM2, 6)) }];
    return rows.filter((row) => row.areaM2 > 0);
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

function tileRow({ id, core }: Tile, { metrics, failure }: Canopy, canopySource: Plan['survey']['canopySource'], parts: readonly SharePart[], trees: number): object {
  const place = { tile: id, x0M: core.x0, y0M: core.y0, x1M: core.x1, y1M: core.y1 };
  if (failure !== null) return { ...place, status: 'failed', validAreaM2: null, points: null, trees: null };
  return {
    ...place, status: 'done',
    validAreaM2: parts.find(({ source }) => source === canopySource)?.validM2 ?? 0, points: metrics.reduce((sum, { values }) => sum + (values['n'] ?? 0), 0), trees,
  };
}
