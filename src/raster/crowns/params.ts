// raster/crowns/params.ts: what every crown method is given. Types and their checks only.
import type { Raster, Treetop } from '../../types.ts';
import { requireAtLeast } from '../surface.ts';
import type { TreetopWindow } from '../treetops.ts';
import { checkTreetopWindow } from '../treetops.ts';

export type CrownMethodName = 'watershed' | 'dalponte' | 'silva';

export interface CrownParams {
  method: CrownMethodName;
  /** R: no crown reaches farther from its top, metres */
  maxRadiusM: number;
  /** lowest crown pixel, metres above ground */
  minHeightM: number;
  /** the window by which the tops were found */
  window: TreetopWindow;
  /** watershed: a crown pixel is at least this share of its top's height; 0.3 */
  seedShare?: number;
  /** dalponte: a pixel is higher than this share of the seed's height; 0.45 */
  thSeed?: number;
  /** dalponte: a pixel is higher than this share of the crown's mean; 0.55 */
  thCrown?: number;
  /** dalponte: a pixel is at most this share of the seed's height; 1.05 */
  maxSeedShare?: number;
  /** silva: a pixel is at least this share of the region's highest; 0.3 */
  exclusion?: number;
  /** silva: the radius is at most this share of the region's highest; 0.6 */
  radiusPerHeight?: number;
}

/** One way to grow crowns from treetops. */
export interface CrownMethod {
  /** labels over `chm.window`: 0 = no crown, i + 1 = the crown of tops[i]; each crown is 4-connected and holds its top */
  grow(chm: Raster, tops: readonly Treetop[], params: CrownParams): Int32Array;
  /** distance from a top to the farthest pixel that can change its crown, metres */
  haloM(params: CrownParams, resM: number): number;
}

/** @throws {InvalidInput} when the largest radius or the window is negative or has no bound. */
export function checkCrownParams({ maxRadiusM, window }: CrownParams): void {
  requireAtLeast('crowns.max_radius_m', maxRadiusM, 0);
  checkTreetopWindow(window);
}
