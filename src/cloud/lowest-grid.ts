// cloud/lowest-grid.ts: the lowest return of each anchored cell. Pure.
import type { HeightGrid } from './morphology.ts';
import type { Points } from '../types.ts';

/** Heights are the lowest returns (integers of 1e-5 m); cell (0, 0) of the arrays is cell (col0, row0) counted from the CRS origin, y upward. */
export interface LowestGrid extends HeightGrid {
  col0: number;
  row0: number;
  /** units */
  cell: number;
  /** index of the cell's lowest return (ties: the first by x, then y), -1 in empty cells */
  lowest: Int32Array;
}

/** Rasterise the lowest of the chosen returns; null when none is chosen. */
export function lowestGrid({ count, x, y, z }: Points, chosen: Uint8Array, cell: number): LowestGrid | null {
  let c0 = Infinity, c1 = -Infinity, r0 = Infinity, r1 = -Infinity;
  for (let i = 0; i < count; i++) {
    if (chosen[i] !== 1) continue;
    const c = Math.floor(x[i]! / cell), r = Math.floor(y[i]! / cell);
    if (c < c0) c0 = c;
    if (c > c1) c1 = c;
    if (r < r0) r0 = r;
    if (r > r1) r1 = r;
  }
  if (c0 === Infinity) return null;
  const width = c1 - c0 + 1, height = r1 - r0 + 1;
  const data = new Float64Array(width * height).fill(NaN), lowest = new Int32Array(width * height).fill(-1);
  for (let i = 0; i < count; i++) {
    if (chosen[i] !== 1) continue;
    const k = (Math.floor(y[i]! / cell) - r0) * width + Math.floor(x[i]! / cell) - c0, j = lowest[k]!;
    if (j < 0 || z[i]! < z[j]! || (z[i] === z[j] && (x[i]! < x[j]! || (x[i] === x[j] && y[i]! < y[j]!)))) lowest[k] = i;
  }
  for (let k = 0; k < lowest.length; k++) if (lowest[k]! >= 0) data[k] = z[lowest[k]!]!;
  return { width, height, data, col0: c0, row0: r0, cell, lowest };
}

/** Index of the cell that holds a place of the grid's extent, -1 outside. */
export function cellIn(grid: LowestGrid, x: number, y: number): number {
  const c = Math.floor(x / grid.cell) - grid.col0, r = Math.floor(y / grid.cell) - grid.row0;
  return c >= 0 && r >= 0 && c < grid.width && r < grid.height ? r * grid.width + c : -1;
}

/** 1 where a return may be ground: the last of its pulse, or any. */
export function candidates({ count, returnNumber, returnCount }: Points, returns: 'last' | 'all'): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) if (returns === 'all' || returnNumber[i] === returnCount[i]) out[i] = 1;
  return out;
}
