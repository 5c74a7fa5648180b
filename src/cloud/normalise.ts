// cloud/normalise.ts: heights above ground. Pure.
import type { GroundSurface } from './ground-surface.ts';
import type { Points } from '../types.ts';

export interface Heights {
  /** height above ground, integers of 1e-5 m; NaN where the ground is a void */
  z: Float64Array;
  /** 1 where the ground is known */
  valid: Uint8Array;
}

/**
 * Height of every return above the ground right below it: by the TIN at the return itself, not by a raster.
 * A return without ground is a void, never 0: its height is NaN, which the canopy model and the metrics leave out.
 * Returns below the ground keep their negative height. A ground return that carries the TIN has height 0 exactly.
 *
 * @param points z elevations; asked only where the ground's halo is complete
 */
export function heightsAboveGround(points: Points, surface: GroundSurface): Heights {
  const z = new Float64Array(points.count), valid = new Uint8Array(points.count);
  for (let i = 0; i < points.count; i++) {
    const ground = surface.elevationAt(points.x[i]!, points.y[i]!);
    z[i] = Math.round(points.z[i]! - ground) + 0; // + 0: no negative zero
    if (ground === ground) valid[i] = 1;
  }
  return { z, valid };
}

/** Points with their heights above ground as z. */
export const withHeights = (points: Points, heights: Heights): Points => ({ ...points, z: heights.z });
