// tile/point-order.ts: the one order of points, and equal records as one point. Pure.
import type { BucketPoints } from './bucket-format.ts';

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

/** Keys of one sub-cell, made once: sorting a sub-cell allocates nothing. */
const keysOfSubCell = new Float64Array(MAX_PACKED);

/**
 * Bring the points of one sub-cell into canonical order: by every stored column. Sorts `items` in place.
 *
 * @param items  indices of the sub-cell's points
 * @param x0,y0  the sub-cell's lower-left corner in the frame of `points.x`, `points.y`
 */
export function sortSubCell(points: BucketPoints, items: Uint32Array, x0: number, y0: number): void {
  const count = items.length;
  if (count > MAX_PACKED) {
    items.sort((a, b) => comparePoints(points, a, b));
    return;
  }
  const { x, y } = points, keys = keysOfSubCell.subarray(0, count), unsorted = items.slice();
  for (let k = 0; k < count; k++) keys[k] = (x[unsorted[k]!]! - x0) * X_SCALE + (y[unsorted[k]!]! - y0) * Y_SCALE + k;
  keys.sort();
  for (let k = 0; k < count; k++) items[k] = unsorted[keys[k]! % MAX_PACKED]!;
  for (let k = 0, end = 0; k < count; k = end) {
    const place = Math.floor(keys[k]! / MAX_PACKED);
    for (end = k + 1; end < count && Math.floor(keys[end]! / MAX_PACKED) === place;) end++;
    if (end - k > 1) items.subarray(k, end).sort((a, b) => compareRest(points, a, b));
  }
}

/** Leave out of sorted indices those whose record equals the one before. @returns the distinct ones, a view of `items` */
export function distinctOf(points: BucketPoints, items: Uint32Array): Uint32Array {
  let kept = 0;
  for (let k = 0; k < items.length; k++) {
    if (kept > 0 && comparePoints(points, items[kept - 1]!, items[k]!) === 0) continue;
    items[kept++] = items[k]!;
  }
  return items.subarray(0, kept);
}

/** Copy the points named by `items` to `target`, from `to` on, column by column. */
export function gatherPoints(source: BucketPoints, items: Uint32Array, target: BucketPoints, to: number): void {
  gather(source.time, items, target.time, to);
  gather(source.x, items, target.x, to);
  gather(source.y, items, target.y, to);
  gather(source.z, items, target.z, to);
  gather(source.intensity, items, target.intensity, to);
  gather(source.returns, items, target.returns, to);
  gather(source.classification, items, target.classification, to);
  gather(source.flags, items, target.flags, to);
}

type Column = Float64Array | Int32Array | Uint16Array | Uint8Array;

function gather(source: Column, items: Uint32Array, target: Column, to: number): void {
  for (let k = 0; k < items.length; k++) target[to + k] = source[items[k]!]!;
}

/** Indices of points grouped by sub-cell: those of cell c are `items[starts[c]]` up to `items[starts[c + 1]]`. */
export function groupBySubCell(subCellOf: Uint32Array, cells: number): { starts: Uint32Array; items: Uint32Array } {
  const starts = new Uint32Array(cells + 1), items = new Uint32Array(subCellOf.length);
  for (let i = 0; i < subCellOf.length; i++) starts[subCellOf[i]! + 1]!++;
  for (let c = 0; c < cells; c++) starts[c + 1]! += starts[c]!;
  const next = starts.slice();
  for (let i = 0; i < subCellOf.length; i++) items[next[subCellOf[i]!]!++] = i;
  return { starts, items };
}
