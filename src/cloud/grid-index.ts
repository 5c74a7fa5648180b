// cloud/grid-index.ts: places sorted into square buckets, for searches and for cutting work into blocks. Pure.

/**
 * Buckets of `cell` units from (x0, y0), row-major; bucket b holds items[start[b] .. start[b + 1]).
 * Only speed depends on where the buckets lie: no search may let their borders into a result.
 */
export interface GridIndex {
  cell: number;
  x0: number;
  y0: number;
  cols: number;
  rows: number;
  start: Uint32Array;
  items: Uint32Array;
}

/** Bounds of the first `count` places: closed, in their own units; null when there are none. */
export function boundsOf(x: Float64Array, y: Float64Array, count = x.length): { minX: number; minY: number; maxX: number; maxY: number } | null {
  if (count === 0) return null;
  let minX = Infinity, minY = Infinity, maxX = -Infinity, maxY = -Infinity;
  for (let i = 0; i < count; i++) {
    const a = x[i]!, b = y[i]!;
    if (a < minX) minX = a;
    if (a > maxX) maxX = a;
    if (b < minY) minY = b;
    if (b > maxY) maxY = b;
  }
  return { minX, minY, maxX, maxY };
}

/** Most buckets an index may have: a stray point far away must not ask for gigabytes. */
const MAX_BUCKETS = 1 << 24;

/** Sort places into buckets of about `cell` units (larger where the extent would give too many). */
export function gridIndex(x: Float64Array, y: Float64Array, cell: number): GridIndex {
  const box = boundsOf(x, y) ?? { minX: 0, minY: 0, maxX: 0, maxY: 0 };
  let size = Math.max(1, cell);
  while ((Math.floor((box.maxX - box.minX) / size) + 1) * (Math.floor((box.maxY - box.minY) / size) + 1) > MAX_BUCKETS) size *= 2;
  const cols = Math.floor((box.maxX - box.minX) / size) + 1, rows = Math.floor((box.maxY - box.minY) / size) + 1;
  const start = new Uint32Array(cols * rows + 1);
  const bucket = new Uint32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const b = Math.floor((y[i]! - box.minY) / size) * cols + Math.floor((x[i]! - box.minX) / size);
    bucket[i] = b;
    start[b + 1]!++;
  }
  for (let b = 0; b < cols * rows; b++) start[b + 1]! += start[b]!;
  const next = start.slice(0, cols * rows);
  const items = new Uint32Array(x.length);
  for (let i = 0; i < x.length; i++) items[next[bucket[i]!]!++] = i;
  return { cell: size, x0: box.minX, y0: box.minY, cols, rows, start, items };
}

/** Indices of the places in the closed box [x0, x1] x [y0, y1], bucket by bucket. */
export function itemsInBox(index: GridIndex, x: Float64Array, y: Float64Array, x0: number, y0: number, x1: number, y1: number): Uint32Array {
  const { cell, cols, rows, start, items } = index;
  const c0 = Math.max(0, Math.floor((x0 - index.x0) / cell)), c1 = Math.min(cols - 1, Math.floor((x1 - index.x0) / cell));
  const r0 = Math.max(0, Math.floor((y0 - index.y0) / cell)), r1 = Math.min(rows - 1, Math.floor((y1 - index.y0) / cell));
  if (c1 < c0 || r1 < r0) return new Uint32Array(0);
  let most = 0;
  for (let r = r0; r <= r1; r++) most += start[r * cols + c1 + 1]! - start[r * cols + c0]!;
  const out = new Uint32Array(most);
  let n = 0;
  for (let r = r0; r <= r1; r++) {
    for (let k = start[r * cols + c0]!; k < start[r * cols + c1 + 1]!; k++) {
      const i = items[k]!;
      if (x[i]! >= x0 && x[i]! <= x1 && y[i]! >= y0 && y[i]! <= y1) out[n++] = i;
    }
  }
  return out.subarray(0, n);
}
