// tile/point-order.ts: the one order of points, and equal records as one point. Pure.
import type { BucketPoints } from './bucket-format.ts';
import { copyPoints } from './bucket-format.ts';

/** Coordinates inside a sub-cell of 10 m are below 2^20 units, so (x, y) take 40 bits of a double's 53 and 13 are left for an index. */
const INDEX_BITS = 13;
const MAX_PACKED = 2 ** INDEX_BITS;
const Y_SCALE = 2 ** INDEX_BITS;
const X_SCALE = 2 ** (INDEX_BITS + 20);

/** The order of stored points: x, y, z, time, returns, class, intensity, flags. 0 only for records equal in every stored column. */
function comparePoints(p: BucketPoints, a: number, b: number): number {
  return p.x[a]! - p.x[b]! || p.y[a]! - p.y[b]! || compareRest(p, a, b);
}

function compareRest(p: BucketPoints, a: number, b: number): number {
  return p.z[a]! - p.z[b]! || compareTimes(p.time[a]!, p.time[b]!) || p.returns[a]! - p.returns[b]!
    || p.classification[a]! - p.classification[b]! || p.intensity[a]! - p.intensity[b]! || p.flags[a]! - p.flags[b]!;
}

/** NaN times are equal to each other and last. */
function compareTimes(a: number, b: number): number {
  if (a === b) return 0;
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  return Number.isNaN(b) || a < b ? -1 : 1;
}

/**
 * The canonical order of the points of one sub-cell: indices [from, from + count) sorted by every stored column.
 *
 * @param x0,y0  the sub-cell's lower-left corner in the frame of `points.x`, `points.y`
 */
export function orderOfSubCell(points: BucketPoints, from: number, count: number, x0: number, y0: number): Uint32Array {
  const order = new Uint32Array(count);
  if (count > MAX_PACKED) {
    for (let i = 0; i < count; i++) order[i] = from + i;
    return order.sort((a, b) => comparePoints(points, a, b));
  }
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = (points.x[from + i]! - x0) * X_SCALE + (points.y[from + i]! - y0) * Y_SCALE + i;
  keys.sort();
  for (let i = 0; i < count; i++) order[i] = from + (keys[i]! % MAX_PACKED);
  for (let i = 0, end = 0; i < count; i = end) {
    const place = Math.floor(keys[i]! / MAX_PACKED);
    for (end = i + 1; end < count && Math.floor(keys[end]! / MAX_PACKED) === place;) end++;
    if (end - i > 1) order.subarray(i, end).sort((a, b) => compareRest(points, a, b));
  }
  return order;
}

/**
 * Write the points named by `order` to `target` from `to` on, leaving out those that equal their predecessor.
 *
 * @returns how many were written
 */
export function placeDistinct(source: BucketPoints, order: Uint32Array, target: BucketPoints, to: number): number {
  let written = 0, previous = -1;
  for (const i of order) {
    if (previous >= 0 && comparePoints(source, previous, i) === 0) continue;
    placePoint(source, i, target, to + written++);
    previous = i;
  }
  return written;
}

function placePoint(source: BucketPoints, i: number, target: BucketPoints, to: number): void {
  target.time[to] = source.time[i]!;
  target.x[to] = source.x[i]!;
  target.y[to] = source.y[i]!;
  target.z[to] = source.z[i]!;
  target.intensity[to] = source.intensity[i]!;
  target.returns[to] = source.returns[i]!;
  target.classification[to] = source.classification[i]!;
  target.flags[to] = source.flags[i]!;
}

/**
 * Sort points into sub-cells and, within each, canonically; equal records become one.
 *
 * @param subCellOf  sub-cell of each point, in [0, cells)
 * @param cornerOf   lower-left corner of a sub-cell in the frame of the points
 * @returns the sorted points and how many each sub-cell holds
 */
export function sortPoints(
  points: BucketPoints, subCellOf: Uint32Array, cells: number, cornerOf: (cell: number) => [number, number],
  allocate: (count: number) => BucketPoints,
): { points: BucketPoints; counts: Uint32Array } {
  const starts = new Uint32Array(cells + 1);
  for (let i = 0; i < points.count; i++) starts[subCellOf[i]! + 1]!++;
  for (let c = 0; c < cells; c++) starts[c + 1]! += starts[c]!;
  const grouped = allocate(points.count), next = starts.slice();
  for (let i = 0; i < points.count; i++) placePoint(points, i, grouped, next[subCellOf[i]!]!++);

  const counts = new Uint32Array(cells);
  let total = 0;
  for (let c = 0; c < cells; c++) {
    const from = starts[c]!, count = starts[c + 1]! - from;
    if (count === 0) continue;
    const [x0, y0] = cornerOf(c);
    counts[c] = placeDistinct(grouped, orderOfSubCell(grouped, from, count, x0, y0), points, total);
    total += counts[c]!;
  }
  return { points: firstPoints(points, total, allocate), counts };
}

function firstPoints(points: BucketPoints, count: number, allocate: (count: number) => BucketPoints): BucketPoints {
  if (count === points.count) return points;
  const out = allocate(count);
  copyPoints(points, 0, count, out, 0);
  return out;
}
