// cloud/jitter.ts: coordinates nudged by less than 1e-5 m, so that no four points lie on one circle. Pure.

/** Jittered units in one integer unit of 1e-5 m. */
export const JITTER_SCALE = 1024;

/**
 * Hash of a place, from its absolute integers of 1e-5 m (never floats in metres, never indices, never a local origin:
 * the same ground must be nudged alike in every tile). Bits 0-9 nudge x, bits 10-19 nudge y.
 */
export function placeHash(x: number, y: number): number {
  // >>> 0 takes a double modulo 2^32, exactly; the quotient holds the rest
  let h = Math.imul(x >>> 0, 0x9e3779b1) ^ Math.imul(Math.floor(x / 4294967296), 0x85ebca77);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) ^ Math.imul(y >>> 0, 0xc2b2ae3d) ^ Math.imul(Math.floor(y / 4294967296), 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The jittered x of a place counted from `originX`; 1024 times the difference is exact. */
export const jitteredX = (x: number, originX: number, hash: number): number => JITTER_SCALE * (x - originX) + (hash & 1023);

/** The jittered y of a place counted from `originY`. */
export const jitteredY = (y: number, originY: number, hash: number): number => JITTER_SCALE * (y - originY) + ((hash >>> 10) & 1023);
