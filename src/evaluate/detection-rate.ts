// evaluate/detection-rate.ts: how many trees the inventory finds for each that stands there, with its error. Pure.

/** Trees found and trees that stand in one plot. */
export interface PlotCount {
  found: number;
  reference: number;
}

export interface DetectionRate {
  /** found / reference over all plots; above 1 where more are found than stand there; null where none stands there, or none was found */
  rate: number | null;
  /** standard error of ln(rate), by the differences between plots; null for fewer than two plots */
  logError: number | null;
  /** plots with a tree, found or standing */
  n: number;
}

/**
 * The detection rate r of plots: stems found / r are the stems that stand there.
 *
 * Found trees count whether or not they are right, since a stand's count has its false trees too: r = recall / precision, not recall.
 * The ratio of sums, with the variance of a ratio estimator (Cochran 1977, eq. 2.46, without the correction for a finite population):
 * var(r) = sum (f_i - r R_i)^2 / (n (n - 1) mean(R)^2), and the error of ln r is sqrt(var(r)) / r.
 * Plots are taken as a simple random sample of the survey; where they were laid out otherwise, the error is not this one.
 */
export function detectionRate(plots: readonly PlotCount[]): DetectionRate {
  const counted = plots.filter(({ found, reference }) => found + reference > 0), n = counted.length;
  const found = counted.reduce((sum, plot) => sum + plot.found, 0), reference = counted.reduce((sum, plot) => sum + plot.reference, 0);
  if (found === 0 || reference === 0) return { rate: null, logError: null, n };
  const rate = found / reference, meanReference = reference / n;
  if (n < 2) return { rate, logError: null, n };
  const squares = counted.reduce((sum, plot) => sum + (plot.found - rate * plot.reference) ** 2, 0);
  return { rate, logError: Math.sqrt(squares / (n * (n - 1))) / meanReference / rate, n };
}
