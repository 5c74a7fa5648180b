// cloud/triangulate.ts: a Delaunay triangulation that is the same whatever else was read beside it. Pure.
import Delaunator from 'delaunator';
import { incircle } from 'robust-predicates';
import { boundsOf } from './grid-index.ts';
import { JITTER_SCALE, jitteredX, jitteredY, placeHash } from './jitter.ts';
import type { Places } from './unique-places.ts';
import { UNITS_PER_M } from '../geo/units.ts';

export interface TriangulateOptions {
  /** triangles whose circumscribed circle is larger are left out, metres */
  maxCircumradiusM: number;
  /** triangles with a longer edge are left out, metres; default: no limit */
  maxEdgeM?: number;
}

/** Kept triangles over vertices in jittered units (1/1024 of 1e-5 m) from (originX, originY), which are integers of 1e-5 m. */
export interface Tin {
  originX: number;
  originY: number;
  jx: Float64Array;
  jy: Float64Array;
  /** integers of 1e-5 m */
  z: Float64Array;
  /** three vertices a triangle, in (x, y) order within the triangle; the order of triangles means nothing */
  triangles: Uint32Array;
  /** edges that the exact test turned, of those that the library laid: 0 in all runs so far */
  flips: number;
}

/** Half a circle's slack for the jitter: it moves two places against each other by less than 1.5 units. */
const SLACK_UNITS = 1;

/** A triangulation with a circle limit depends on points within this distance of where it is asked, metres. See `triangulate`. */
export const tinHaloM = (maxCircumradiusM: number): number => 2 * maxCircumradiusM;

/**
 * Triangulate places by Delaunay's rule and keep triangles with a small circumscribed circle.
 *
 * Coordinates are jittered to 1024 X + (hash & 1023), so that no four places lie on one circle and the triangulation is unique;
 * `delaunator` lays it, an exact test turns what its rounding got wrong. (Four that are on one circle all the same: the diagonal
 * at the first vertex in (x, y) order.)
 *
 * Proof that 2R of points are enough for a place p: a kept triangle that contains p has p inside its circle, so its vertices and
 * the whole circle lie within 2r of p, r <= R - 1 unit; the jitter of p and of a vertex differ by less than 1.5 units, so the places
 * themselves lie within 2R. With all places to 2R of p at hand, a triangle of the survey is found (its circle stays empty), and one
 * found here is the survey's (a place inside its circle would have been read). Both by the uniqueness of the triangulation.
 *
 * @param places one point at each (x, y), any order
 * @returns kept triangles; fewer than three places, or all on a line, give none
 */
export function triangulate(places: Places, { maxCircumradiusM, maxEdgeM = Infinity }: TriangulateOptions): Tin {
  const n = places.x.length;
  const box = boundsOf(places.x, places.y) ?? { minX: 0, minY: 0 };
  const coords = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    const x = places.x[i]!, y = places.y[i]!, hash = placeHash(x, y);
    coords[2 * i] = jitteredX(x, box.minX, hash);
    coords[2 * i + 1] = jitteredY(y, box.minY, hash);
  }
  const { triangles, halfedges } = new Delaunator(coords);
  const flips = makeExact(triangles, halfedges, coords);
  const kept = keepSmall(triangles, coords, (maxCircumradiusM * UNITS_PER_M - SLACK_UNITS) * JITTER_SCALE, maxEdgeM * UNITS_PER_M);
  const jx = new Float64Array(n), jy = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    jx[i] = coords[2 * i]!;
    jy[i] = coords[2 * i + 1]!;
  }
  return { originX: box.minX, originY: box.minY, jx, jy, z: places.z, triangles: kept, flips };
}

/** Turn edges until every one passes the exact in-circle test; returns how many were turned. */
export function makeExact(triangles: Uint32Array, halfedges: Int32Array, coords: Float64Array): number {
  const open: number[] = [];
  for (let e = 0; e < halfedges.length; e++) if (halfedges[e]! > e && !isLegal(triangles, halfedges, coords, e)) open.push(e);
  let flips = 0;
  while (open.length > 0) {
    const a = open.pop()!, b = halfedges[a]!;
    if (b < 0 || isLegal(triangles, halfedges, coords, a)) continue;
    turnEdge(triangles, halfedges, a, b);
    flips++;
    const a0 = a - (a % 3), b0 = b - (b % 3);
    for (let k = 0; k < 3; k++) open.push(a0 + k, b0 + k);
  }
  return flips;
}

const nextEdge = (e: number): number => (e % 3 === 2 ? e - 2 : e + 1);
const prevEdge = (e: number): number => (e % 3 === 0 ? e + 2 : e - 1);

/** Delaunay's rule at half-edge a, exactly; on a circle the diagonal belongs to the first of the four vertices. */
function isLegal(triangles: Uint32Array, halfedges: Int32Array, c: Float64Array, a: number): boolean {
  const pr = triangles[a]!, pl = triangles[nextEdge(a)]!, p0 = triangles[prevEdge(a)]!, p1 = triangles[prevEdge(halfedges[a]!)]!;
  const side = incircle(c[2 * p0]!, c[2 * p0 + 1]!, c[2 * pr]!, c[2 * pr + 1]!, c[2 * pl]!, c[2 * pl + 1]!, c[2 * p1]!, c[2 * p1 + 1]!);
  if (side !== 0) return side > 0; // delaunator's triangles run clockwise with y upward, which turns the sign
  const diagonal = isBefore(c, pr, pl) ? pr : pl, other = isBefore(c, p0, p1) ? p0 : p1;
  return isBefore(c, diagonal, other);
}

const isBefore = (c: Float64Array, i: number, j: number): boolean => c[2 * i]! < c[2 * j]! || (c[2 * i] === c[2 * j] && c[2 * i + 1]! < c[2 * j + 1]!);

/** Replace the diagonal shared by half-edges a and b by the other one of their quadrilateral. */
function turnEdge(triangles: Uint32Array, halfedges: Int32Array, a: number, b: number): void {
  const ar = prevEdge(a), bl = prevEdge(b);
  const p0 = triangles[ar]!, p1 = triangles[bl]!, outerA = halfedges[ar]!, outerB = halfedges[bl]!;
  triangles[a] = p1;
  triangles[b] = p0;
  link(halfedges, a, outerB);
  link(halfedges, b, outerA);
  link(halfedges, ar, bl);
}

function link(halfedges: Int32Array, a: number, b: number): void {
  halfedges[a] = b;
  if (b >= 0) halfedges[b] = a;
}

/** Triangles within the limits, vertices in (x, y) order: circle and edges come from sorted vertices, or their last bit would flip a comparison. */
function keepSmall(triangles: Uint32Array, coords: Float64Array, maxRadius: number, maxEdgeUnits: number): Uint32Array {
  const out = new Uint32Array(triangles.length);
  const maxR2 = maxRadius * maxRadius, maxEdge2 = maxEdgeUnits * maxEdgeUnits;
  let n = 0;
  for (let t = 0; t < triangles.length; t += 3) {
    let a = triangles[t]!, b = triangles[t + 1]!, c = triangles[t + 2]!, s = 0;
    if (isBefore(coords, b, a)) { s = a; a = b; b = s; }
    if (isBefore(coords, c, b)) { s = b; b = c; c = s; }
    if (isBefore(coords, b, a)) { s = a; a = b; b = s; }
    const ax = coords[2 * a]!, ay = coords[2 * a + 1]!, bx = coords[2 * b]!, by = coords[2 * b + 1]!, cx = coords[2 * c]!, cy = coords[2 * c + 1]!;
    const ux = bx - ax, uy = by - ay, vx = cx - ax, vy = cy - ay, wx = cx - bx, wy = cy - by;
    const cross = ux * vy - uy * vx;
    const product = (ux * ux + uy * uy) * (vx * vx + vy * vy) * (wx * wx + wy * wy);
    if (!(product <= 4 * cross * cross * maxR2)) continue;
    if (maxEdge2 < Infinity && longestEdge2(ax, ay, bx, by, cx, cy) > maxEdge2) continue;
    out[n++] = a;
    out[n++] = b;
    out[n++] = c;
  }
  return out.slice(0, n);
}

/** Square of the longest edge in integers of 1e-5 m, without jitter: an edge of just the limit is within it. */
function longestEdge2(ax: number, ay: number, bx: number, by: number, cx: number, cy: number): number {
  const x0 = Math.floor(ax / JITTER_SCALE), y0 = Math.floor(ay / JITTER_SCALE);
  const x1 = Math.floor(bx / JITTER_SCALE), y1 = Math.floor(by / JITTER_SCALE);
  const x2 = Math.floor(cx / JITTER_SCALE), y2 = Math.floor(cy / JITTER_SCALE);
  const u = (x1 - x0) ** 2 + (y1 - y0) ** 2, v = (x2 - x0) ** 2 + (y2 - y0) ** 2, w = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  return u > v ? (u > w ? u : w) : v > w ? v : w;
}
