// geo/quantiles.ts: quantiles of samples and of Student's t, and shares of the normal distribution. Pure.

/** Quantile of ascending values, linear between them: type 7 of Hyndman & Fan 1996, the default of R and numpy; `p` in 0..1. */
export function quantileOf(sorted: ArrayLike<number>, p: number): number {
  const at = p * (sorted.length - 1), below = Math.floor(at), low = sorted[below]!, high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
}

/** Share of the standard normal distribution below `z`: Abramowitz & Stegun 1964, 26.2.17, error below 7.5e-8. */
export function normalShare(z: number): number {
  const k = 1 / (1 + 0.2316419 * Math.abs(z)), density = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  const upper = density * k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
  return z > 0 ? 1 - upper : upper;
}

/** The two-sided 95 % point of the standard normal distribution: its 97.5 % quantile. */
export const Z_95 = 1.959963984540054;

/**
 * The two-sided 95 % point of Student's t: 2.78 at 4 degrees of freedom, 2.09 at 19, 1.96 without end.
 * Expansion of Abramowitz & Stegun 1964, 26.7.5; within 0.04 % from 4 degrees of freedom on.
 */
export function student95(degrees: number): number {
  const z = Z_95, z2 = z * z;
  const terms = [z * (z2 + 1) / 4, z * (5 * z2 ** 2 + 16 * z2 + 3) / 96, z * (3 * z2 ** 3 + 19 * z2 ** 2 + 17 * z2 - 15) / 384, z * (79 * z2 ** 4 + 776 * z2 ** 3 + 1482 * z2 ** 2 - 1920 * z2 - 945) / 92_160];
  return terms.reduce((sum, term, i) => sum + term / degrees ** (i + 1), z);
}

/** The 95 % interval of a share of `n` independent trials, of which `share` succeeded (Wilson 1927): 48 of 48 say 0.93 to 1. */
export function wilson95(share: number, n: number): { lo: number; hi: number } {
  const z2 = Z_95 ** 2, middle = (share + z2 / (2 * n)) / (1 + z2 / n), half = (Z_95 / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return { lo: share === 0 ? 0 : Math.max(0, middle - half), hi: share === 1 ? 1 : Math.min(1, middle + half) };
}
