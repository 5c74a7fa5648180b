// evaluate/agreement.ts: how well estimates agree with measurements, plot by plot: R2, RMSE, bias with intervals. Pure.
import { bootstrapLimits } from './bootstrap.ts';
import { addedUp, squaresAboutMean } from './figures.ts';
import { PLOT_FIGURES } from './plot-figures.ts';
import type { PlotFigures } from './plot-figures.ts';
import type { Score } from './score.ts';

/** One plot: what was measured, and what the inventory has there. */
export interface PlotComparison {
  plotId: string;
  measured: PlotFigures;
  estimated: PlotFigures;
  /** share of the plot with a valid canopy height */
  validShare: number;
  /** trees of the inventory in the plot */
  trees: number;
}

/** Places in the array of sums of a pair: x measured, y estimated, both minus the mean measured value, which keeps small differences of large values. */
const N = 0, X = 1, Y = 2, XX = 3, YY = 4, XY = 5, ERROR2 = 6;

/** The scores of a pair of series: suffix of the metric, and value of the sums; `centre` was taken off both. */
const SCORES: readonly { suffix: string; value: (s: Float64Array, centre: number) => number | null }[] = [
  { suffix: 'r2', value: (s) => positive(sst(s), (of) => 1 - s[ERROR2]! / of) },
  { suffix: 'r2_corr', value: (s) => positive(sst(s) * squaresAboutMean(s[N]!, s[Y]!, s[YY]!), (of) => (s[XY]! - s[X]! * s[Y]! / s[N]!) ** 2 / of) },
  { suffix: 'rmse', value: (s) => (s[N]! > 0 ? Math.sqrt(s[ERROR2]! / s[N]!) : null) },
  { suffix: 'rmse_percent', value: (s, centre) => positive(meanMeasured(s, centre), (of) => 100 * Math.sqrt(s[ERROR2]! / s[N]!) / of) },
  { suffix: 'bias', value: (s) => (s[N]! > 0 ? (s[Y]! - s[X]!) / s[N]! : null) },
  { suffix: 'bias_percent', value: (s, centre) => positive(meanMeasured(s, centre), (of) => 100 * (s[Y]! - s[X]!) / s[N]! / of) },
];

const sst = (s: Float64Array): number => squaresAboutMean(s[N]!, s[X]!, s[XX]!);
const meanMeasured = (s: Float64Array, centre: number): number => centre + s[X]! / s[N]!;
/** The sums of squares of equal values are 0 up to rounding, and no scale to measure by. */
const positive = (of: number, value: (of: number) => number): number | null => (of > 1e-9 ? value(of) : null);

/**
 * Agreement of estimates with measurements: r2 = 1 - SSE/SST (below 0 where the plots' mean would do better), r2_corr (squared correlation,
 * blind to bias and scale), RMSE and bias (estimated minus measured), both also in per cent of the measured mean.
 *
 * @param prefix  begins each metric: `agb_t_per_ha` gives `agb_t_per_ha_rmse`
 * @returns limits by the bootstrap over plots; nothing without a pair
 */
export function agreementScores(prefix: string, pairs: readonly { measured: number; estimated: number }[]): Score[] {
  const n = pairs.length;
  if (n === 0) return [];
  const centre = pairs.reduce((sum, { measured }) => sum + measured, 0) / n;
  const units = pairs.map(({ measured, estimated }) => {
    const x = measured - centre, y = estimated - centre;
    return Float64Array.of(1, x, y, x * x, y * y, x * y, (y - x) ** 2);
  });
  const total = addedUp(units)!;
  const limits = bootstrapLimits(units, (sums) => SCORES.map(({ value }) => value(sums, centre)));
  const mean: Score = { stratum: 'all', metric: `${prefix}_measured_mean`, value: centre, lo: null, hi: null, n };
  return [mean, ...SCORES.map(({ suffix, value }, i): Score => ({ stratum: 'all', metric: `${prefix}_${suffix}`, value: value(total, centre), ...limits[i]!, n })).filter(({ value }) => value !== null)];
}

/** Scores of all figures over plots by id, then each plot's own figures as `plot:ID`. A figure that one side lacks leaves the plot out of that figure alone. */
export function scorePlots(plots: readonly PlotComparison[]): Score[] {
  const sorted = plots.toSorted((a, b) => (a.plotId < b.plotId ? -1 : 1));
  const scores = PLOT_FIGURES.flatMap(([key, prefix]) => agreementScores(prefix, sorted.flatMap(({ measured, estimated }) => {
    const pair = { measured: measured[key], estimated: estimated[key] };
    return pair.measured === null || pair.estimated === null ? [] : [{ measured: pair.measured, estimated: pair.estimated }];
  })));
  return [...scores, ...sorted.flatMap(rowsOfPlot)];
}

function rowsOfPlot({ plotId, measured, estimated, trees }: PlotComparison): Score[] {
  return PLOT_FIGURES.flatMap(([key, prefix]) => [{ metric: `${prefix}_measured`, value: measured[key] }, { metric: `${prefix}_estimated`, value: estimated[key] }])
    .filter(({ value }) => value !== null).map(({ metric, value }) => ({ stratum: `plot:${plotId}`, metric, value, lo: null, hi: null, n: trees }));
}
