// geo/polygon.ts: points, pixels and areas of polygons, exact on vertices rounded to 1e-5 m. Pure.
import { orient2d } from 'robust-predicates';
import type { Box, Lattice, MultiPolygon, Polygon, Ring, Window } from '../types.ts';
import { intersectWindows, windowOfBox } from './lattice.ts';
import { UNITS_PER_M, toUnits } from './units.ts';

/** Nearest half unit: pixel centres of an odd pixel size lie on halves, and doubles hold them exactly. */
const toHalfUnits = (metres: number): number => Math.round(metres * 2 * UNITS_PER_M) / 2;

/**
 * True when a point lies in the polygons: exact, and half-open on borders, so that a point on the border
 * of two neighbours belongs to exactly one of them (the rule of cores and pixels: [x0, x1) x [y0, y1)).
 *
 * An edge counts when y0 <= y < y1 and it passes strictly east of the point; edges run lower end first, so both
 * neighbours ask the same question. Vertices are rounded to 1e-5 m, the point to 0.5e-5 m.
 *
 * @param polygons outer rings and holes in any orientation; parts may touch, not overlap
 */
export function locatePoint(xM: number, yM: number, polygons: MultiPolygon): boolean {
  const x = toHalfUnits(xM), y = toHalfUnits(yM);
  let inside = false;
  for (const polygon of polygons) {
    for (const ring of polygon) {
      for (let i = 1; i < ring.length; i++) if (passesEast(ring[i - 1]!, ring[i]!, x, y)) inside = !inside;
    }
  }
  return inside;
}

function passesEast(a: [number, number], b: [number, number], x: number, y: number): boolean {
  const ay = toUnits(a[1]), by = toUnits(b[1]);
  if ((y < ay) === (y < by)) return false; // wholly below, above, or level
  const ax = toUnits(a[0]), bx = toUnits(b[0]);
  // robust-predicates counts y downward: negative is counter-clockwise here, the point west of a rising edge
  return ay < by ? orient2d(ax, ay, bx, by, x, y) < 0 : orient2d(bx, by, ax, ay, x, y) < 0;
}

/** Twice the signed area of a ring in square units (1e-10 m2), exact: counter-clockwise is positive. */
function twiceSignedArea(ring: Ring): bigint {
  if (ring.length === 0) return 0n;
  const x0 = toUnits(ring[0]![0]), y0 = toUnits(ring[0]![1]);
  let sum = 0n, px = 0, py = 0;
  for (let i = 1; i < ring.length; i++) {
    const x = toUnits(ring[i]![0]) - x0, y = toUnits(ring[i]![1]) - y0;
    sum += BigInt(px) * BigInt(y) - BigInt(x) * BigInt(py);
    px = x;
    py = y;
  }
  return sum;
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** True when a closed ring runs clockwise (y to the north); a ring without area does not. */
export const ringIsClockwise = (ring: Ring): boolean => twiceSignedArea(ring) < 0n;

/** Area in m2, holes taken off: exact to one rounding, whatever the start vertex and the orientation of rings. */
export function polygonAreaM2(polygons: MultiPolygon): number {
  let sum = 0n;
  for (const polygon of polygons) {
    polygon.forEach((ring, i) => {
      sum += i === 0 ? magnitude(twiceSignedArea(ring)) : -magnitude(twiceSignedArea(ring));
    });
  }
  return Number(sum) / 2 / UNITS_PER_M / UNITS_PER_M;
}

/** Outer ring counter-clockwise, holes clockwise, as RFC 7946 wants them. */
export const orientRings = (polygon: Polygon): Polygon =>
  polygon.map((ring, i) => (ringIsClockwise(ring) === (i > 0) ? ring : ring.toReversed()));

/** The smallest box that holds every vertex; null without one. Its upper edges belong to the vertices. */
export function bboxOf(polygons: MultiPolygon): Box | null {
  const box = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  for (const polygon of polygons) {
    for (const [x, y] of polygon[0] ?? []) {
      box.x0 = Math.min(box.x0, x);
      box.y0 = Math.min(box.y0, y);
      box.x1 = Math.max(box.x1, x);
      box.y1 = Math.max(box.y1, y);
    }
  }
  return box.x0 === Infinity ? null : box;
}

/** The part of a window that the polygons' box touches; width or height 0 where they do not meet. */
export function windowOfPolygons(polygons: MultiPolygon, lattice: Lattice, window: Window): Window {
  const box = bboxOf(polygons);
  return box === null ? { ...window, width: 0, height: 0 } : intersectWindows(windowOfBox(lattice, box), window);
}

/** Edges in integer units of 1e-5 m, lower end first: ax, ay, bx, by, sign; `sign` is +1 where the polygon lies east of the edge. Level edges are left out. */
export function edgesOf(polygons: MultiPolygon): Float64Array {
  const edges: number[] = [];
  for (const polygon of polygons) {
    polygon.forEach((ring, r) => {
      const flip = ringIsClockwise(ring) === (r > 0) ? 1 : -1;
      for (let i = 1; i < ring.length; i++) {
        const ax = toUnits(ring[i - 1]![0]), ay = toUnits(ring[i - 1]![1]), bx = toUnits(ring[i]![0]), by = toUnits(ring[i]![1]);
        if (ay < by) edges.push(ax, ay, bx, by, -flip);
        else if (by < ay) edges.push(bx, by, ax, ay, flip);
      }
    });
  }
  return Float64Array.from(edges);
}

/**
 * Pixels whose centre lies in the polygons, by the rule of `locatePoint`: exact, so neighbours share no pixel and leave none out.
 *
 * @returns 1 or 0 a pixel, row-major, `window.width x window.height`
 */
export function pixelsInside(polygons: MultiPolygon, lattice: Lattice, window: Window): Uint8Array {
  const inside = new Uint8Array(window.width * window.height);
  const { col, row, width, height } = windowOfPolygons(polygons, lattice, window);
  if (width === 0 || height === 0) return inside;
  const res = toUnits(lattice.resM), firstX = toUnits(lattice.x0M) + (col + 0.5) * res, firstY = toUnits(lattice.y0M) - (row + 0.5) * res;
  const edges = edgesOf(polygons), flips = new Uint8Array((width + 1) * height);
  for (let e = 0; e < edges.length; e += 5) {
    const ax = edges[e]!, ay = edges[e + 1]!, bx = edges[e + 2]!, by = edges[e + 3]!;
    const from = Math.max(0, Math.floor((firstY - by) / res) + 1), to = Math.min(height - 1, Math.floor((firstY - ay) / res)); // ay <= y < by
    for (let r = from; r <= to; r++) {
      const y = firstY - r * res, x = ax + (bx - ax) * ((y - ay) / (by - ay));
      let k = Math.min(width, Math.max(0, Math.ceil((x - firstX) / res))); // first centre not west of the edge, up to rounding
      while (k > 0 && orient2d(ax, ay, bx, by, firstX + (k - 1) * res, y) >= 0) k--;
      while (k < width && orient2d(ax, ay, bx, by, firstX + k * res, y) < 0) k++;
      flips[r * (width + 1) + k]! ^= 1;
    }
  }
  for (let r = 0; r < height; r++) {
    const out = (row + r - window.row) * window.width + (col - window.col);
    let parity = 0;
    for (let c = width - 1; c >= 0; c--) {
      parity ^= flips[r * (width + 1) + c + 1]!;
      inside[out + c] = parity;
    }
  }
  return inside;
}
