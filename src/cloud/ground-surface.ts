// cloud/ground-surface.ts: the ground under a window, asked at any place: TIN first, then near ground returns, else a void. Pure.
import { blocksOf, placesOfBlock } from './blocks.ts';
import type { Blocks } from './blocks.ts';
import { heightOfTin, triangleIndex } from './tin-surface.ts';
import type { TriangleIndex } from './tin-surface.ts';
import { tinHaloM, triangulate } from './triangulate.ts';
import { uniquePlaces } from './unique-places.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { Points } from '../types.ts';

export interface GroundSurfaceParams {
  /** triangles with a larger circumscribed circle are no ground, metres */
  maxCircumradiusM: number;
  /** outside the TIN: how far to look for ground returns, metres; beyond is a void */
  fillRadiusM: number;
  /** outside the TIN: how many ground returns at most */
  fillNeighbours: number;
}

/** The ground of one window; ask only where the halo is complete. */
export interface GroundSurface {
  /** Elevation in units of 1e-5 m (unrounded) at a place in integers of 1e-5 m; NaN is a void. */
  elevationAt(x: number, y: number): number;
}

/** Ground needs ground returns this far from where it is asked, metres: the TIN's 2R, or the fill's radius. */
export const groundSurfaceHaloM = ({ maxCircumradiusM, fillRadiusM }: GroundSurfaceParams): number => Math.max(tinHaloM(maxCircumradiusM), fillRadiusM);

/**
 * Build the ground from ground returns: one point at each (x, y), the lowest.
 *
 * Where a triangle with a small circle lies, the ground is linear in it. Elsewhere it is the mean of the nearest
 * ground returns within `fillRadiusM`, weighted by 1 / distance, ordered and summed by (distance, x, y).
 * Departs from lidR's tin: a limit on the circle, not the hull of what was read, says where the TIN ends.
 *
 * @param points  returns of the window with its halo, z elevations; any order
 * @param isGround 1 where a return is ground
 * @param perBlock places a triangulation block, for tests: changes no result
 */
export function groundSurface(points: Points, isGround: Uint8Array, params: GroundSurfaceParams, perBlock?: number): GroundSurface {
  const chosen = new Uint32Array(points.count);
  let n = 0;
  for (let i = 0; i < points.count; i++) if (isGround[i] === 1) chosen[n++] = i;
  const places = uniquePlaces(points.x, points.y, points.z, chosen.subarray(0, n), 'lowest');
  if (n === 0) return { elevationAt: () => NaN };
  const margin = 2 * toUnits(params.maxCircumradiusM) + 2;
  const blocks = blocksOf(places, margin, perBlock);
  const tins: (TriangleIndex | undefined)[] = new Array<undefined>(blocks.cols * blocks.rows).fill(undefined);
  const fill = nearestFill(blocks, params);

  function tinAt(x: number, y: number): TriangleIndex {
    const col = Math.min(blocks.cols - 1, Math.max(0, Math.floor((x - blocks.x0) / blocks.side)));
    const row = Math.min(blocks.rows - 1, Math.max(0, Math.floor((y - blocks.y0) / blocks.side)));
    return tins[row * blocks.cols + col] ??= triangleIndex(triangulate(placesOfBlock(blocks, col, row, margin), params));
  }
  return {
    elevationAt(x, y) {
      const height = heightOfTin(tinAt(x, y), x, y);
      return height === height ? height : fill(x, y);
    },
  };
}

/**
 * Weighted mean of the nearest places within the radius, found in rings of buckets.
 * Which buckets are visited depends on the window; which places are taken does not.
 */
function nearestFill({ places, index }: Blocks, { fillRadiusM, fillNeighbours }: GroundSurfaceParams): (x: number, y: number) => number {
  const { cell, cols, rows, start, items } = index;
  const radius = fillRadiusM * UNITS_PER_M, limit = radius * radius;
  const d2s = new Float64Array(fillNeighbours), ids = new Uint32Array(fillNeighbours);
  let found = 0;

  function look(bucket: number, x: number, y: number): void {
    for (let k = start[bucket]!; k < start[bucket + 1]!; k++) {
      const i = items[k]!, d2 = (places.x[i]! - x) ** 2 + (places.y[i]! - y) ** 2;
      if (d2 > limit || (found === fillNeighbours && d2 > d2s[found - 1]!)) continue;
      let at = found < fillNeighbours ? found : found - 1;
      if (found === fillNeighbours && !isNearer(d2, i, at)) continue;
      while (at > 0 && isNearer(d2, i, at - 1)) { d2s[at] = d2s[at - 1]!; ids[at] = ids[at - 1]!; at--; }
      d2s[at] = d2;
      ids[at] = i;
      if (found < fillNeighbours) found++;
    }
  }
  function isNearer(d2: number, i: number, slot: number): boolean {
    if (d2 !== d2s[slot]!) return d2 < d2s[slot]!;
    const j = ids[slot]!, dx = places.x[i]! - places.x[j]!;
    return dx !== 0 ? dx < 0 : places.y[i]! < places.y[j]!;
  }
  return (x, y) => {
    found = 0;
    const col = Math.floor((x - index.x0) / cell), row = Math.floor((y - index.y0) / cell);
    for (let ring = 0; (ring - 1) * cell <= radius; ring++) {
      // all places nearer than (ring - 1) whole buckets have been seen
      if (found === fillNeighbours && ring > 0 && d2s[found - 1]! < ((ring - 1) * cell) ** 2) break;
      const r0 = Math.max(0, row - ring), r1 = Math.min(rows - 1, row + ring);
      for (let r = r0; r <= r1; r++) {
        const step = Math.abs(r - row) === ring || ring === 0 ? 1 : 2 * ring;
        for (let c = col - ring; c <= col + ring; c += step) if (c >= 0 && c < cols) look(r * cols + c, x, y);
      }
    }
    return found === 0 ? NaN : weightedMean(places.z, ids, d2s, found);
  };
}

function weightedMean(z: Float64Array, ids: Uint32Array, d2s: Float64Array, found: number): number {
  const nearest = z[ids[0]!]!;
  if (d2s[0] === 0) return nearest;
  let sum = 0, weights = 0;
  for (let k = 0; k < found; k++) {
    const w = 1 / Math.sqrt(d2s[k]!);
    sum += w * (z[ids[k]!]! - nearest);
    weights += w;
  }
  return nearest + sum / weights;
}
