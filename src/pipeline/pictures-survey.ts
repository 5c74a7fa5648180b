// pipeline/pictures-survey.ts: the image trees of one model in a survey against reference points or crowns. IO.
import type { Box } from '../types.ts';
import { InvalidInput, UsageError } from '../errors.ts';
import { scoreBoxes } from '../evaluate/boxes.ts';
import type { ScoredBox } from '../evaluate/boxes.ts';
import { scoreCounts } from '../evaluate/counts.ts';
import { groundOfArea, groundOfHull } from '../evaluate/ground.ts';
import type { Ground } from '../evaluate/ground.ts';
import { greedyDifference, scorePoints } from '../evaluate/points.ts';
import type { Place } from '../evaluate/pair-tally.ts';
import type { Score } from '../evaluate/score.ts';
import { boxesMeet, growBox, unionBox } from '../geo/box.ts';
import type { Crs } from '../geo/crs.ts';
import { bboxOf } from '../geo/polygon.ts';
import { roundTo } from '../geo/units.ts';
import { readPlotTrees } from '../ingest/plots.ts';
import { isVectorPath, readPolygons } from '../ingest/vector.ts';
import { quoteText } from '../store/columns/define.ts';
import type { DuckDBConnection } from '../store/duck.ts';
import { decodeMultiPolygon } from '../store/wkb.ts';
import { BOX_IOU, DEFAULT_RADII_M } from './pictures.ts';
import type { PictureRow, ScoredKind } from './pictures.ts';
import { readArea } from './reference-files.ts';

export interface ModelTreesOptions {
  surveyCrs: Crs;
  /** of x, y in the reference; default: the survey's */
  statedCrs?: Crs;
  /** polygons within which the reference is complete; default: its convex hull */
  area?: string | undefined;
  radiusM?: readonly number[];
}

interface SeenTree extends Place {
  box: ScoredBox | null;
}

/**
 * Compare the trees that a model added to an inventory with points (a CSV of x, y) or crowns (polygons, by the boxes around them).
 *
 * Trees outside the ground may pair but are not false; the intervals resample blocks of 50 m. A tree that LiDAR found too keeps LiDAR's name and is not among
 * these: in a survey with LiDAR the recall is that of what the model added.
 *
 * @throws {UsageError} when the inventory has no tree of that source; {InvalidInput} as the readers
 */
export async function evaluateModelTrees(connection: DuckDBConnection, model: string, reference: string, options: ModelTreesOptions): Promise<{ rows: PictureRow[]; notes: string[] }> {
  const { surveyCrs, statedCrs, area, radiusM = DEFAULT_RADII_M } = options, notes: string[] = [], read = { surveyCrs, ...(statedCrs ? { statedCrs } : {}), onNote: (note: string) => { notes.push(note); } };
  await checkSource(connection, model, notes);
  const boxes = isVectorPath(reference) ? await readBoxes(reference, read) : null, listed = boxes?.map(middleOf) ?? (await readPoints(reference, read));
  if (listed.length === 0) throw new InvalidInput(`${reference}: has no point and no polygon to compare with`, { source: reference });
  const placed = listed.map((place) => ({ plotId: null, ...place })), ground = area === undefined ? groundOfHull(placed) : groundOfArea(await readArea(area, { surveyCrs, onNote: read.onNote }));
  notes.push(ground.note);
  const isInside = (place: Place): boolean => ground.unitAt(place.xM, place.yM) !== null, truth = area === undefined ? listed.map(() => true) : listed.map(isInside), left = truth.filter((each) => !each).length;
  if (left > 0) notes.push(`${left} of ${listed.length} reference trees stand outside the area and are left out`);
  const points = listed.filter((_, i) => truth[i]), found = await treesNear(connection, model, points, Math.max(...radiusM, REACH_M)), unitAt = (place: Place): string => unitOf(ground, place);
  const rows: PictureRow[] = [], add = (of: ScoredKind, scores: readonly Score[]): void => {
    const difference = greedyDifference(scores);
    if (difference !== null) notes.push(`${of}: ${difference}`);
    for (const score of scores) rows.push({ reference, of, ...score, value: round6(score.value), lo: round6(score.lo), hi: round6(score.hi) });
  };
  const scene = { picture: model, strata: [], unitAt };
  if (boxes) {
    const crowns = boxes.filter((_, i) => truth[i]), judged = found.filter((tree) => tree.box !== null && (isInside(tree) || crowns.some((crown) => boxesMeet(crown, tree.box!))));
    add('boxes', scoreBoxes([{ ...scene, found: judged.filter((tree) => isInside(tree) || overlapsAny(tree.box!, crowns)).map(({ box }) => box!), reference: crowns }], { minIou: BOX_IOU, threshold: 0 }).filter(({ metric }) => metric !== 'ap50'));
  }
  for (const radius of radiusM) add('points', scorePoints([{ ...scene, found: found.filter((tree) => isInside(tree) || near(tree, points, radius)), reference: points }], radius));
  add('counts', scoreCounts([{ picture: model, unit: model, strata: [], measured: points.length, estimated: found.filter(isInside).length }]).filter(({ stratum }) => stratum === 'all'));
  return { rows, notes };
}

/** Farther than any crown reaches. */
const REACH_M = 20;
const round6 = (value: number | null): number | null => (value === null ? null : roundTo(value, 6));
const middleOf = ({ x0, y0, x1, y1 }: Box): Place => ({ xM: (x0 + x1) / 2, yM: (y0 + y1) / 2 });
const overlapsAny = (box: Box, crowns: readonly Box[]): boolean => crowns.some((crown) => boxesMeet(box, crown));
const near = ({ xM, yM }: Place, points: readonly Place[], radiusM: number): boolean => points.some((point) => Math.hypot(point.xM - xM, point.yM - yM) <= radiusM);
const unitOf = (ground: Ground, { xM, yM }: Place): string => ground.unitAt(xM, yM) ?? ground.unitOf({ plotId: null, xM, yM }) ?? 'outside';

async function checkSource(connection: DuckDBConnection, model: string, notes: string[]): Promise<void> {
  const sources = (await connection.runAndReadAll('SELECT source, count(*)::INTEGER FROM tree GROUP BY source ORDER BY source')).getRowsJS().map(([source, count]) => ({ source: String(source), count: Number(count) }));
  const canopy = sources.find(({ source }) => source === 'lidar' || source === 'chm'), others = await sharedWith(connection, model);
  if (!sources.some(({ source }) => source === model)) {
    const why = others.length > 0 ? `All that it found stand under ${others.join(' or ')}, which the job names first: name ${model} first to have them` : 'Image trees come from primary models';
    throw new UsageError(`--of ${model}: the inventory has no tree of ${model}; it has ${sources.map(({ source, count }) => `${count} of ${source}`).join(', ') || 'none'}. ${why}`, { source: model });
  }
  if (others.length > 0) notes.push(`trees that both ${model} and ${others.join(' or ')} found stand under the one that the job names first, here not among those of ${model}: name ${model} first in the job to have them`);
  if (canopy) notes.push(`trees that both ${model} and ${canopy.source} found are ${canopy.source}'s and not among those of ${model}: recall is that of what the model added`);
}

/** The models under whose names trees stand that this model has seen too; the canopy's have a note of their own. */
const sharedWith = async (connection: DuckDBConnection, model: string): Promise<string[]> =>
  (await connection.runAndReadAll(`SELECT DISTINCT source FROM tree WHERE list_contains(flags, ${quoteText(`seen_by:${model}`)}) AND source NOT IN ('lidar', 'chm') ORDER BY source`)).getRowsJS().map(([source]) => String(source));

async function readBoxes(path: string, options: Parameters<typeof readPolygons>[1]): Promise<Box[]> {
  const boxes: Box[] = [];
  for await (const { polygons } of readPolygons(path, options)) {
    const box = bboxOf(polygons);
    if (box) boxes.push(box);
  }
  return boxes;
}

async function readPoints(path: string, options: Parameters<typeof readPlotTrees>[1]): Promise<Place[]> {
  const points: Place[] = [];
  for await (const { xM, yM } of readPlotTrees(path, options)) if (xM !== null && yM !== null) points.push({ xM, yM });
  return points;
}

/** The model's trees within reach of the reference's box; the box of their crown where they have one. */
async function treesNear(connection: DuckDBConnection, model: string, points: readonly Place[], reachM: number): Promise<SeenTree[]> {
  const around = growBox(points.map(({ xM, yM }): Box => ({ x0: xM, y0: yM, x1: xM, y1: yM })).reduce(unionBox), reachM);
  const rows = await connection.runAndReadAll(`SELECT x_m, y_m, confidence, ST_AsWKB(geometry) FROM tree WHERE source = ${quoteText(model)}
    AND x_m BETWEEN ${around.x0} AND ${around.x1} AND y_m BETWEEN ${around.y0} AND ${around.y1} ORDER BY tree_id`);
  return rows.getRowsJS().map(([x, y, confidence, wkb]) => {
    const box = wkb === null ? null : bboxOf(decodeMultiPolygon(wkb as Uint8Array));
    return { xM: Number(x), yM: Number(y), box: box && { ...box, score: Number(confidence ?? 0) } };
  });
}
