// raster/dissolve.ts: join outlines of pixel regions by cancelling the edges that they share. Pure.
import { InvalidInput } from '../errors.ts';
import { toUnits } from '../geo/units.ts';
import type { Lattice, MultiPolygon, Polygon } from '../types.ts';
import type { CornerPolygon, CornerRing } from './polygonise.ts';
import { byFirstCorner, firstCornerFirst, isHole, polygonInMetres, sortHoles } from './polygonise.ts';
import { joinSets, rootOf, singletons } from './union-find.ts';

/**
 * Join polygons of pixels into one canonical multipolygon.
 *
 * The polygons are those of `cornerPolygons` or `labelOpenings` (each one 4-connected region of pixels, no two of which share a
 * pixel). The result is what outlining all their pixels at once would give, byte for byte, so it does not show how they were cut.
 * Work and memory follow the length of the outlines, not the area.
 *
 * @returns a polygon for each 4-connected region of the union, by (row, col) of first corners; parts may touch in points
 * @throws {InvalidInput} when a corner is not on the lattice
 */
export function dissolvePieces(pieces: readonly MultiPolygon[], lattice: Lattice): MultiPolygon {
  const polygons = pieces.flat().map((polygon) => cornersOf(polygon, lattice));
  return dissolveCorners(polygons).map((rings) => polygonInMetres(rings, lattice));
}

/** As `dissolvePieces`, on corners of the lattice. */
export function dissolveCorners(polygons: readonly CornerPolygon[]): CornerPolygon[] {
  const part = singletons(polygons.length), edges: Edge[] = [];
  for (const [at, line] of linesOf(polygons, 1)) cancel(line, part, (a, b, west, of) => edges.push(west ? [b, at, a, at, of] : [a, at, b, at, of]));
  for (const [at, line] of linesOf(polygons, 0)) cancel(line, part, (a, b, north, of) => edges.push(north ? [at, b, at, a, of] : [at, a, at, b, of]));
  const joined = new Map<number, CornerPolygon>();
  for (const [root, ring] of ringsOf(edges, part)) {
    const rings = joined.get(root) ?? [];
    joined.set(root, isHole(ring) ? [...rings, ring] : [ring, ...rings]);
  }
  const result = [...joined.values()];
  for (const rings of result) sortHoles(rings);
  return result.sort((a, b) => byFirstCorner(a[0]!, b[0]!));
}

/** col0, row0, col1, row1, polygon: directed, with the interior on the left. */
type Edge = [number, number, number, number, number];

/** Edges on one line of the lattice as from, to, polygon: those that run towards larger coordinates, and those that run back. */
interface Line {
  forth: [number, number, number][];
  back: [number, number, number][];
}

/** The edges of all rings on lines of equal row (`axis` 1) or equal col (`axis` 0). */
function linesOf(polygons: readonly CornerPolygon[], axis: 0 | 1): Map<number, Line> {
  const lines = new Map<number, Line>();
  polygons.forEach((rings, of) => {
    for (const ring of rings) {
      for (let k = 0; k < ring.length; k += 2) {
        const n = (k + 2) % ring.length, at = ring[k + axis]!;
        if (at !== ring[n + axis]) continue;
        const from = ring[k + 1 - axis]!, to = ring[n + 1 - axis]!;
        const line = lines.get(at) ?? { forth: [], back: [] };
        if (to > from) line.forth.push([from, to, of]);
        else line.back.push([to, from, of]);
        lines.set(at, line);
      }
    }
  });
  return lines;
}

/** Keep the stretches of a line that are walked in one direction only; where both are, the two polygons are one region. */
function cancel({ forth, back }: Line, part: Int32Array, keep: (from: number, to: number, back: boolean, of: number) => void): void {
  const byStart = (a: [number, number, number], b: [number, number, number]): number => a[0] - b[0];
  forth.sort(byStart);
  back.sort(byStart);
  const stops = [...new Set([...forth, ...back].flatMap(([from, to]) => [from, to]))].sort((a, b) => a - b);
  for (let s = 0, f = 0, b = 0; s + 1 < stops.length; s++) {
    const from = stops[s]!, to = stops[s + 1]!;
    while (f < forth.length && forth[f]![1] <= from) f++;
    while (b < back.length && back[b]![1] <= from) b++;
    const there = f < forth.length && forth[f]![0] <= from ? forth[f]![2] : -1;
    const andBack = b < back.length && back[b]![0] <= from ? back[b]![2] : -1;
    if (there >= 0 && andBack >= 0) joinSets(part, there, andBack);
    else if (there >= 0) keep(from, to, false, there);
    else if (andBack >= 0) keep(from, to, true, andBack);
  }
}

/** Link edges to canonical rings, each with the root of its region. */
function ringsOf(edges: readonly Edge[], part: Int32Array): [number, CornerRing][] {
  let row0 = Infinity, col0 = Infinity, col1 = -Infinity;
  for (const [col, row] of edges) {
    row0 = Math.min(row0, row);
    col0 = Math.min(col0, col);
    col1 = Math.max(col1, col);
  }
  const keyOf = (col: number, row: number): number => (row - row0) * (col1 - col0 + 1) + (col - col0);
  const leaving = new Map<number, number[]>();
  edges.forEach(([col, row], e) => {
    const here = leaving.get(keyOf(col, row));
    if (here === undefined) leaving.set(keyOf(col, row), [e]);
    else here.push(e);
  });
  const used = new Uint8Array(edges.length), rings: [number, CornerRing][] = [];
  for (let start = 0; start < edges.length; start++) {
    if (used[start] === 1) continue;
    const root = rootOf(part, edges[start]![4]), ring: CornerRing = [];
    let e = start;
    do {
      used[e] = 1;
      const edge = edges[e]!;
      const next = nextEdge(edge, leaving.get(keyOf(edge[2], edge[3])) ?? [], edges, part, root);
      if (headingOf(edges[next]!) !== headingOf(edge)) ring.push(edge[2], edge[3]);
      e = next;
    } while (e !== start);
    rings.push([root, firstCornerFirst(ring)]);
  }
  return rings;
}

/** 0 west, 1 south, 2 east, 3 north: a left turn adds one. */
const headingOf = ([c0, r0, c1, r1]: Edge): number => (r0 === r1 ? (c1 < c0 ? 0 : 2) : r1 > r0 ? 1 : 3);

/**
 * Where two pixels meet only in a corner two edges leave: if both pixels are of one region the ring crosses over (turns right), so that
 * rings stay simple (see `trace` in polygonise.ts); if not it stays with its own region.
 */
function nextEdge(edge: Edge, leaving: readonly number[], edges: readonly Edge[], part: Int32Array, root: number): number {
  const own = leaving.filter((e) => rootOf(part, edges[e]![4]) === root);
  if (own.length < 2) return own[0]!;
  const right = (headingOf(edge) + 3) & 3;
  return own.find((e) => headingOf(edges[e]!) === right)!;
}

/** A polygon in metres to corners of the lattice. */
function cornersOf(polygon: Polygon, lattice: Lattice): CornerPolygon {
  const res = toUnits(lattice.resM), x0 = toUnits(lattice.x0M), y0 = toUnits(lattice.y0M);
  const whole = (units: number): number => {
    const corner = units / res;
    if (Number.isInteger(corner)) return corner;
    throw new InvalidInput(`a corner lies ${units} units of 1e-5 m from the lattice's origin, which is no multiple of ${lattice.resM} m; pass outlines made on this lattice`, { resM: lattice.resM });
  };
  return polygon.map((ring) => ring.slice(0, -1).flatMap(([x, y]) => [whole(toUnits(x) - x0), whole(y0 - toUnits(y))]));
}
