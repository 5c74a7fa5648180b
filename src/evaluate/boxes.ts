// evaluate/boxes.ts: how well boxes of crowns agree with reference boxes: precision, recall, F1 at an overlap, AP50, mean overlap. Pure.
import Flatbush from 'flatbush';
import type { Box } from '../types.ts';
import { bootstrapLimits } from './bootstrap.ts';
import { compareText, scoreFigures } from './figures.ts';
import { pairFigures, tallyPairs } from './pair-tally.ts';
import type { Place, Scene } from './pair-tally.ts';
import { mostPairs, pairsInOrder } from './pairs.ts';
import type { Candidate } from './pairs.ts';
import type { Score } from './score.ts';

/** A detection: metres, and how sure the model is. */
export interface ScoredBox extends Box {
  score: number;
}

export interface BoxScene extends Scene {
  /** all that the model gives at its lowest threshold */
  found: readonly ScoredBox[];
  reference: readonly Box[];
}

export interface BoxScoreOptions {
  /** least intersection over union of a pair */
  minIou?: number;
  /** detections below are no trees for precision, recall and F1; AP50 takes all */
  threshold: number;
}

/** Intersection over union of two boxes; 0 for boxes without area. */
export function boxIou(a: Box, b: Box): number {
  const width = Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0), height = Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / ((a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - both);
}

/** Pairs of at least the overlap; loss: 1 - intersection over union. */
export function boxCandidates(found: readonly Box[], reference: readonly Box[], minIou: number): Candidate[] {
  if (found.length === 0 || reference.length === 0) return [];
  const index = new Flatbush(reference.length);
  for (const { x0, y0, x1, y1 } of reference) index.add(x0, y0, x1, y1);
  index.finish();
  return found.flatMap((box, i) => index.search(box.x0, box.y0, box.x1, box.y1).flatMap((j) => {
    const iou = boxIou(box, reference[j]!);
    return iou >= minIou ? [{ found: i, reference: j, loss: 1 - iou }] : [];
  }));
}

const middleOf = ({ x0, y0, x1, y1 }: Box): Place => ({ xM: (x0 + x1) / 2, yM: (y0 + y1) / 2 });

/**
 * Score boxes.
 *
 * Precision, recall, F1 and mean overlap are of the optimal assignment (the most pairs, then the largest overlap in all), as DeepForest matches
 * by the Hungarian method; `f1_greedy` pairs in the order of the detections' scores, as COCO does. `ap50`: see `averagePrecision`.
 *
 * @returns in all, by stratum, by picture; AP50 in all and by stratum
 * @see Weinstein et al. 2019, doi:10.3390/rs11111309, who count a crown as found from an overlap of 0.4 on
 */
export function scoreBoxes(scenes: readonly BoxScene[], { minIou = 0.4, threshold }: BoxScoreOptions): Score[] {
  const rows = scenes.flatMap((scene) => {
    const found = scene.found.filter(({ score }) => score >= threshold).sort((a, b) => b.score - a.score), { reference } = scene, candidates = boxCandidates(found, reference, minIou);
    const pairs = { optimal: mostPairs(candidates, found.length, reference.length), greedy: pairsInOrder(candidates), meritOf: ({ loss }: Candidate) => 1 - loss };
    return tallyPairs(scene, { found: found.map(middleOf), reference: reference.map(middleOf), ...pairs });
  });
  const scores = scoreFigures(rows, pairFigures(`_at_iou${Math.round(100 * minIou)}`, { metric: 'mean_iou', value: (mean) => mean }));
  const strata = ['all', ...[...new Set(scenes.flatMap((scene) => scene.strata))].sort(compareText)];
  const ap = strata.flatMap((stratum) => apScores(stratum, scenes.filter((scene) => stratum === 'all' || scene.strata.includes(stratum))));
  return [...scores, ...ap];
}

/** A detection in the ranking: right or not, and the unit that it is resampled with. */
export interface Ranked {
  score: number;
  isRight: boolean;
  unit: number;
}

/**
 * Average precision: the area under the curve of precision over recall, as the threshold falls through all scores.
 *
 * All points are used and precision is made to fall with recall (at each recall the best at that or a larger one): the measure of PASCAL VOC since 2010. COCO
 * samples the same curve at 101 recalls and takes at most 100 detections a picture. Detections of one score enter together, so their order does not show.
 * The curve ends at the recall that the lowest threshold reaches; beyond, precision is 0.
 *
 * @param ranked      detections from the highest score down
 * @param weights     how often each unit counts: 1, or what a resample drew
 * @param referenceCount  reference boxes, by the same weights
 * @returns 0 to 1; null without reference
 */
export function averagePrecision(ranked: readonly Ranked[], weights: ArrayLike<number>, referenceCount: number): number | null {
  if (referenceCount <= 0) return null;
  const right: number[] = [0], precision: number[] = [0];
  let hits = 0, all = 0;
  for (let i = 0; i < ranked.length; i++) {
    const { score, isRight, unit } = ranked[i]!, weight = weights[unit]!;
    all += weight;
    if (isRight) hits += weight;
    if (all === 0 || ranked[i + 1]?.score === score) continue;
    right.push(hits);
    precision.push(hits / all);
  }
  let area = 0;
  for (let i = right.length - 1, best = 0; i > 0; i--) {
    best = Math.max(best, precision[i]!);
    area += best * (right[i]! - right[i - 1]!);
  }
  return area / referenceCount;
}

const AP_IOU = 0.5;

function apScores(stratum: string, scenes: readonly BoxScene[]): Score[] {
  const names: string[] = [], ranked: Ranked[] = [], counts: number[] = [];
  const unitOf = (box: Box, scene: BoxScene): number => {
    const name = scene.unitAt(middleOf(box)), at = names.indexOf(name);
    if (at < 0) counts.push(0);
    return at < 0 ? names.push(name) - 1 : at;
  };
  for (const scene of scenes) {
    const found = scene.found.toSorted((a, b) => b.score - a.score), right = new Set(pairsInOrder(boxCandidates(found, scene.reference, AP_IOU)).map((pair) => pair.found));
    for (const box of scene.reference) counts[unitOf(box, scene)]! += 1;
    found.forEach((box, i) => ranked.push({ score: box.score, isRight: right.has(i), unit: unitOf(box, scene) }));
  }
  ranked.sort((a, b) => b.score - a.score);
  const referenceOf = (weights: ArrayLike<number>): number => counts.reduce((sum, count, unit) => sum + count * weights[unit]!, 0);
  const value = averagePrecision(ranked, new Float64Array(names.length).fill(1), counts.reduce((sum, count) => sum + count, 0));
  if (value === null) return [];
  const drawn = names.map((_, unit) => Float64Array.from(names, (__, i) => (i === unit ? 1 : 0))); // their sum says how often each unit was drawn
  const [limits] = bootstrapLimits(drawn, (weights) => [averagePrecision(ranked, weights, referenceOf(weights))]);
  return [{ stratum, metric: 'ap50', value, ...(limits ?? { lo: null, hi: null }), n: counts.reduce((sum, count) => sum + count, 0) }];
}
