// evaluate/bootstrap.ts: 95 % intervals of figures made from sums, by resampling whole plots or blocks. Pure.
import { normalShare, quantileOf, student95 } from '../geo/quantiles.ts';

/** Limits of a 95 % interval; null where there are too few units, or where too many resamples lack the figure. */
export interface Limits {
  lo: number | null;
  hi: number | null;
}

export interface BootstrapOptions {
  draws?: number;
  seed?: number;
}

/** Fewer plots or blocks say nothing of how they differ: no interval, never a narrow one. */
export const FEWEST_UNITS = 5;
/** Stated at the columns of table `evaluation`: the same input gives the same limits. */
export const BOOTSTRAP_SEED = 20_260_701, BOOTSTRAP_DRAWS = 2000;
/** A figure that more than this share of the resamples lack (an R2 of equal values ...) has no interval. */
const MOST_MISSING = 0.05;

/**
 * Intervals by the bootstrap over units: as many units are drawn as there are, with replacement, their sums added, the figures made of them.
 *
 * The plain percentile interval is too narrow for few units, so its percentiles are moved outwards by Student's t and sqrt(n / (n - 1)): the
 * expanded percentile interval of Hesterberg 2015, doi:10.1080/00031305.2015.1089789. Ours gives none below `FEWEST_UNITS`.
 *
 * @param units    one array of sums a unit, all of one length; their order changes the draws, so sort by something real
 * @param figures  the figures of a sum of units; null where one does not exist
 * @returns limits in the order of the figures
 */
export function bootstrapLimits(units: readonly Float64Array[], figures: (sums: Float64Array) => (number | null)[], { draws = BOOTSTRAP_DRAWS, seed = BOOTSTRAP_SEED }: BootstrapOptions = {}): Limits[] {
  const length = units[0]?.length ?? 0, count = figures(new Float64Array(length)).length, n = units.length;
  if (n < FEWEST_UNITS) return Array.from({ length: count }, () => ({ lo: null, hi: null }));
  const values = Array.from({ length: count }, () => new Float64Array(draws)), filled = new Int32Array(count);
  const random = seededRandom(seed), sums = new Float64Array(length);
  for (let draw = 0; draw < draws; draw++) {
    sums.fill(0);
    for (let k = 0; k < n; k++) {
      const unit = units[Math.floor(random() * n)]!;
      for (let i = 0; i < length; i++) sums[i]! += unit[i]!;
    }
    figures(sums).forEach((value, i) => {
      if (value !== null) values[i]![filled[i]!++] = value;
    });
  }
  const tail = normalShare(-student95(n - 1) * Math.sqrt(n / (n - 1)));
  return values.map((list, i) => {
    if (filled[i]! < draws * (1 - MOST_MISSING)) return { lo: null, hi: null };
    const sorted = list.subarray(0, filled[i]!).sort();
    return { lo: quantileOf(sorted, tail), hi: quantileOf(sorted, 1 - tail) };
  });
}

/** Numbers in [0, 1) that follow from the seed alone: mulberry32, integer arithmetic, the same on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
