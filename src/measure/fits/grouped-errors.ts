// measure/fits/grouped-errors.ts: errors on the log scale split into one tree's and a place's, by moments. Pure.
import { Z_95, student95 } from '../../geo/quantiles.ts';

export interface LogError {
  /** ln(observed / predicted) */
  value: number;
  /** plot, site or locality */
  group: string;
}

export interface GroupedErrors {
  n: number;
  groups: number;
  /** mean of the errors */
  bias: number;
  /** error of one tree within its group */
  sigma: number;
  /** error shared by a new group; null below MIN_GROUPS groups: then nobody knows how much places differ */
  tau: number | null;
}

/** Fewer places do not tell how much places differ. */
export const MIN_GROUPS = 5;

/**
 * Standard deviations of trees within groups (sigma) and of a group that is not among them (tau), by the analysis of unweighted means.
 *
 * sigma^2 is the mean square within groups. Means of groups have variance b: the sampling part sigma^2 mean(1/n_j) is taken off, cut at 0.
 * About the mean (a fit on these trees) tau^2 = b (1 + 1/J) + the sampling variance of the grand mean; about zero (a published equation,
 * whose bias here is part of its error elsewhere) tau^2 = mean of the squared group means less the sampling part.
 * A tau of few groups is itself uncertain: it is widened by Student's t over the normal quantile, so that +-1.96 tau holds 95 %.
 *
 * @param about       `mean`: the errors are residuals of a fit; `zero`: of an equation from elsewhere
 * @param parameters  that the fit took from the errors besides one mean a group
 * @see Searle, Casella & McCulloch 1992, Variance Components, chapter 3
 */
export function groupedErrors(errors: readonly LogError[], { about, parameters = 0 }: { about: 'mean' | 'zero'; parameters?: number }): GroupedErrors {
  const groups = [...Map.groupBy(errors, ({ group }) => group).values()].map((members) => members.map(({ value }) => value));
  const n = errors.length, J = groups.length, means = groups.map(mean), bias = n === 0 ? NaN : mean(errors.map(({ value }) => value));
  const freedom = n - J - parameters;
  const within = freedom < 1 ? NaN : sum(groups.flatMap((members, j) => members.map((value) => (value - means[j]!) ** 2))) / freedom;
  if (J < MIN_GROUPS || freedom < 1) {
    const centre = about === 'mean' ? bias : 0;
    return { n, groups: J, bias, sigma: Math.sqrt(sum(errors.map(({ value }) => (value - centre) ** 2)) / Math.max(1, n - 1 - parameters)), tau: null };
  }
  const sampling = within * mean(groups.map(({ length }) => 1 / length)), grand = mean(means);
  const between = sum(means.map((value) => (value - grand) ** 2)) / (J - 1);
  const variance = about === 'mean' ? Math.max(0, between - sampling) * (1 + 1 / J) + sampling / J : Math.max(0, mean(means.map((value) => value ** 2)) - sampling);
  return { n, groups: J, bias, sigma: Math.sqrt(within), tau: Math.sqrt(variance) * (student95(J - 1) / Z_95) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
