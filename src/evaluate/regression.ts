// evaluate/regression.ts: how well predicted figures (volume, DBH, biomass) and their intervals agree with measured ones. Pure.
import { ratio, root, scoreFigures, squaresAboutMean } from './figures.ts';
import type { Figure } from './figures.ts';
import { Z_95 } from './quantiles.ts';
import type { Score } from './score.ts';

/** One plot, tree or pixel. */
export interface RegressionCase {
  /** the site that is resampled as a whole */
  unit: string;
  strata: readonly string[];
  measured: number;
  estimated: number;
  /** standard deviation that the model states; null where it states none */
  sd: number | null;
}

const N = 0, X = 1, XX = 2, ERROR = 3, ERROR2 = 4, WITH_SD = 5, INSIDE = 6, LENGTH = 7;

const count = (s: Float64Array): number => s[N]!;
const sst = (s: Float64Array): number => squaresAboutMean(s[N]!, s[X]!, s[XX]!);

const FIGURES: readonly Figure[] = [
  { metric: 'rmse', value: (s) => root(ratio(s[ERROR2]!, s[N]!)), n: count },
  { metric: 'rmse_percent', value: (s) => (s[X]! > 0 ? (100 * Math.sqrt(s[ERROR2]! / s[N]!)) / (s[X]! / s[N]!) : null), n: count },
  { metric: 'bias', value: (s) => ratio(s[ERROR]!, s[N]!), n: count },
  { metric: 'r2', value: (s) => (sst(s) > 1e-9 ? 1 - s[ERROR2]! / sst(s) : null), n: count },
  { metric: 'coverage_95', value: (s) => ratio(s[INSIDE]!, s[WITH_SD]!), n: (s) => s[WITH_SD]! },
];

/**
 * Score predictions: RMSE (in per cent of the measured mean too), bias (estimated minus measured), R2 = 1 - SSE/SST, and the share of measured values inside
 * estimated +- 1.96 sd, which is 0.95 where the model knows its error.
 *
 * @param prefix  begins each metric: `volume_m3_per_ha` gives `volume_m3_per_ha_rmse`
 * @returns in all and by stratum; limits by the bootstrap over units
 */
export function scoreRegression(prefix: string, cases: readonly RegressionCase[]): Score[] {
  return scoreFigures(cases.map(({ unit, strata, measured, estimated, sd }) => {
    const error = estimated - measured, sums = new Float64Array(LENGTH);
    sums.set([1, measured, measured ** 2, error, error ** 2, sd === null ? 0 : 1, sd !== null && Math.abs(error) <= Z_95 * sd ? 1 : 0]);
    return { picture: 'all', unit, strata, sums };
  }), FIGURES).map((score) => ({ ...score, metric: `${prefix}_${score.metric}` }));
}
