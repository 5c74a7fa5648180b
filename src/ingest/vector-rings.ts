// ingest/vector-rings.ts: how the rings of one feature lie to each other: crossings, and which ring is a hole of which. Pure.
import Flatbush from 'flatbush';
import { orient2d } from 'robust-predicates';
import type { Ring } from '../types.ts';

/** Two rings that share a border point, as indices into the list of rings. */
export type RingPair = [number, number];

type Segment = [number, number, number, number];

/** A fault between rings, for a message: what is wrong and near which point. */
export interface RingFault {
  fault: string;
  near: [number, number];
}

/**
 * Edges of all rings against each other: two rings may touch but not cross, and no ring may meet itself.
 *
 * @param rings closed, without repeated points
 * @returns the first fault in the order of edges, or the pairs of different rings that touch
 */
export function meetingRings(rings: readonly Ring[]): { fault: RingFault | null; touching: RingPair[] } {
  const ends: number[] = [], ringOfEdge: number[] = [], touching = new Map<number, RingPair>();
  rings.forEach((ring, r) => {
    for (let i = 1; i < ring.length; i++) {
      ends.push(ring[i - 1]![0], ring[i - 1]![1], ring[i]![0], ring[i]![1]);
      ringOfEdge.push(r);
    }
  });
  const count = ringOfEdge.length, index = new Flatbush(count);
  const edge = (e: number): Segment => [ends[4 * e]!, ends[4 * e + 1]!, ends[4 * e + 2]!, ends[4 * e + 3]!];
  for (let e = 0; e < count; e++) {
    const [ax, ay, bx, by] = edge(e);
    index.add(Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by));
  }
  index.finish();
  for (let e = 0; e < count; e++) {
    const a = edge(e), r = ringOfEdge[e]!;
    const near = index.search(Math.min(a[0], a[2]), Math.min(a[1], a[3]), Math.max(a[0], a[2]), Math.max(a[1], a[3]), (other) => other > e).sort((i, j) => i - j);
    for (const other of near) {
      const b = edge(other), s = ringOfEdge[other]!;
      if (r === s ? meetsWrongly(a, b) : crosses(a, b)) {
        return { fault: { fault: r === s ? 'has a ring that meets itself' : 'has rings that cross', near: [b[0], b[1]] }, touching: [] };
      }
      if (r !== s && meets(a, b)) touching.set(r * rings.length + s, [r, s]); // edges run ring by ring, so r < s
    }
  }
  return { fault: null, touching: [...touching.values()] };
}

const sides = (a: Segment, b: Segment): [number, number] =>
  [Math.sign(orient2d(a[0], a[1], a[2], a[3], b[0], b[1])), Math.sign(orient2d(a[0], a[1], a[2], a[3], b[2], b[3]))];

/** True when two segments cross in a point inside both. */
function crosses(a: Segment, b: Segment): boolean {
  const [p, q] = sides(a, b), [r, s] = sides(b, a);
  return p * q < 0 && r * s < 0;
}

/** True when two segments whose boxes meet share a point. */
function meets(a: Segment, b: Segment): boolean {
  const [p, q] = sides(a, b), [r, s] = sides(b, a);
  return p * q <= 0 && r * s <= 0;
}

/** True when two edges of a ring share more than the corner between neighbours. */
function meetsWrongly(a: Segment, b: Segment): boolean {
  const [p, q] = sides(a, b);
  if (!meets(a, b)) return false;
  const follows = a[2] === b[0] && a[3] === b[1], leads = b[2] === a[0] && b[3] === a[1];
  if (p === 0 && q === 0) { // on one line: the boxes meet
    const overlapX = Math.min(Math.max(a[0], a[2]), Math.max(b[0], b[2])) - Math.max(Math.min(a[0], a[2]), Math.min(b[0], b[2]));
    const overlapY = Math.min(Math.max(a[1], a[3]), Math.max(b[1], b[3])) - Math.max(Math.min(a[1], a[3]), Math.min(b[1], b[3]));
    return overlapX > 0 || overlapY > 0 || !(follows || leads);
  }
  return !(follows || leads);
}

/** The rings that hold a ring, outermost first: an even number of them around an outer ring, an odd one around a hole. */
export type Nesting = number[][];

/**
 * Which rings lie inside which.
 *
 * @param rings     closed, simple rings of which no two cross within an edge
 * @param touching  the pairs that share border points, as `meetingRings` gives them
 * @returns for each ring the rings around it, outermost first; or a fault where two rings cross at a corner or coincide
 */
export function nestRings(rings: readonly Ring[], touching: readonly RingPair[]): { fault: RingFault | null; around: Nesting } {
  const boxes = rings.map(boxOf), index = new Flatbush(Math.max(1, rings.length));
  for (const box of boxes) index.add(...box);
  if (rings.length === 0) index.add(0, 0, 0, 0);
  index.finish();
  const touch = new Set(touching.flatMap(([r, s]) => [r * rings.length + s, s * rings.length + r]));
  const around: Nesting = [];
  for (let r = 0; r < rings.length; r++) {
    const [x0, y0, x1, y1] = boxes[r]!, holders: number[] = [];
    for (const s of index.search(x0, y0, x1, y1)) {
      const [sx0, sy0, sx1, sy1] = boxes[s]!, touches = touch.has(r * rings.length + s);
      if (s === r || (!touches && !(sx0 <= x0 && sy0 <= y0 && sx1 >= x1 && sy1 >= y1))) continue;
      const place = placeOf(rings[r]!, rings[s]!, touches);
      if (place === 'crosses') return { fault: { fault: 'has rings that cross', near: rings[r]![0]! }, around: [] };
      if (place === 'same') return { fault: { fault: 'has two rings on one line', near: rings[r]![0]! }, around: [] };
      if (place === 'inside') holders.push(s);
    }
    around.push(holders);
  }
  return { fault: null, around: around.map((holders) => holders.sort((a, b) => around[a]!.length - around[b]!.length)) };
}

/** True when a closed, simple ring without spikes runs clockwise: by the turn at its first corner from the west, exact in any unit. */
export function isClockwise(ring: Ring): boolean {
  const count = ring.length - 1;
  let west = 0;
  for (let i = 1; i < count; i++) if (ring[i]![0] < ring[west]![0] || (ring[i]![0] === ring[west]![0] && ring[i]![1] < ring[west]![1])) west = i;
  const before = ring[(west + count - 1) % count]!, at = ring[west]!, after = ring[west + 1]!;
  return orient2d(before[0], before[1], at[0], at[1], after[0], after[1]) > 0; // robust-predicates counts y downward
}

function boxOf(ring: Ring): [number, number, number, number] {
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  for (const [x, y] of ring) {
    x0 = Math.min(x0, x);
    y0 = Math.min(y0, y);
    x1 = Math.max(x1, x);
    y1 = Math.max(y1, y);
  }
  return [x0, y0, x1, y1];
}

/** Where a ring lies to another. Rings apart are decided by one corner, rings that touch by all corners of both. */
function placeOf(ring: Ring, other: Ring, touch: boolean): 'inside' | 'outside' | 'crosses' | 'same' {
  if (!touch) return sideOf(ring[0]![0], ring[0]![1], other) > 0 ? 'inside' : 'outside';
  const [inside, outside] = countSides(ring, other), [holds] = countSides(other, ring);
  if (inside > 0 && (outside > 0 || holds > 0)) return 'crosses';
  if (inside > 0) return 'inside';
  if (outside > 0) return 'outside';
  return sideOfMiddle(ring, other);
}

function countSides(ring: Ring, other: Ring): [inside: number, outside: number] {
  let inside = 0, outside = 0;
  for (const [x, y] of ring) {
    const side = sideOf(x, y, other);
    if (side > 0) inside++;
    else if (side < 0) outside++;
  }
  return [inside, outside];
}

/** 1 inside a closed ring, 0 on its border, -1 outside: exact. */
function sideOf(x: number, y: number, ring: Ring): number {
  let inside = false;
  for (let i = 1; i < ring.length; i++) {
    const [ax, ay] = ring[i - 1]!, [bx, by] = ring[i]!;
    if (Math.min(ay, by) > y || Math.max(ay, by) < y) continue;
    const turn = orient2d(ax, ay, bx, by, x, y);
    if (turn === 0 && x >= Math.min(ax, bx) && x <= Math.max(ax, bx)) return 0;
    if ((ay > y) !== (by > y) && (ay < by ? turn < 0 : turn > 0)) inside = !inside; // negative is counter-clockwise: the point west of a rising edge
  }
  return inside ? 1 : -1;
}

/** For a ring with every corner on the other's border: the middle of the edge that leads farthest away from it. */
function sideOfMiddle(ring: Ring, other: Ring): 'inside' | 'outside' | 'same' {
  let best: [number, number] = ring[0]!, farthest = 0;
  for (let i = 1; i < ring.length; i++) {
    const middle: [number, number] = [(ring[i - 1]![0] + ring[i]![0]) / 2, (ring[i - 1]![1] + ring[i]![1]) / 2];
    const distance = distanceTo(middle, other);
    if (distance > farthest) [best, farthest] = [middle, distance];
  }
  const [x0, y0, x1, y1] = boxOf(ring);
  if (farthest <= 1e-9 * Math.hypot(x1 - x0, y1 - y0)) return 'same'; // rounding of the middles
  return sideOf(best[0], best[1], other) > 0 ? 'inside' : 'outside';
}

function distanceTo([x, y]: [number, number], ring: Ring): number {
  let least = Infinity;
  for (let i = 1; i < ring.length; i++) {
    const [ax, ay] = ring[i - 1]!, dx = ring[i]![0] - ax, dy = ring[i]![1] - ay, length2 = dx * dx + dy * dy;
    const t = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length2));
    least = Math.min(least, Math.hypot(x - ax - t * dx, y - ay - t * dy));
  }
  return least;
}
