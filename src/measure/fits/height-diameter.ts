// measure/fits/height-diameter.ts: stem diameter from height, fitted to the user's plots: D = asym (1 - exp(-k H))^p. Pure.
import { InvalidInput } from '../../errors.ts';
import { groupedErrors } from './grouped-errors.ts';

/** One tree measured on the ground. */
export interface MeasuredStem {
  /** null: a tree outside plots */
  plotId: string | null;
  heightM: number;
  dbhCm: number;
}

/** D = correction x asym (1 - exp(-k H))^p, cm from metres, with its errors on the log scale. */
export interface HeightDiameterFit {
  asym: number;
  k: number;
  p: number;
  /** sum of observed D / sum of the curve's D: the curve is fitted to ln D, so by itself it gives less than the mean */
  correction: number;
  sigma: number;
  tau: number | null;
  squareFactor: number;
  n: number;
  plots: number;
  heightRangeM: [number, number];
  /** root mean square of observed - predicted D, cm */
  rmseCm: number;
  /** the best curve has no bend within the data: a power of height */
  isPower: boolean;
}

/** Fewer trees fit no curve of three parameters. */
export const MIN_STEMS = 10;

/** Bounds of k x the tallest height: below, the curve is a power of height; above, it is flat over the data. */
const LEAST_BEND = 0.01, MOST_BEND = 30, STEPS = 120;

/**
 * Fit a Chapman-Richards curve by non-linear least squares on ln D.
 *
 * For a given k the curve is linear in ln asym and p (ln D = ln asym + p ln(1 - exp(-k H))), so these are solved for exactly and only k is
 * searched: a grid over its bounds, then golden section (variable projection, Golub & Pereyra 1973, SIAM J. Numer. Anal. 10:413-432).
 * No start values, one answer, the same on every run; trees are sorted first, so their order does not count.
 * sigma: within plots; tau: a plot that was not measured (see grouped-errors.ts), null with fewer than 5 plots.
 *
 * @throws {InvalidInput} for fewer than 10 usable trees, heights that are all about one, or diameters that do not grow with height
 */
export function fitHeightDiameter(stems: readonly MeasuredStem[]): HeightDiameterFit {
  const used = stems.filter(({ heightM, dbhCm }) => heightM > 0 && Number.isFinite(heightM) && dbhCm > 0 && Number.isFinite(dbhCm))
    .toSorted((a, b) => a.heightM - b.heightM || a.dbhCm - b.dbhCm || ((a.plotId ?? '') < (b.plotId ?? '') ? -1 : 1));
  if (used.length < MIN_STEMS) throw new InvalidInput(`height-diameter: ${used.length} trees with a height and a diameter; a curve needs at least ${MIN_STEMS}`, { trees: used.length });
  const heights = used.map(({ heightM }) => heightM), logs = used.map(({ dbhCm }) => Math.log(dbhCm)), [lowest, tallest] = [heights[0]!, heights.at(-1)!];
  if (tallest < 1.2 * lowest) throw new InvalidInput(`height-diameter: all heights lie between ${lowest} and ${tallest} m; measure trees of several sizes`, { lowest, tallest });

  const at = (bend: number): Line => lineThrough(heights.map((h) => Math.log(-Math.expm1((-bend / tallest) * h))), logs);
  const bend = leastOf((logBend) => at(Math.exp(logBend)).squares, Math.log(LEAST_BEND), Math.log(MOST_BEND)), best = at(Math.exp(bend));
  if (!(best.slope > 0)) throw new InvalidInput('height-diameter: diameters do not grow with height in these trees; check the units and the columns height_m and dbh_cm', { slope: best.slope });
  const curve = { asym: Math.exp(best.intercept), k: Math.exp(bend) / tallest, p: best.slope };
  return { ...curve, ...errorsOf(used, curve), heightRangeM: [lowest, tallest], isPower: bend < Math.log(LEAST_BEND) + 0.1 };
}

type Curve = Pick<HeightDiameterFit, 'asym' | 'k' | 'p'>;

/** D in cm of a height in metres, before any correction. */
export const curveAt = ({ asym, k, p }: Curve, heightM: number): number => asym * (-Math.expm1(-k * heightM)) ** p;

function errorsOf(stems: readonly MeasuredStem[], curve: Curve): Pick<HeightDiameterFit, 'correction' | 'sigma' | 'tau' | 'squareFactor' | 'n' | 'plots' | 'rmseCm'> {
  const predicted = stems.map(({ heightM }) => curveAt(curve, heightM)), observed = stems.map(({ dbhCm }) => dbhCm);
  const correction = sum(observed) / sum(predicted);
  const errors = stems.map(({ plotId, dbhCm }, i) => ({ value: Math.log(dbhCm / predicted[i]!), group: plotId ?? '' }));
  const inPlots = stems.every(({ plotId }) => plotId !== null);
  const { sigma, tau, groups } = groupedErrors(errors, { about: 'mean', parameters: 2 });
  return {
    correction, sigma, tau: inPlots ? tau : null, n: stems.length, plots: inPlots ? groups : 0,
    squareFactor: sum(observed.map((d) => d ** 2)) / sum(predicted.map((d) => (correction * d) ** 2)),
    rmseCm: Math.sqrt(sum(observed.map((d, i) => (d - correction * predicted[i]!) ** 2)) / stems.length),
  };
}

interface Line { intercept: number; slope: number; squares: number }

/** Least squares y = intercept + slope x, with its sum of squared residuals. */
function lineThrough(x: readonly number[], y: readonly number[]): Line {
  const xMean = sum(x) / x.length, yMean = sum(y) / y.length;
  const slope = sum(x.map((value, i) => (value - xMean) * (y[i]! - yMean))) / sum(x.map((value) => (value - xMean) ** 2)), intercept = yMean - slope * xMean;
  return { intercept, slope, squares: sum(x.map((value, i) => (y[i]! - intercept - slope * value) ** 2)) };
}

/** Where a function is least: the best of a grid, then golden section between its neighbours. */
function leastOf(f: (x: number) => number, low: number, high: number): number {
  const step = (high - low) / STEPS, grid = Array.from({ length: STEPS + 1 }, (_, i) => low + i * step), values = grid.map(f);
  const best = values.reduce((least, value, i) => (value < values[least]! ? i : least), 0);
  let a = grid[Math.max(0, best - 1)]!, b = grid[Math.min(STEPS, best + 1)]!;
  const ratio = (Math.sqrt(5) - 1) / 2;
  for (let i = 0; i < 60; i++) {
    const c = b - ratio * (b - a), d = a + ratio * (b - a);
    if (f(c) <= f(d)) b = d;
    else a = c;
  }
  return (a + b) / 2;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
