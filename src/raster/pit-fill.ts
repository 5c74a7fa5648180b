// raster/pit-fill.ts: St-Onge 2008 pit and spike removal on a canopy height model. Pure.
import type { Raster } from '../types.ts';
import { medianAt } from './focal.ts';
import type { Surface } from './surface.ts';
import { requireAtLeast, surfaceOf } from './surface.ts';

/** Sizes are sides of square windows in pixels, odd; 3, 0.1, -0.1, 3, 0 by default. */
export interface PitFillParams {
  laplacianSizePx?: number;
  /** a pixel is a pit when its valid neighbours are on average more than this above it, metres */
  pitThresholdM?: number;
  /** a pixel is a spike when its valid neighbours are on average less than this above it, metres; negative */
  spikeThresholdM?: number;
  medianSizePx?: number;
  /** pits grow by this many pixels */
  dilationPx?: number;
}

const half = (sizePx: number): number => Math.floor(sizePx / 2);

/**
 * Halo of `fillPits`, pixels: max(median radius, dilation + Laplacian radius); 1 by default.
 * Proof: a pixel's flag reads the Laplacian of pixels within the dilation, each of which reads its own window (radii add);
 * the value put in its place is the median of the raster as it came, not of filled pixels.
 */
export const pitFillHaloPx = ({ laplacianSizePx = 3, medianSizePx = 3, dilationPx = 0 }: PitFillParams): number =>
  Math.max(half(medianSizePx), dilationPx + half(laplacianSizePx));

/**
 * Replace pits and spikes by the median around them.
 *
 * The Laplacian of a pixel is the mean of its valid neighbours less the pixel. Pits (above the pit threshold, then dilated) take the
 * median of the valid pixels of their window where that is higher, spikes (below the spike threshold) where it is lower. Voids count in
 * nothing and are not filled: valid pixels stay valid, voids stay voids.
 *
 * @param chm  height above ground, metres
 * @throws {InvalidInput} when a size is not finite
 * @see St-Onge 2008, SilviLaser 555-562; ours reads the threshold on the Laplacian per neighbour, in metres, so that it means the same
 *      beside a void and for every window size, and never lowers a pit or raises a spike
 */
export function fillPits(chm: Raster, params: PitFillParams = {}): Raster {
  const { laplacianSizePx = 3, pitThresholdM = 0.1, spikeThresholdM = -0.1, medianSizePx = 3, dilationPx = 0 } = params;
  requireAtLeast('laplacian_size_px', laplacianSizePx, 1);
  requireAtLeast('median_size_px', medianSizePx, 1);
  requireAtLeast('dilation_px', dilationPx, 0);
  // The Laplacian is wanted out to the dilation beyond the window, so the margin holds both.
  const surface = surfaceOf(chm, Math.max(1, pitFillHaloPx(params)), NaN), { z, stride, pad, window } = surface;
  const laplacian = laplacians(surface, half(laplacianSizePx), dilationPx);
  const data = chm.data.slice(), values = new Float32Array((2 * half(medianSizePx) + 1) ** 2);
  for (let row = 0, i = 0; row < window.height; row++) {
    for (let col = 0; col < window.width; col++, i++) {
      const at = (row + pad) * stride + col + pad, own = z[at]!;
      if (own !== own) continue;
      const spike = laplacian[at]! < spikeThresholdM;
      const pit = !spike && anyAbove(laplacian, stride, at, dilationPx, pitThresholdM);
      if (!pit && !spike) continue;
      const median = medianAt(z, stride, at, half(medianSizePx), values);
      data[i] = pit ? Math.max(own, median) : Math.min(own, median);
    }
  }
  return { ...chm, data, mask: chm.mask.slice() };
}

/** Mean of valid neighbours less the pixel, NaN on voids; for the window grown by `grownPx`. */
function laplacians({ z, stride, pad, window }: Surface, r: number, grownPx: number): Float64Array {
  const laplacian = new Float64Array(z.length).fill(NaN);
  for (let row = pad - grownPx; row < pad + window.height + grownPx; row++) {
    for (let col = pad - grownPx; col < pad + window.width + grownPx; col++) {
      const at = row * stride + col, own = z[at]!;
      if (own !== own) continue;
      let sum = 0, count = 0;
      for (let dr = -r; dr <= r; dr++) {
        for (let i = at + dr * stride - r, end = i + 2 * r; i <= end; i++) {
          const value = z[i]!;
          if (i === at || value !== value) continue;
          sum += value;
          count++;
        }
      }
      laplacian[at] = count === 0 ? 0 : sum / count - own;
    }
  }
  return laplacian;
}

function anyAbove(laplacian: Float64Array, stride: number, centre: number, r: number, threshold: number): boolean {
  for (let dr = -r; dr <= r; dr++) {
    for (let i = centre + dr * stride - r, end = i + 2 * r; i <= end; i++) if (laplacian[i]! > threshold) return true;
  }
  return false;
}
