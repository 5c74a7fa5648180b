// cloud/unique-places.ts: one point at each (x, y), the lowest or the highest. Pure.
import { placeHash } from './jitter.ts';

/** Vertices as columns: integers of 1e-5 m. */
export interface Places {
  x: Float64Array;
  y: Float64Array;
  z: Float64Array;
}

/**
 * Keep one point at each (x, y).
 *
 * @param chosen indices into x, y, z of the points to look at
 * @param keep which z stays
 * @returns the places in an order that depends on the input's: only their set is meant
 */
export function uniquePlaces(x: Float64Array, y: Float64Array, z: Float64Array, chosen: Uint32Array, keep: 'lowest' | 'highest'): Places {
  const sign = keep === 'lowest' ? 1 : -1;
  const bits = Math.max(4, Math.ceil(Math.log2(chosen.length * 1.5 + 1)));
  const slots = new Int32Array(1 << bits).fill(-1);
  const mask = (1 << bits) - 1;
  const kept = new Uint32Array(chosen.length);
  let n = 0;
  for (let j = 0; j < chosen.length; j++) {
    const i = chosen[j]!, px = x[i]!, py = y[i]!;
    let s = placeHash(px, py) & mask;
    for (; ; s = (s + 1) & mask) {
      const k = slots[s]!;
      if (k < 0) { slots[s] = n; kept[n++] = i; break; }
      const other = kept[k]!;
      if (x[other] !== px || y[other] !== py) continue;
      if (sign * (z[i]! - z[other]!) < 0) kept[k] = i;
      break;
    }
  }
  return pick(x, y, z, kept.subarray(0, n));
}

/** The chosen points as columns of their own. */
export function pick(x: Float64Array, y: Float64Array, z: Float64Array, chosen: Uint32Array): Places {
  const n = chosen.length;
  const out: Places = { x: new Float64Array(n), y: new Float64Array(n), z: new Float64Array(n) };
  for (let j = 0; j < n; j++) {
    const i = chosen[j]!;
    out.x[j] = x[i]!;
    out.y[j] = y[i]!;
    out.z[j] = z[i]!;
  }
  return out;
}
