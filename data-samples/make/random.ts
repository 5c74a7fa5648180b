// make/random.ts: seeded draws and seeded smooth noise on whole numbers, the same everywhere. Pure.
import { log } from './exact.ts';

/** A stream of draws. */
export interface Random {
  /** uniform in [0, 1) */
  uniform(): number;
  /** uniform in [lo, hi) */
  between(lo: number, hi: number): number;
  /** mean 0, standard deviation 1, never beyond 6: the sum of twelve uniform draws, less 6 */
  normal(): number;
  /** exponential with this mean */
  exponential(mean: number): number;
}

/** 32 well-mixed bits of two or three whole numbers. */
export function hash(a: number, b: number, c = 0): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}

/** A stream of its own for each purpose, so that one more draw in one place moves nothing in another (sfc32). */
export function randomOf(seed: number, purpose: string): Random {
  let label = 0x811c9dc5;
  for (let i = 0; i < purpose.length; i++) label = Math.imul(label ^ purpose.charCodeAt(i), 0x01000193);
  let a = hash(seed, label, 1), b = hash(seed, label, 2), c = hash(seed, label, 3), counter = 1;
  const uniform = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4294967296;
  };
  for (let i = 0; i < 16; i++) uniform(); // let the state mix
  const normal = (): number => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum;
  };
  return { uniform, normal, between: (lo, hi) => lo + (hi - lo) * uniform(), exponential: (mean) => -mean * log(1 - uniform()) };
}

const fade = (t: number): number => t * t * t * (t * (t * 6 - 15) + 10);

/**
 * Smooth noise in [0, 1): random values on whole numbers, joined by a quintic; one bump is about two units wide.
 *
 * @param period  units after which the noise repeats in both directions; 0 never
 */
export function noise(seed: number, x: number, y: number, period = 0): number {
  const col = Math.floor(x), row = Math.floor(y), u = fade(x - col), v = fade(y - row);
  const wrap = (i: number): number => (period > 0 ? ((i % period) + period) % period : i);
  const c0 = wrap(col), c1 = wrap(col + 1), r0 = wrap(row), r1 = wrap(row + 1);
  const north = hash(c0, r0, seed) * (1 - u) + hash(c1, r0, seed) * u;
  const south = hash(c0, r1, seed) * (1 - u) + hash(c1, r1, seed) * u;
  return (north * (1 - v) + south * v) / 4294967296;
}
