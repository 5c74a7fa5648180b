// evaluate/counts.ts: how well counts of trees agree with counted ones: MAE, RMSE, R2, bias, in all and by count. Pure.
import { ratio, root, scoreFigures, squaresAboutMean } from './figures.ts';
import type { Figure } from './figures.ts';
import type { Score } from './score.ts';

/** One picture. */
export interface CountScene {
  picture: string;
  /** the place that is resampled as a whole */
  unit: string;
  strata: readonly string[];
  measured: number;
  estimated: number;
}

const N = 0, X = 1, XX = 2, ABSOLUTE = 3, ERROR = 4, ERROR2 = 5, LENGTH = 6;

const pictures = (s: Float64Array): number => s[N]!;
const sst = (s: Float64Array): number => squaresAboutMean(s[N]!, s[X]!, s[XX]!);

const FIGURES: readonly Figure[] = [
  { metric: 'count_mean', value: (s) => ratio(s[X]!, s[N]!), n: pictures },
  { metric: 'count_mae', value: (s) => ratio(s[ABSOLUTE]!, s[N]!), n: pictures },
  { metric: 'count_rmse', value: (s) => root(ratio(s[ERROR2]!, s[N]!)), n: pictures },
  { metric: 'count_r2', value: (s) => (sst(s) > 1e-9 ? 1 - s[ERROR2]! / sst(s) : null), n: pictures },
  { metric: 'count_bias', value: (s) => ratio(s[ERROR]!, s[N]!), n: pictures },
  { metric: 'count_bias_percent', value: (s) => (s[X]! > 0 ? (100 * s[ERROR]!) / s[X]! : null), n: pictures },
];

/** Lower limits of the classes by which errors of counts are told apart: trees of the reference. */
export const COUNT_CLASSES: readonly number[] = [0, 30, 60, 90];

/** `trees:30-60` holds 30 <= count < 60; the last class has no end: `trees:90-`. */
export function countClass(count: number): string {
  const at = COUNT_CLASSES.findLastIndex((from) => count >= from);
  return `trees:${COUNT_CLASSES[at]}-${COUNT_CLASSES[at + 1] ?? ''}`;
}

/**
 * Score counts of pictures, in trees a picture.
 *
 * Errors are estimated minus measured. R2 = 1 - SSE/SST, SST about the measured mean of the pictures: below 0 where that mean would do better. It tells of
 * the spread of the pictures as well: within a class of counts it says little.
 *
 * @returns in all, by stratum and class of the measured count, by picture
 */
export function scoreCounts(scenes: readonly CountScene[]): Score[] {
  return scoreFigures(scenes.map(({ picture, unit, strata, measured, estimated }) => {
    const error = estimated - measured, sums = new Float64Array(LENGTH);
    sums.set([1, measured, measured ** 2, Math.abs(error), error, error ** 2]);
    return { picture, unit, strata: [...strata, countClass(measured)], sums };
  }), FIGURES);
}
