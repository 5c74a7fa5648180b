// cloud/ground.ts: which returns are ground, by the file's classes or by a filter. Pure.
import { pmfGround, pmfHaloM } from './pmf.ts';
import type { PmfParams } from './pmf.ts';
import { smrfGround, smrfHaloM } from './smrf.ts';
import type { SmrfParams } from './smrf.ts';
import type { Points } from '../types.ts';

export { PMF_DEFAULTS } from './pmf.ts';
export type { PmfParams } from './pmf.ts';
export { SMRF_DEFAULTS } from './smrf.ts';
export type { SmrfParams } from './smrf.ts';

/** `classified`: the returns of ASPRS class 2. */
export type GroundParams = { method: 'classified' } | SmrfParams | PmfParams;

const GROUND_CLASS = 2;

/** Metres of points around a return that its class may depend on; the proofs are at `smrfHaloM` and `pmfHaloM`. */
export function groundHaloM(params: GroundParams): number {
  if (params.method === 'smrf') return smrfHaloM(params);
  return params.method === 'pmf' ? pmfHaloM(params) : 0;
}

/**
 * Which returns are ground.
 *
 * @param points returns of a window with its halo, noise dropped, z elevations; any order
 * @returns 1 where a return is ground
 */
export function classifyGround(points: Points, params: GroundParams): Uint8Array {
  if (params.method === 'smrf') return smrfGround(points, params);
  if (params.method === 'pmf') return pmfGround(points, params);
  const ground = new Uint8Array(points.count);
  for (let i = 0; i < points.count; i++) if (points.classification[i] === GROUND_CLASS) ground[i] = 1;
  return ground;
}
