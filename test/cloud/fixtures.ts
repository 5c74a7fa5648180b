// test/cloud/fixtures.ts: seeded point sets, the hard ones of LOCALITY.md among them, and how to cut and shuffle them.
import type { Box, Points } from '../../src/types.ts';

/** A return in metres; the rest defaults to a single first return of no class. */
export interface Return { x: number; y: number; z: number; i?: number; r?: number; of?: number; c?: number }

export function pointsOf(returns: readonly Return[]): Points {
  const units = (f: (r: Return) => number) => Float64Array.from(returns, (r) => Math.round(f(r) * 1e5));
  const bytes = (f: (r: Return) => number) => Uint8Array.from(returns, f);
  return {
    count: returns.length, x: units((r) => r.x), y: units((r) => r.y), z: units((r) => r.z),
    intensity: Uint16Array.from(returns, (r) => r.i ?? 100),
    returnNumber: bytes((r) => r.r ?? 1), returnCount: bytes((r) => r.of ?? 1), classification: bytes((r) => r.c ?? 1),
  };
}

/** mulberry32: numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let s = seed | 0;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** West and north of everything drawn here: coordinates as large as real ones. */
export const X0 = 452_000, Y0 = 5_445_000;

function scattered(seed: number, side: number, perM2: number, z: (u: number) => number): Return[] {
  const u = seeded(seed);
  return Array.from({ length: Math.round(side * side * perM2) }, () => ({ x: X0 + u() * side, y: Y0 + u() * side, z: z(u()), r: u() < 0.7 ? 1 : 2, of: 2, i: Math.floor(u() * 4000) }));
}

function lattice(seed: number, side: number, stepM: number): Return[] {
  const u = seeded(seed), out: Return[] = [];
  for (let y = 0; y < side; y += stepM) for (let x = 0; x < side; x += stepM) out.push({ x: X0 + x, y: Y0 + y, z: 300 + Math.floor(u() * 9) });
  return out;
}

/** The inputs on which methods that are not local give themselves away, `side` metres square. */
export const hardInputs = (side = 64): Record<string, Points> => ({
  'white noise': pointsOf(scattered(1, side, 2, (u) => 300 + 30 * u)),
  'whole heights': pointsOf(scattered(2, side, 2, (u) => 300 + Math.floor(8 * u))),
  'ground on a 1 m lattice': pointsOf(lattice(3, side, 1)),
  'ground on a 4 m lattice': pointsOf(lattice(4, side, 4)),
  'sparse ground': pointsOf(scattered(5, side, 0.03, (u) => 300 + 5 * u)),
});

/** The chosen points as points of their own. */
export function choose(p: Points, ids: readonly number[]): Points {
  const of = <T extends Float64Array | Uint16Array | Uint8Array>(a: T): T => {
    const out = a.slice(0, ids.length) as T;
    ids.forEach((i, j) => { out[j] = a[i]!; });
    return out;
  };
  return {
    count: ids.length, x: of(p.x), y: of(p.y), z: of(p.z), intensity: of(p.intensity),
    returnNumber: of(p.returnNumber), returnCount: of(p.returnCount), classification: of(p.classification),
  };
}

export function shuffled(p: Points, seed: number): Points {
  const u = seeded(seed), ids = Array.from({ length: p.count }, (_, i) => i);
  for (let i = ids.length - 1; i > 0; i--) {
    const j = Math.floor(u() * (i + 1));
    [ids[i], ids[j]] = [ids[j]!, ids[i]!];
  }
  return choose(p, ids);
}

/** Points within `haloM` of a box (closed). */
export function near(p: Points, box: Box, haloM: number): Points {
  const [x0, y0, x1, y1] = [box.x0 - haloM, box.y0 - haloM, box.x1 + haloM, box.y1 + haloM].map((m) => m * 1e5) as [number, number, number, number];
  const ids: number[] = [];
  for (let i = 0; i < p.count; i++) if (p.x[i]! >= x0 && p.x[i]! <= x1 && p.y[i]! >= y0 && p.y[i]! <= y1) ids.push(i);
  return choose(p, ids);
}

/** What a kernel says inside a box, given points that reach beyond it. */
export type Kernel = (points: Points, box: Box) => ArrayLike<number>;

/** A kernel that gives a value a point: values of the points in the box, in the order of their coordinates. */
export const perPoint = (f: (points: Points) => ArrayLike<number>): Kernel => (p, box) => {
  const values = f(p), ids: number[] = [];
  for (let i = 0; i < p.count; i++) {
    if (p.x[i]! >= box.x0 * 1e5 && p.x[i]! < box.x1 * 1e5 && p.y[i]! >= box.y0 * 1e5 && p.y[i]! < box.y1 * 1e5) ids.push(i);
  }
  ids.sort((i, j) => p.x[i]! - p.x[j]! || p.y[i]! - p.y[j]! || p.z[i]! - p.z[j]!);
  return ids.map((i) => values[i]!);
};

/** How many values inside four boxes change when points beyond the halo are not read and the rest are shuffled. */
export function changedValues(points: Points, kernel: Kernel, haloM: number, side = 64): number {
  let changed = 0;
  const size = side / 4;
  for (const [c, r] of [[0, 0], [1, 1], [2, 1], [1, 2], [3, 3]] as const) {
    const box = { x0: X0 + c * size, y0: Y0 + r * size, x1: X0 + (c + 1) * size, y1: Y0 + (r + 1) * size };
    const whole = kernel(points, box), part = kernel(shuffled(near(points, box, haloM), c + 7 * r), box);
    if (whole.length !== part.length) throw new Error('the kernel gives another number of values');
    for (let i = 0; i < whole.length; i++) if (!Object.is(whole[i], part[i])) changed++;
  }
  return changed;
}
