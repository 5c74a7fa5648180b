// raster/crowns.ts: crowns grown from treetops, by one of several methods. Pure.
import type { Raster, Treetop } from '../types.ts';
import type { CrownParams } from './crowns/params.ts';
import { crownMethods } from './crowns/registry.ts';

export type { CrownMethodName, CrownParams } from './crowns/params.ts';

/**
 * Distance from a top to the farthest pixel that can change its crown, metres: R + w + 1 px (watershed), max(3R, 2R + w)
 * (dalponte), 2R + w (silva); w is the largest window radius. The proofs stand beside the methods.
 */
export const crownHaloM = (params: CrownParams, resM: number): number => crownMethods[params.method].haloM(params, resM);

/**
 * Grow crowns from treetops.
 *
 * @param chm   height above ground, metres; masked and NaN pixels belong to no crown
 * @param tops  all tops that `findTreetops` gives on this same raster, those near its edge too: they are rivals
 * @returns labels over `chm.window`, row-major: 0 = no crown, i + 1 = the crown of tops[i]. Every crown is 4-connected and holds
 *          its top. The crown of a top at least `crownHaloM` from the window's edge is exact, all of it; labels of other tops may differ
 *          from those on a larger window, so use the crowns of tops in a core with that halo, and not "the labels of the core's pixels"
 * @throws {InvalidInput} when a top lies outside the raster, or a parameter is negative or not finite
 */
export const growCrowns = (chm: Raster, tops: readonly Treetop[], params: CrownParams): Int32Array =>
  crownMethods[params.method].grow(chm, tops, params);

/** Pixels of each crown: `counts[i]` is the number of pixels labelled i + 1. */
export function crownPixelCounts(labels: Int32Array, topCount: number): Int32Array {
  const counts = new Int32Array(topCount);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label > 0) counts[label - 1]!++;
  }
  return counts;
}
