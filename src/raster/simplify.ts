// raster/simplify.ts: fewer points in an outline, on request. Pure.
import { toUnits } from '../geo/units.ts';
import type { Polygon, Ring } from '../types.ts';

/**
 * Simplify a closed ring by Douglas and Peucker: no dropped point lies farther than `toleranceM` from the new outline.
 *
 * The ring keeps its first point and the one farthest from it (the first of several), so equal rings give equal results. If the result
 * would cross or touch itself, lose its area or turn round, the ring comes back as it was.
 */
export function simplifyRing(ring: Ring, toleranceM: number): Ring {
  const simple = reduced(ring, toleranceM);
  return simple.length >= 4 && Math.sign(doubleArea(simple)) === Math.sign(doubleArea(ring)) && !crosses(simple, [simple]) ? simple : ring;
}

/**
 * Simplify a polygon ring by ring. If a ring would meet another one otherwise than before, or a hole leave its outer ring, the polygon comes
 * back as it was. Neighbouring polygons are simplified apart: they may overlap or gape by up to the tolerance.
 */
export function simplifyPolygon(polygon: Polygon, toleranceM: number): Polygon {
  const simple = polygon.map((ring) => simplifyRing(ring, toleranceM)), [outer, ...holes] = simple;
  if (outer === undefined || holes.length === 0) return simple;
  const apart = simple.every((ring) => !crosses(ring, simple));
  const inside = holes.every((hole, h) => hole.slice(0, -1).every((p) => holdsPoint(outer, p) && holes.every((o, k) => k === h || !holdsPoint(o, p))));
  return apart && inside ? simple : polygon;
}

/** Douglas-Peucker on both halves of a closed ring. */
function reduced(ring: Ring, toleranceM: number): Ring {
  const last = ring.length - 1, keep = new Uint8Array(ring.length), first = ring[0]!;
  let far = 0, most = -1;
  for (let i = 1; i < last; i++) {
    const d = (ring[i]![0] - first[0]) ** 2 + (ring[i]![1] - first[1]) ** 2;
    if (d > most) [far, most] = [i, d];
  }
  keep[0] = keep[far] = keep[last] = 1;
  const spans: [number, number][] = [[0, far], [far, last]];
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const [from, to] = span;
    let worst = toleranceM * toleranceM, at = -1;
    for (let i = from + 1; i < to; i++) {
      const d = distance2(ring[i]!, ring[from]!, ring[to]!);
      if (d > worst) [at, worst] = [i, d];
    }
    if (at < 0) continue;
    keep[at] = 1;
    spans.push([from, at], [at, to]);
  }
  return ring.filter((_, i) => keep[i] === 1);
}

/** Squared distance of a point to a segment. */
function distance2([x, y]: [number, number], [ax, ay]: [number, number], [bx, by]: [number, number]): number {
  const dx = bx - ax, dy = by - ay, length2 = dx * dx + dy * dy;
  const t = length2 === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length2));
  return (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2;
}

/** Twice the signed area, from differences to the first point. */
function doubleArea(ring: Ring): number {
  const [x0, y0] = ring[0]!;
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; i++) {
    const [ax, ay] = ring[i]!, [bx, by] = ring[i + 1]!;
    sum += (ax - x0) * (by - y0) - (bx - x0) * (ay - y0);
  }
  return sum;
}

/** Which side of a-b the point c is on: exact, on differences of integers of 1e-5 m. */
function side(a: [number, number], b: [number, number], c: [number, number]): number {
  const ax = toUnits(a[0]), ay = toUnits(a[1]);
  return Math.sign((toUnits(b[0]) - ax) * (toUnits(c[1]) - ay) - (toUnits(b[1]) - ay) * (toUnits(c[0]) - ax));
}

/** True when a segment of `ring` meets a segment of `others` elsewhere than where neighbours of one ring join. */
function crosses(ring: Ring, others: readonly Ring[]): boolean {
  const n = ring.length - 1;
  for (let i = 0; i < n; i++) {
    for (const other of others) {
      for (let j = 0; j + 1 < other.length; j++) {
        const gap = other === ring ? Math.abs(i - j) : Infinity;
        if (gap === 0) continue;
        const a = ring[i]!, b = ring[i + 1]!, c = other[j]!, d = other[j + 1]!;
        if (gap === 1 || gap === n - 1) {
          // Neighbours share a point; they must not fold back on each other.
          const [p, q, r] = gap === 1 ? (i < j ? [a, b, d] : [c, d, b]) : i < j ? [c, d, b] : [a, b, d];
          if (side(p, q, r) === 0 && (p[0] - q[0]) * (r[0] - q[0]) + (p[1] - q[1]) * (r[1] - q[1]) > 0) return true;
        } else if (meet(a, b, c, d)) return true;
      }
    }
  }
  return false;
}

/** True when two closed segments share a point. */
function meet(a: [number, number], b: [number, number], c: [number, number], d: [number, number]): boolean {
  const abc = side(a, b, c), abd = side(a, b, d), cda = side(c, d, a), cdb = side(c, d, b);
  if (abc * abd < 0 && cda * cdb < 0) return true;
  return (abc === 0 && within(a, b, c)) || (abd === 0 && within(a, b, d)) || (cda === 0 && within(c, d, a)) || (cdb === 0 && within(c, d, b));
}

const within = (a: [number, number], b: [number, number], p: [number, number]): boolean =>
  Math.min(a[0], b[0]) <= p[0] && p[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= p[1] && p[1] <= Math.max(a[1], b[1]);

/** Even-odd rule; points on the ring do not come up, since rings that meet are refused before. */
function holdsPoint(ring: Ring, [x, y]: [number, number]): boolean {
  let inside = false;
  for (let i = 0; i + 1 < ring.length; i++) {
    const [ax, ay] = ring[i]!, [bx, by] = ring[i + 1]!;
    if (ay > y !== by > y && side([ax, ay], [bx, by], [x, y]) > 0 === by > ay) inside = !inside;
  }
  return inside;
}
