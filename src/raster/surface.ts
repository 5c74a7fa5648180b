// raster/surface.ts: heights with a margin of voids, so that a kernel cannot tell "edge of window" from "edge of data". Pure.
import { InvalidInput } from '../errors.ts';
import type { Raster, Window } from '../types.ts';

/**
 * Heights of a window with `pad` pixels of void around it, row-major. Pixel (col, row) of the window is at
 * `(row - window.row + pad) * stride + (col - window.col + pad)`, so index order is (row, col) order.
 */
export interface Surface {
  z: Float32Array;
  stride: number;
  pad: number;
  window: Window;
}

/**
 * Copy a raster into a surface whose voids (masked, NaN, beyond the window) are all `voidM`.
 *
 * @param pad    width of the margin, whole pixels: how far the kernel reads from a pixel
 * @param voidM  what a void reads as: -Infinity never wins a maximum, NaN fails every comparison
 */
export function surfaceOf(raster: Raster, pad: number, voidM: number): Surface {
  const { window, data, mask } = raster, { width, height } = window, stride = width + 2 * pad;
  const z = new Float32Array(stride * (height + 2 * pad)).fill(voidM);
  for (let row = 0, i = 0; row < height; row++) {
    for (let j = (row + pad) * stride + pad, end = j + width; j < end; j++, i++) {
      const value = data[i]!;
      if (mask[i] !== 0 && value === value) z[j] = value;
    }
  }
  return { z, stride, pad, window };
}

/** Index in a surface of pixel (col, row) of the lattice. @throws {InvalidInput} when it is outside the window. */
export function surfaceIndex({ window, stride, pad }: Surface, col: number, row: number): number {
  const c = col - window.col, r = row - window.row;
  if (!(c >= 0 && r >= 0 && c < window.width && r < window.height)) {
    throw new InvalidInput(`pixel (col ${col}, row ${row}) lies outside the raster's window; pass only treetops found on this raster`, { col, row });
  }
  return (r + pad) * stride + c + pad;
}

/** The pixels of a disc round its centre (which is left out), nearest first, then by (row, col). */
export interface Disc {
  /** squared distance to the centre, pixels */
  d2: Int32Array;
  /** offset in a surface's array; negative exactly where the pixel is earlier in (row, col) */
  delta: Int32Array;
}

/** All pixels whose centres lie within sqrt(`radius2Px`) pixels of a pixel's centre. */
export function discOf(radius2Px: number, stride: number): Disc {
  const k = Math.floor(Math.sqrt(radius2Px)), cells: [number, number][] = [];
  for (let row = -k; row <= k; row++) {
    for (let col = -k; col <= k; col++) {
      const d2 = row * row + col * col;
      if (d2 > 0 && d2 <= radius2Px) cells.push([d2, row * stride + col]);
    }
  }
  cells.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return { d2: Int32Array.from(cells, (c) => c[0]), delta: Int32Array.from(cells, (c) => c[1]) };
}

/**
 * Square of a radius as whole squared pixels: distances between pixel centres are square roots of whole numbers,
 * so nothing is lost, and 0.3 m on pixels of 0.1 m is 3 pixels although 0.3 / 0.1 is not in floats.
 */
export const radius2PxOf = (radiusM: number, resM: number): number => Math.floor((Math.max(0, radiusM) / resM) ** 2 + 1e-9);

/** Whole pixels that a disc of `radius2Px` reaches along a row. */
export const reachPx = (radius2Px: number): number => Math.floor(Math.sqrt(radius2Px));

/** @throws {InvalidInput} unless `value` is a finite number of at least `least`. */
export function requireAtLeast(name: string, value: number, least: number): void {
  if (Number.isFinite(value) && value >= least) return;
  throw new InvalidInput(`${name} is ${value}; give a finite number of at least ${least}, since results are exact across tiles only with a bound`, { path: name });
}
