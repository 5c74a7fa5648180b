// evaluate/figures.ts: scores made of sums: in all, by stratum and by picture, with intervals over places. Pure.
import { bootstrapLimits } from './bootstrap.ts';
import type { Score } from './score.ts';

/** What one picture, or a block of one, adds to the sums. */
export interface TallyRow {
  picture: string;
  /** the place that is resampled as a whole: pictures of one place in several years are one */
  unit: string;
  /** beside `all` and its own: city:claremont, trees:0-30 ... */
  strata: readonly string[];
  sums: Float64Array;
}

/** A figure of sums, and how many things it rests on; null where it does not exist. */
export interface Figure {
  metric: string;
  value: (sums: Float64Array) => number | null;
  n: (sums: Float64Array) => number;
}

export const ratio = (over: number, under: number): number | null => (under > 0 ? over / under : null);
/** Sum of squares about the mean, of the number, the sum and the sum of squares; of equal values rounding is left. */
export const squaresAboutMean = (n: number, sum: number, squares: number): number => (n > 0 ? squares - sum ** 2 / n : 0);
export const root = (square: number | null): number | null => (square === null ? null : Math.sqrt(Math.max(0, square)));

/**
 * Figures of `all`, of each stratum and, where there are several pictures, of each picture as `picture:NAME`.
 *
 * Sums are added first and figures made of them then: a share is that of all trees, not the mean of the pictures' shares. Limits (95 %) come from the
 * bootstrap over units; none for single pictures, nor where all resamples agree. A figure that does not exist is left out.
 */
export function scoreFigures(rows: readonly TallyRow[], figures: readonly Figure[]): Score[] {
  const strata = [...new Set(rows.flatMap((row) => row.strata))].sort(compareText), pictures = [...new Set(rows.map(({ picture }) => picture))].sort(compareText);
  const whole = ['all', ...strata].flatMap((stratum) => scoresOf(stratum, rows.filter((row) => stratum === 'all' || row.strata.includes(stratum)), figures, true));
  return pictures.length < 2 ? whole : [...whole, ...pictures.flatMap((name) => scoresOf(`picture:${name}`, rows.filter(({ picture }) => picture === name), figures, false))];
}

function scoresOf(stratum: string, rows: readonly TallyRow[], figures: readonly Figure[], withLimits: boolean): Score[] {
  const units = sumsByUnit(rows), total = addedUp(units);
  if (!total) return [];
  const limits = withLimits ? bootstrapLimits(units, (sums) => figures.map(({ value }) => value(sums))) : [];
  return figures.flatMap(({ metric, value, n }, i): Score[] => {
    const { lo = null, hi = null } = limits[i] ?? {}, score = value(total), isFlat = lo === null || hi === null || hi - lo < 1e-12;
    return score === null ? [] : [{ stratum, metric, value: score, lo: isFlat ? null : lo, hi: isFlat ? null : hi, n: n(total) }];
  });
}

/** Sums of each unit, in the order of their names. */
function sumsByUnit(rows: readonly TallyRow[]): Float64Array[] {
  return [...Map.groupBy(rows, ({ unit }) => unit)].sort(([a], [b]) => compareText(a, b)).map(([, members]) => addedUp(members.map(({ sums }) => sums))!);
}

/** The sums of a unit, begun where there are none. */
export function sumsOf(units: Map<string, Float64Array>, unit: string, length: number): Float64Array {
  const sums = units.get(unit) ?? new Float64Array(length);
  units.set(unit, sums);
  return sums;
}

/** Sums added place by place, in their order; null of none. */
export function addedUp(list: readonly Float64Array[]): Float64Array | null {
  if (list.length === 0) return null;
  const total = new Float64Array(list[0]!.length);
  for (const sums of list) for (let i = 0; i < total.length; i++) total[i]! += sums[i]!;
  return total;
}

/** Text by code unit, numbers in it by their value: trees:30-60 before trees:120-240. */
export function compareText(a: string, b: string): number {
  const left = a.split(/(\d+)/), right = b.split(/(\d+)/);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const p = left[i]!, q = right[i]!, difference = i % 2 === 1 ? Number(p) - Number(q) : 0;
    if (difference !== 0) return difference;
    if (p !== q) return p < q ? -1 : 1;
  }
  return left.length - right.length;
}
