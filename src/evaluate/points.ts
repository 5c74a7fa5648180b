// evaluate/points.ts: how well points of trees agree with reference points: precision, recall, F1 at a radius, and how far off they are. Pure.
import Flatbush from 'flatbush';
import { root, scoreFigures } from './figures.ts';
import { pairFigures, tallyPairs } from './pair-tally.ts';
import type { Place, Scene } from './pair-tally.ts';
import { greedyPairs, mostPairs } from './pairs.ts';
import type { Candidate } from './pairs.ts';
import type { Score } from './score.ts';

export interface PointScene extends Scene {
  found: readonly Place[];
  reference: readonly Place[];
}

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
  const rows = scenes.flatMap((scene) => {
    const { found, reference } = scene, candidates = pointCandidates(found, reference, radiusM);
    return tallyPairs(scene, { found, reference, optimal: mostPairs(candidates, found.length, reference.length), greedy: greedyPairs(candidates), meritOf: ({ loss }) => (loss * radiusM) ** 2 });
  });
  return scoreFigures(rows, pairFigures(`_at_${radiusM}m`, { metric: 'position_rmse_m', value: root }));
}

/** What to say where greedy and optimal pairs give another F1; null where they agree in all. */
export function greedyDifference(scores: readonly Score[]): string | null {
  const all = scores.filter(({ stratum, metric }) => stratum === 'all' && /^(object_)?f1_greedy/.test(metric)).flatMap(({ metric, value }) => {
    const optimal = scores.find((score) => score.stratum === 'all' && score.metric === metric.replace('_greedy', ''))?.value;
    return optimal === undefined || optimal === null || value === null || optimal === value ? [] : [`${metric.replace('_greedy', '')} ${optimal.toFixed(4)}, greedily ${value.toFixed(4)}`];
  });
  return all.length === 0 ? null : `optimal and greedy pairs differ: ${all.join('; ')}`;
}
