// cloud/metrics.ts: LiDAR metrics of area cells under lidR's names. Pure.
import { roundTo, toUnits } from '../geo/units.ts';
import { indexIn } from '../geo/lattice.ts';
import { InvalidInput } from '../errors.ts';
import type { CellMetrics, Points, Window } from '../types.ts';
export { METRICS } from './metric-names.ts';
export type { Metric } from './metric-names.ts';

export interface MetricsParams {
  /** side of a cell, metres, on the lattice anchored to the CRS origin */
  cellSizeM: number;
  /** upper end of the range that `vci` looks at, metres; heights at or above it are left out of `vci` only */
  vciMaxM?: number;
  /** 1 where a return is ground, by point; default: class 2 */
  isGround?: Uint8Array;
}

const DECIMALS = 6;
const COVER_ABOVE = toUnits(2);
const BIN = toUnits(1);

/** Heights of a cell: metrics need a cell's own points only, so the halo is 0 (windows are whole cells). */
export const metricsHaloM = (): number => 0;

/**
 * LiDAR metrics of every cell of a window, by lidR's definitions.
 *
 * Departures from lidR: the highest return counts in the last bin of zentropy and zpcum (lidR drops it);
 * heights below 0 count in the lowest bin; a value that lidR gives as NaN or NA is null.
 * Sums run over sorted values, so the order of points changes no bit.
 *
 * @param points  z is the height above ground in integers of 1e-5 m; a NaN height is a void and the point is left out
 * @param window  cells of the anchored lattice of `cellSizeM`; points outside are ignored
 * @returns one record a cell, in raster order, cells without returns included (n 0, the rest null); values to 1e-6
 * @throws {InvalidInput} when the cell size is not positive
 */
export function cellMetrics(points: Points, window: Window, { cellSizeM, vciMaxM = 50, isGround }: MetricsParams): CellMetrics[] {
  const cell = toUnits(cellSizeM);
  if (!(cell > 0)) throw new InvalidInput(`cells.size_m is ${cellSizeM}: give a positive size in metres`, { path: 'cells.size_m' });
  const { start, items } = pointsByCell(points, window, cell);
  const out: CellMetrics[] = [];
  for (let row = window.row; row < window.row + window.height; row++) {
    for (let col = window.col; col < window.col + window.width; col++) {
      const c = indexIn(window, col, row);
      out.push({ col, row, values: valuesOf(points, items.subarray(start[c]!, start[c + 1]!), vciMaxM, isGround) });
    }
  }
  return out;
}

/** Indices of points by cell of the window (counting sort); points with a void height or outside fall away. */
function pointsByCell(points: Points, window: Window, cell: number): { start: Uint32Array; items: Uint32Array } {
  const { count, x, y, z } = points;
  const cells = window.width * window.height;
  const cellOf = new Int32Array(count);
  const start = new Uint32Array(cells + 1);
  for (let i = 0; i < count; i++) {
    const col = Math.floor(x[i]! / cell) - window.col;
    const row = -Math.floor(y[i]! / cell) - 1 - window.row;
    const inside = col >= 0 && row >= 0 && col < window.width && row < window.height && z[i]! === z[i]!;
    const c = inside ? row * window.width + col : -1;
    cellOf[i] = c;
    if (inside) start[c + 1]!++;
  }
  for (let c = 0; c < cells; c++) start[c + 1]! += start[c]!;
  const next = start.slice();
  const items = new Uint32Array(start[cells]!);
  for (let i = 0; i < count; i++) {
    const c = cellOf[i]!;
    if (c >= 0) items[next[c]!++] = i;
  }
  return { start, items };
}

type Values = Record<string, number | null>;

const FIRST = 1, LAST = 2, MARKS = 4;

function valuesOf(points: Points, items: Uint32Array, vciMaxM: number, isGround: Uint8Array | undefined): Values {
  const n = items.length;
  const { z, returnNumber, returnCount } = points;
  // a height and its two marks in one whole number: one sort gives all, first and last returns in order
  const marked = new Float64Array(n);
  let firsts = 0, lasts = 0;
  for (let j = 0; j < n; j++) {
    const i = items[j]!, isFirst = returnNumber[i] === 1, isLast = returnNumber[i] === returnCount[i];
    if (isFirst) firsts++;
    if (isLast) lasts++;
    marked[j] = MARKS * z[i]! + (isFirst ? FIRST : 0) + (isLast ? LAST : 0);
  }
  marked.sort();
  const all = new Float64Array(n), f = new Float64Array(firsts), l = new Float64Array(lasts);
  for (let j = 0, atFirst = 0, atLast = 0; j < n; j++) {
    const h = Math.floor(marked[j]! / MARKS), marks = marked[j]! - MARKS * h;
    all[j] = h;
    if (marks & FIRST) f[atFirst++] = h;
    if (marks & LAST) l[atLast++] = h;
  }
  const values: Values = { n };
  heightValues(values, '', all);
  values.vci = vci(all, vciMaxM);
  returnValues(values, points, items, all, isGround);
  values.cover_first_returns = percent(countAbove(f, COVER_ABOVE), firsts);
  heightValues(values, 'f_', f);
  heightValues(values, 'l_', l);
  return values;
}

/** The 36 height metrics of sorted heights (integers of 1e-5 m). */
function heightValues(values: Values, prefix: string, sorted: Float64Array): void {
  const n = sorted.length;
  const zmax = n === 0 ? null : sorted[n - 1]!;
  const m = moments(sorted, BIN);
  values[`${prefix}zmax`] = zmax === null ? null : rounded(zmax / BIN);
  values[`${prefix}zmean`] = rounded(m.mean);
  values[`${prefix}zsd`] = rounded(m.sd);
  values[`${prefix}zskew`] = rounded(m.skew);
  values[`${prefix}zkurt`] = rounded(m.kurt);
  values[`${prefix}zentropy`] = zmax === null || zmax < 2 * BIN ? null : entropy(sorted, Math.ceil(zmax / BIN));
  values[`${prefix}pzabovezmean`] = percent(countAbove(sorted, m.rawMean), n);
  values[`${prefix}pzabove2`] = percent(countAbove(sorted, COVER_ABOVE), n);
  for (let q = 5; q <= 95; q += 5) values[`${prefix}zq${q}`] = n === 0 ? null : rounded(quantile(sorted, q) / BIN);
  for (let t = 1; t <= 9; t++) values[`${prefix}zpcum${t}`] = zmax === null ? null : cumulative(sorted, t);
}

/** Share of heights below t tenths of the highest, %; 0 where nothing is above the ground. */
function cumulative(sorted: Float64Array, t: number): number | null {
  const zmax = sorted[sorted.length - 1]!;
  return zmax <= 0 ? 0 : percent(lowerBound(sorted, (t * zmax) / 10), sorted.length);
}

/** Intensity, return-number and ground metrics. */
function returnValues(values: Values, points: Points, items: Uint32Array, sortedZ: Float64Array, isGround: Uint8Array | undefined): void {
  const n = items.length;
  const intensity = new Float64Array(n);
  const byReturn = new Float64Array(6), below = new Float64Array(5);
  const limits = n === 0 ? [] : [10, 30, 50, 70, 90].map((q) => quantile(sortedZ, q));
  let itot = 0, groundI = 0, ground = 0;
  for (let j = 0; j < n; j++) {
    const i = items[j]!, v = points.intensity[i]!, h = points.z[i]!, r = points.returnNumber[i]!;
    intensity[j] = v;
    itot += v; // whole numbers: exact in any order
    if (r >= 1 && r <= 5) byReturn[r]!++;
    if (isGround ? isGround[i] === 1 : points.classification[i] === 2) { ground++; groundI += v; }
    for (let q = 0; q < 5; q++) if (h <= limits[q]!) below[q]! += v;
  }
  intensity.sort();
  const m = moments(intensity, 1);
  values.itot = n === 0 ? null : itot;
  values.imax = n === 0 ? null : intensity[n - 1]!;
  values.imean = rounded(m.mean);
  values.isd = rounded(m.sd);
  values.iskew = rounded(m.skew);
  values.ikurt = rounded(m.kurt);
  values.ipground = percent(groundI, itot);
  [10, 30, 50, 70, 90].forEach((q, k) => { values[`ipcumzq${q}`] = percent(below[k]!, itot); });
  for (let r = 1; r <= 5; r++) values[`p${r}th`] = percent(byReturn[r]!, n);
  values.pground = percent(ground, n);
}

/** Mean, sd (n - 1), skewness m3 / m2^1.5 and kurtosis n S4 / S2^2 of sorted whole numbers, in units of `scale`. */
function moments(sorted: Float64Array, scale: number): { mean: number; rawMean: number; sd: number; skew: number; kurt: number } {
  const n = sorted.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += sorted[i]!;
  const mean = sum / n;
  let s2 = 0, s3 = 0, s4 = 0;
  for (let i = 0; i < n; i++) {
    const d = (sorted[i]! - mean) / scale, d2 = d * d;
    s2 += d2;
    s3 += d2 * d;
    s4 += d2 * d2;
  }
  // equal values: no spread, so no shape; 0 / 0 must not turn into a number by rounding
  const flat = n === 0 || sorted[0] === sorted[n - 1];
  return {
    mean: mean / scale,
    rawMean: mean,
    sd: n < 2 ? NaN : Math.sqrt(s2 / (n - 1)),
    skew: flat ? NaN : s3 / n / Math.pow(s2 / n, 1.5),
    kurt: flat ? NaN : (n * s4) / (s2 * s2),
  };
}

/** Entropy of heights over `bins` bins of 1 m from the ground, divided by log(bins): 1 when all bins are alike. */
function entropy(sorted: Float64Array, bins: number): number | null {
  const counts = new Float64Array(bins);
  for (let i = 0; i < sorted.length; i++) {
    const bin = Math.floor(sorted[i]! / BIN);
    counts[bin < 0 ? 0 : bin >= bins ? bins - 1 : bin]!++;
  }
  let h = 0;
  for (let b = 0; b < bins; b++) {
    const p = counts[b]! / sorted.length;
    if (p > 0) h -= p * Math.log(p);
  }
  return rounded(h / Math.log(bins));
}

/** van Ewijk et al. 2011: entropy over a range that is the same everywhere, so that cells compare. */
function vci(sorted: Float64Array, maxM: number): number | null {
  const inRange = sorted.subarray(0, lowerBound(sorted, toUnits(maxM)));
  return inRange.length === 0 || maxM < 2 ? null : entropy(inRange, Math.ceil(maxM));
}

/** R's type 7 quantile of sorted values, `percent` a whole number. */
function quantile(sorted: Float64Array, percentile: number): number {
  const position = ((sorted.length - 1) * percentile) / 100;
  const i = Math.floor(position);
  const low = sorted[i]!, high = sorted[Math.min(i + 1, sorted.length - 1)]!;
  return low + (position - i) * (high - low);
}

/** How many sorted values are below `limit`. */
function lowerBound(sorted: Float64Array, limit: number): number {
  let lo = 0, hi = sorted.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (sorted[mid]! < limit) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

function countAbove(sorted: Float64Array, limit: number): number {
  let n = lowerBound(sorted, limit);
  while (n < sorted.length && sorted[n] === limit) n++;
  return sorted.length - n;
}

const percent = (part: number, whole: number): number | null => (whole === 0 ? null : rounded((100 * part) / whole));

const rounded = (value: number): number | null => (Number.isFinite(value) ? roundTo(value, DECIMALS) : null);
