// cloud/tin-surface.ts: the height of a TIN at a place, and of a whole raster of places. Pure.
import { JITTER_SCALE, placeHash } from './jitter.ts';
import type { Tin } from './triangulate.ts';
import type { Window } from '../types.ts';

/**
 * Height of triangle t (index of its first vertex in `tin.triangles`) at a jittered place; NaN outside.
 * Edges belong to the triangle. All in differences from the vertices in (x, y) order, so that two triangles
 * judge their common edge by the same numbers and no place falls between them.
 */
export function heightInTriangle(tin: Tin, t: number, px: number, py: number): number {
  const { jx, jy, z, triangles } = tin;
  const a = triangles[t]!, b = triangles[t + 1]!, c = triangles[t + 2]!;
  const ax = jx[a]!, ay = jy[a]!, bx = jx[b]!, by = jy[b]!, cx = jx[c]!, cy = jy[c]!;
  const ab = (bx - ax) * (py - ay) - (by - ay) * (px - ax);
  const bc = (cx - bx) * (py - by) - (cy - by) * (px - bx);
  const ac = (cx - ax) * (py - ay) - (cy - ay) * (px - ax);
  const cross = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  const inside = cross > 0 ? ab >= 0 && bc >= 0 && ac <= 0 : ab <= 0 && bc <= 0 && ac >= 0;
  if (!inside) return NaN;
  const za = z[a]!;
  return za - (ac / cross) * (z[b]! - za) + (ab / cross) * (z[c]! - za);
}

/** Triangles of a TIN by square buckets, so that a place looks at a few only. */
export interface TriangleIndex {
  tin: Tin;
  cell: number;
  cols: number;
  rows: number;
  start: Uint32Array;
  items: Uint32Array;
}

/** Put each triangle into the buckets that its bounding box touches; jittered coordinates start at 0. */
export function triangleIndex(tin: Tin): TriangleIndex {
  const { jx, jy, triangles } = tin;
  let maxX = 0, maxY = 0;
  for (let i = 0; i < jx.length; i++) {
    if (jx[i]! > maxX) maxX = jx[i]!;
    if (jy[i]! > maxY) maxY = jy[i]!;
  }
  const cell = Math.max(1, Math.sqrt(((maxX + 1) * (maxY + 1)) / Math.max(1, jx.length)));
  const cols = Math.floor(maxX / cell) + 1, rows = Math.floor(maxY / cell) + 1;
  const start = new Uint32Array(cols * rows + 1);
  let items = new Uint32Array(0), next = start;
  for (const pass of ['count', 'fill'] as const) {
    for (let t = 0; t < triangles.length; t += 3) {
      const a = triangles[t]!, b = triangles[t + 1]!, c = triangles[t + 2]!;
      // vertices are in x order
      const c0 = Math.floor(jx[a]! / cell), c1 = Math.floor(jx[c]! / cell);
      const r0 = Math.floor(Math.min(jy[a]!, jy[b]!, jy[c]!) / cell), r1 = Math.floor(Math.max(jy[a]!, jy[b]!, jy[c]!) / cell);
      for (let r = r0; r <= r1; r++) {
        for (let col = c0; col <= c1; col++) {
          if (pass === 'count') start[r * cols + col + 1]!++;
          else items[next[r * cols + col]!++] = t;
        }
      }
    }
    if (pass === 'fill') break;
    for (let k = 0; k < cols * rows; k++) start[k + 1]! += start[k]!;
    items = new Uint32Array(start[cols * rows]!);
    next = start.slice(0, cols * rows);
  }
  return { tin, cell, cols, rows, start, items };
}

/** Height of the TIN at a place given in integers of 1e-5 m; on an edge the lower of its triangles; NaN where no triangle is. */
export function heightOfTin(index: TriangleIndex, x: number, y: number): number {
  const { tin, cell, cols, rows, start, items } = index;
  const hash = placeHash(x, y); // the place is nudged as a vertex there would be: a vertex is found at its own height
  const px = JITTER_SCALE * (x - tin.originX) + (hash & 1023), py = JITTER_SCALE * (y - tin.originY) + ((hash >>> 10) & 1023);
  const col = Math.floor(px / cell), row = Math.floor(py / cell);
  if (!(col >= 0 && row >= 0 && col < cols && row < rows)) return NaN;
  let height = NaN;
  for (let k = start[row * cols + col]!, end = start[row * cols + col + 1]!; k < end; k++) {
    const h = heightInTriangle(tin, items[k]!, px, py);
    if (h === h && !(h >= height)) height = h;
  }
  return height;
}

const SLACK = 1e-6;

/**
 * Draw a TIN into a raster of heights at pixel centres: on an edge the lower of its triangles.
 *
 * @param out row-major over `window`, NaN where nothing was drawn yet; integers of 1e-5 m, unrounded
 * @param window pixels of the anchored lattice with `res` units a pixel
 */
export function drawTin(tin: Tin, window: Window, res: number, out: Float64Array): void {
  const { jx, jy, triangles, originX, originY } = tin;
  const J = JITTER_SCALE, edge = J - 1;
  for (let t = 0; t < triangles.length; t += 3) {
    const a = triangles[t]!, b = triangles[t + 1]!, c = triangles[t + 2]!;
    const ya = jy[a]!, yb = jy[b]!, yc = jy[c]!;
    const low = ya < yb ? (ya < yc ? ya : yc) : yb < yc ? yb : yc, high = ya > yb ? (ya > yc ? ya : yc) : yb > yc ? yb : yc;
    // pixel centres, nudged by 0 to 1023, that may lie in the bounding box; the slack lets the exact test decide, not this rounding
    const c0 = Math.max(window.col, Math.ceil(((jx[a]! - edge) / J + originX) / res - 0.5 - SLACK));
    const c1 = Math.min(window.col + window.width - 1, Math.floor((jx[c]! / J + originX) / res - 0.5 + SLACK));
    const r0 = Math.max(window.row, Math.ceil(-(high / J + originY) / res - 0.5 - SLACK));
    const r1 = Math.min(window.row + window.height - 1, Math.floor(-((low - edge) / J + originY) / res - 0.5 + SLACK));
    for (let row = r0; row <= r1; row++) {
      const y = -(row + 0.5) * res;
      for (let col = c0; col <= c1; col++) {
        const x = (col + 0.5) * res, hash = placeHash(x, y);
        const h = heightInTriangle(tin, t, J * (x - originX) + (hash & 1023), J * (y - originY) + ((hash >>> 10) & 1023));
        const i = (row - window.row) * window.width + (col - window.col);
        if (h === h && !(h >= out[i]!)) out[i] = h;
      }
    }
  }
}
