// cloud/noise.ts: isolated returns. Pure.
import { voxelAt, voxelise } from './voxels.ts';
import type { Voxels } from './voxels.ts';
import { InvalidInput } from '../errors.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { Points } from '../types.ts';

export type NoiseParams =
  | { method: 'voxels'; sizeM: number; /** fewest returns in the 27 voxels around a return, itself included */ minPoints: number }
  | { method: 'knn'; k: number; /** largest mean distance to the k nearest */ maxDistanceM: number; /** how far to look */ searchM: number };

/**
 * Points this far from a return may decide whether it is noise, metres.
 *
 * Voxels: the return's voxel and its neighbours, so at most two sides along each axis. Knn: the search stops at `searchM`.
 */
export const noiseHaloM = (params: NoiseParams): number => (params.method === 'voxels' ? 2 * params.sizeM : params.searchM);

/**
 * Which returns are noise.
 *
 * voxels: lidR's isolated voxel filter with voxels anchored to the CRS origin; lidR's `n` is `minPoints` - 1.
 * knn: the mean distance in space to the k nearest other returns is above `maxDistanceM`, an absolute distance (the usual
 * mean + m sigma is taken over a tile, so the same return is noise in one tile and none in the next). A neighbour that is not
 * found within `searchM` counts as being at `searchM`.
 *
 * @param points z elevations; any order
 * @returns 1 where a return is noise
 * @throws {InvalidInput} when a size is not positive
 */
export function noisePoints(points: Points, params: NoiseParams): Uint8Array {
  const sizeM = params.method === 'voxels' ? params.sizeM : params.searchM;
  if (!(toUnits(sizeM) > 0)) throw new InvalidInput(`noise: a size of ${sizeM} m; give a positive one in metres`, { path: 'noise' });
  return params.method === 'voxels' ? sparseVoxels(points, toUnits(sizeM), params.minPoints) : farFromNeighbours(points, params);
}

function sparseVoxels({ count, x, y, z }: Points, size: number, minPoints: number): Uint8Array {
  const voxels = voxelise(x, y, z, size);
  const sparse = new Uint8Array(voxels.count), noise = new Uint8Array(count);
  for (let v = 0; v < voxels.count; v++) if (pointsAround(voxels, v, minPoints) < minPoints) sparse[v] = 1;
  for (let i = 0; i < count; i++) noise[i] = sparse[voxels.voxelOf[i]!]!;
  return noise;
}

/** Points in the 27 voxels around v; stops once there are enough. */
function pointsAround(voxels: Voxels, v: number, enough: number): number {
  const { ix, iy, iz, start } = voxels;
  let n = start[v + 1]! - start[v]!;
  for (let a = -1; a <= 1; a++) {
    for (let b = -1; b <= 1; b++) {
      for (let c = -1; c <= 1 && n < enough; c++) {
        if (a === 0 && b === 0 && c === 0) continue;
        const u = voxelAt(voxels, ix[v]! + a, iy[v]! + b, iz[v]! + c);
        if (u >= 0) n += start[u + 1]! - start[u]!;
      }
    }
  }
  return n;
}

interface Nearest {
  /** squares of the distances to the nearest so far, ascending */
  d2: Float64Array;
  found: number;
}

function farFromNeighbours({ count, x, y, z }: Points, { k, maxDistanceM, searchM }: { k: number; maxDistanceM: number; searchM: number }): Uint8Array {
  const search = searchM * UNITS_PER_M, limit = maxDistanceM * UNITS_PER_M;
  // most returns have their k neighbours within twice the limit: small voxels, few candidates; only speed depends on the size
  const voxels = voxelise(x, y, z, Math.max(1, Math.min(search, toUnits(1))));
  const noise = new Uint8Array(count);
  const nearest: Nearest = { d2: new Float64Array(k), found: 0 };
  const rings = Math.ceil(search / voxels.size);
  for (let i = 0; i < count; i++) {
    nearest.found = 0;
    for (let ring = 0; ring <= rings; ring++) {
      // all points nearer than (ring - 1) whole voxels have been seen, and more at that distance change no mean
      if (nearest.found === k && nearest.d2[k - 1]! <= ((ring - 1) * voxels.size) ** 2 && ring > 0) break;
      lookRing(voxels, x, y, z, i, ring, search * search, nearest);
    }
    let sum = 0;
    for (let j = 0; j < k; j++) sum += j < nearest.found ? Math.sqrt(nearest.d2[j]!) : search;
    if (sum > limit * k) noise[i] = 1;
  }
  return noise;
}

/** Take the points of the voxels at Chebyshev distance `ring` from point i's into its nearest. */
function lookRing(voxels: Voxels, x: Float64Array, y: Float64Array, z: Float64Array, i: number, ring: number, limit2: number, nearest: Nearest): void {
  const v = voxels.voxelOf[i]!, a0 = voxels.ix[v]!, b0 = voxels.iy[v]!, c0 = voxels.iz[v]!;
  for (let a = -ring; a <= ring; a++) {
    for (let b = -ring; b <= ring; b++) {
      const side = Math.abs(a) === ring || Math.abs(b) === ring;
      for (let c = -ring; c <= ring; c += side || ring === 0 ? 1 : 2 * ring) {
        const u = voxelAt(voxels, a0 + a, b0 + b, c0 + c);
        if (u < 0) continue;
        for (let j = voxels.start[u]!; j < voxels.start[u + 1]!; j++) {
          const p = voxels.items[j]!;
          if (p !== i) take(nearest, (x[p]! - x[i]!) ** 2 + (y[p]! - y[i]!) ** 2 + (z[p]! - z[i]!) ** 2, limit2);
        }
      }
    }
  }
}

function take(nearest: Nearest, d2: number, limit2: number): void {
  const { d2: list } = nearest, k = list.length;
  if (d2 > limit2 || (nearest.found === k && d2 >= list[k - 1]!)) return;
  let at = nearest.found < k ? nearest.found++ : k - 1;
  for (; at > 0 && list[at - 1]! > d2; at--) list[at] = list[at - 1]!;
  list[at] = d2;
}
