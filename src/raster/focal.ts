// raster/focal.ts: smoothing in square windows that skip voids. Pure.
import type { Raster } from '../types.ts';
import { requireAtLeast, surfaceOf } from './surface.ts';

export interface FocalParams {
  /** the window is (2 radiusPx + 1) pixels square */
  radiusPx: number;
}

export interface GaussianParams extends FocalParams {
  /** standard deviation, pixels */
  sigmaPx: number;
}

/**
 * Halo of one pass of a filter in this file, pixels: its radius.
 * Proof: the value of a pixel is made from the pixels of its window alone, summed or sorted in an order that the window fixes.
 */
export const focalHaloPx = ({ radiusPx }: FocalParams): number => radiusPx;

/**
 * Mean of the valid pixels in a square window.
 *
 * Valid pixels stay valid, voids stay voids; voids and NaN never count. Each sum is made anew, row sums from west to east and then their sum
 * from north to south, so a value does not depend on where the raster was cut (a running sum's last bits do).
 */
export const smoothMean = (raster: Raster, { radiusPx }: FocalParams): Raster =>
  weightedMean(raster, new Float64Array(2 * radius(radiusPx) + 1).fill(1));

/**
 * Mean of the valid pixels in a square window, weighted by exp(-d^2 / (2 sigma^2)) of their distance and divided by the weights of the
 * valid ones. Otherwise as `smoothMean`.
 */
export function smoothGaussian(raster: Raster, { sigmaPx, radiusPx }: GaussianParams): Raster {
  requireAtLeast('sigma_px', sigmaPx, 1e-6);
  const r = radius(radiusPx);
  return weightedMean(raster, Float64Array.from({ length: 2 * r + 1 }, (_, k) => Math.exp(-((k - r) ** 2) / (2 * sigmaPx ** 2))));
}

/** Median of the valid pixels in a square window; of an even number the mean of the two in the middle. Otherwise as `smoothMean`. */
export function smoothMedian(raster: Raster, { radiusPx }: FocalParams): Raster {
  const r = radius(radiusPx), { z, stride, pad, window } = surfaceOf(raster, r, NaN), { width, height } = window;
  const data = raster.data.slice(), values = new Float32Array((2 * r + 1) ** 2);
  for (let row = 0, i = 0; row < height; row++) {
    for (let col = 0; col < width; col++, i++) {
      const centre = (row + pad) * stride + col + pad;
      if (!Number.isNaN(z[centre]!)) data[i] = medianAt(z, stride, centre, r, values);
    }
  }
  return { ...raster, data, mask: raster.mask.slice() };
}

/** Median of the values that are not NaN in the window of radius `r` round `centre`; `values` is scratch of the window's size. */
export function medianAt(z: Float32Array, stride: number, centre: number, r: number, values: Float32Array): number {
  let count = 0;
  for (let row = -r; row <= r; row++) {
    for (let i = centre + row * stride - r, end = i + 2 * r; i <= end; i++) {
      const value = z[i]!;
      if (value !== value) continue;
      let at = count++; // insertion keeps the values sorted: windows are small
      while (at > 0 && values[at - 1]! > value) {
        values[at] = values[at - 1]!;
        at--;
      }
      values[at] = value;
    }
  }
  const half = count >> 1;
  return count % 2 === 1 ? values[half]! : (values[half - 1]! + values[half]!) / 2;
}

function radius(radiusPx: number): number {
  requireAtLeast('radius_px', radiusPx, 0);
  return Math.floor(radiusPx);
}

/** Separable weighted mean: rows first, then columns, numerator and denominator apart. */
function weightedMean(raster: Raster, weights: Float64Array): Raster {
  const r = (weights.length - 1) / 2, { z, stride, pad, window } = surfaceOf(raster, r, NaN), { width, height } = window;
  const sums = new Float64Array(width * (height + 2 * r)), totals = new Float64Array(sums.length);
  for (let row = 0, i = 0; row < height + 2 * r; row++) {
    for (let col = 0; col < width; col++, i++) {
      let sum = 0, total = 0;
      for (let k = 0, j = row * stride + col; k <= 2 * r; k++, j++) {
        const value = z[j]!;
        if (value !== value) continue;
        sum += weights[k]! * value;
        total += weights[k]!;
      }
      sums[i] = sum;
      totals[i] = total;
    }
  }
  const data = raster.data.slice();
  for (let row = 0, i = 0; row < height; row++) {
    for (let col = 0; col < width; col++, i++) {
      if (Number.isNaN(z[(row + pad) * stride + col + pad]!)) continue;
      let sum = 0, total = 0;
      for (let k = 0, j = row * width + col; k <= 2 * r; k++, j += width) {
        sum += weights[k]! * sums[j]!;
        total += weights[k]! * totals[j]!;
      }
      data[i] = sum / total;
    }
  }
  return { ...raster, data, mask: raster.mask.slice() };
}
