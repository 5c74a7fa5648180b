// evaluate/points.ts: how well points of trees agree with reference points: precision, recall, F1 at a radius, and how far off they are. Pure.
import Flatbush from 'flatbush';
import { ratio, root, scoreFigures, sumsOf } from './figures.ts';
import type { Figure, TallyRow } from './figures.ts';
import { greedyPairs, mostPairs } from './pairs.ts';
import type { Candidate } from './pairs.ts';
import type { Score } from './score.ts';

/** A tree's place, metres: in a picture x to the right and y upward from its upper left corner, in a survey those of its CRS. */
export interface Place {
  xM: number;
  yM: number;
}

/** What was looked at as one: a picture, or a survey's ground. */
export interface Scene {
  /** name of the picture */
  picture: string;
  /** what is resampled as a whole: the picture's place, or the block of a place in it */
  unitAt: (place: Place) => string;
  strata: readonly string[];
}

export interface PointScene extends Scene {
  found: readonly Place[];
  reference: readonly Place[];
}

const PAIRS = 0, GREEDY = 1, FOUND = 2, REFERENCE = 3, DISTANCE2 = 4, LENGTH = 5;

/** 6 and 2.4 in names of metrics: `f1_at_6m`. */
const figuresAt = (radiusM: number): Figure[] => {
  const at = `_at_${radiusM}m`;
  return [
    { metric: `precision${at}`, value: (s) => ratio(s[PAIRS]!, s[FOUND]!), n: (s) => s[FOUND]! },
    { metric: `recall${at}`, value: (s) => ratio(s[PAIRS]!, s[REFERENCE]!), n: (s) => s[REFERENCE]! },
    { metric: `f1${at}`, value: (s) => ratio(2 * s[PAIRS]!, s[FOUND]! + s[REFERENCE]!), n: (s) => s[REFERENCE]! },
    { metric: `f1_greedy${at}`, value: (s) => ratio(2 * s[GREEDY]!, s[FOUND]! + s[REFERENCE]!), n: (s) => s[REFERENCE]! },
    { metric: `position_rmse_m${at}`, value: (s) => root(ratio(s[DISTANCE2]!, s[PAIRS]!)), n: (s) => s[PAIRS]! },
  ];
};

/** Pairs no farther apart than the radius; loss: their distance as a share of it. */
export function pointCandidates(found: readonly Place[], reference: readonly Place[], radiusM: number): Candidate[] {
  if (found.length === 0 || reference.length === 0) return [];
  const index = new Flatbush(reference.length);
  for (const { xM, yM } of reference) index.add(xM, yM, xM, yM);
  index.finish();
  return found.flatMap(({ xM, yM }, i) => index.search(xM - radiusM, yM - radiusM, xM + radiusM, yM + radiusM).flatMap((j) => {
    const loss = Math.hypot(xM - reference[j]!.xM, yM - reference[j]!.yM) / radiusM;
    return loss <= 1 + 1e-9 ? [{ found: i, reference: j, loss: Math.min(1, loss) }] : []; // 1e-9: a sum of metres in binary is a hair off
  }));
}

/**
 * Score points within a radius.
 *
 * Precision, recall, F1 and the position's RMSE are of the optimal assignment (`mostPairs`: the most pairs, then the least distance in all);
 * `f1_greedy` of the nearest pairs first. With n pairs, P = n / found, R = n / reference, F1 = 2 n / (found + reference). The RMSE is of the pairs, so it grows
 * with the radius: radius / sqrt 2 is what pairs at random would give. A pair counts in the unit of its reference point, a false one in its own.
 *
 * @param radiusM  farthest that two points of one tree may be apart; a pair at exactly the radius counts
 * @returns `precision_at_6m` ... for radius 6: in all, by stratum, by picture
 * @see Ventura et al. 2024, who match at 6 m
 */
export function scorePoints(scenes: readonly PointScene[], radiusM: number): Score[] {
  return scoreFigures(scenes.flatMap((scene) => tallyScene(scene, radiusM)), figuresAt(radiusM));
}

function tallyScene(scene: PointScene, radiusM: number): TallyRow[] {
  const { picture, strata, found, reference, unitAt } = scene, candidates = pointCandidates(found, reference, radiusM), units = new Map<string, Float64Array>();
  const sumsAt = (place: Place): Float64Array => sumsOf(units, unitAt(place), LENGTH);
  if (found.length + reference.length === 0) sumsAt({ xM: 0, yM: 0 }); // an empty picture is one of those resampled
  for (const place of found) sumsAt(place)[FOUND]! += 1;
  for (const place of reference) sumsAt(place)[REFERENCE]! += 1;
  for (const pair of mostPairs(candidates, found.length, reference.length)) {
    const sums = sumsAt(reference[pair.reference]!);
    sums[PAIRS]! += 1;
    sums[DISTANCE2]! += (pair.loss * radiusM) ** 2;
  }
  for (const pair of greedyPairs(candidates)) sumsAt(reference[pair.reference]!)[GREEDY]! += 1;
  return [...units].map(([unit, sums]) => ({ picture, unit, strata, sums }));
}

/** What to say where greedy and optimal pairs give another F1; null where they agree in all. */
export function greedyDifference(scores: readonly Score[]): string | null {
  const all = scores.filter(({ stratum, metric }) => stratum === 'all' && /^(object_)?f1_greedy/.test(metric)).flatMap(({ metric, value }) => {
    const optimal = scores.find((score) => score.stratum === 'all' && score.metric === metric.replace('_greedy', ''))?.value;
    return optimal === undefined || optimal === null || value === null || optimal === value ? [] : [`${metric.replace('_greedy', '')} ${optimal.toFixed(4)}, greedily ${value.toFixed(4)}`];
  });
  return all.length === 0 ? null : `optimal and greedy pairs differ: ${all.join('; ')}`;
}
