// raster/treetops.ts: treetops as maxima in a window that follows the height (LMF). Pure.
import type { Raster, Treetop } from '../types.ts';
import type { Disc, Surface } from './surface.ts';
import { discOf, radius2PxOf, reachPx, requireAtLeast, surfaceOf } from './surface.ts';

/** Window DIAMETER in metres for a height in metres: min(maxM, baseM + perHeight x height). A fixed window has perHeight 0. */
export interface TreetopWindow {
  baseM: number;
  perHeight: number;
  maxM: number;
}

export interface TreetopParams {
  /** lowest treetop, metres above ground */
  minHeightM: number;
  window: TreetopWindow;
}

/** Squared radius of the window of a pixel of `heightM`, in whole squared pixels. */
export const windowRadius2Px = (window: TreetopWindow, heightM: number, resM: number): number =>
  radius2PxOf(Math.min(window.maxM, window.baseM + window.perHeight * heightM) / 2, resM);

/** @throws {InvalidInput} when a parameter is not finite, or the window has no cap. */
export function checkTreetopWindow(window: TreetopWindow): void {
  requireAtLeast('treetops.window.base_m', window.baseM, 0);
  requireAtLeast('treetops.window.per_height', window.perHeight, 0);
  requireAtLeast('treetops.window.max_m', window.maxM, 0);
}

/**
 * Halo of `findTreetops`, metres: the largest window radius, maxM / 2.
 *
 * Proof: whether a pixel is a top depends on its own height, which sets the window, and on the pixels whose centres lie
 * within the window's radius <= maxM / 2. Voids and pixels beyond the raster never win, so what is outside that disc does not enter.
 */
export const treetopHaloM = ({ window }: Pick<TreetopParams, 'window'>): number => window.maxM / 2;

/**
 * Find treetops: pixels highest within a circle whose width follows their height.
 *
 * A pixel of at least `minHeightM` is a top when no valid pixel in its window is higher, and none that is equally high
 * comes earlier in (row, col). A window of less than one pixel's radius holds only the pixel itself.
 *
 * @param chm  height above ground, metres; row-major; masked and NaN pixels never win
 * @returns treetops in raster order; `col`, `row` on the raster's lattice. Right for pixels at least `treetopHaloM` from the window's edge
 * @throws {InvalidInput} when a window parameter is negative or not finite
 * @see Popescu & Wynne 2004, doi:10.14358/PERS.70.5.589; ours caps the window and breaks ties by raster order
 */
export function findTreetops(chm: Raster, { minHeightM, window }: TreetopParams): Treetop[] {
  checkTreetopWindow(window);
  const { resM } = chm.lattice, most2 = radius2PxOf(window.maxM / 2, resM);
  const surface = surfaceOf(chm, reachPx(most2), -Infinity), disc = discOf(most2, surface.stride);
  const { z, stride, pad } = surface, { width, height, col, row } = chm.window, tops: Treetop[] = [];
  for (let r = 0; r < height; r++) {
    for (let c = 0, i = (r + pad) * stride + pad; c < width; c++, i++) {
      const heightM = z[i]!;
      if (heightM === -Infinity || !(heightM >= minHeightM)) continue;
      if (isTop(surface, disc, i, window, resM)) tops.push({ col: col + c, row: row + r, heightM });
    }
  }
  return tops;
}

/** The disc is sorted by distance, so nearly every pixel falls at one of its own neighbours. */
function isTop({ z }: Surface, { d2, delta }: Disc, i: number, window: TreetopWindow, resM: number): boolean {
  const own = z[i]!, radius2 = windowRadius2Px(window, own, resM);
  for (let j = 0; j < delta.length && d2[j]! <= radius2; j++) {
    const step = delta[j]!, other = z[i + step]!;
    if (other > own || (other === own && step < 0)) return false;
  }
  return true;
}
