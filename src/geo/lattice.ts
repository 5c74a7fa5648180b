// geo/lattice.ts: pixels that tile the plane, counted from the CRS origin, rows southward. Pure.
import type { Box, Lattice, Raster, Window } from '../types.ts';
import { UNITS_PER_M, toUnits } from './units.ts';

/** The lattice of `resM` metres anchored to the CRS origin. */
export const anchoredLattice = (resM: number): Lattice => ({ resM, x0M: 0, y0M: 0 });

/** x of the centre of a column, metres. */
export const xOfCol = (lattice: Lattice, col: number): number =>
  (toUnits(lattice.x0M) + (col + 0.5) * toUnits(lattice.resM)) / UNITS_PER_M;

/** y of the centre of a row, metres. */
export const yOfRow = (lattice: Lattice, row: number): number =>
  (toUnits(lattice.y0M) - (row + 0.5) * toUnits(lattice.resM)) / UNITS_PER_M;

/** The pixel that holds a point, metres, half-open as every core: [x0, x1) x [y0, y1). */
export function pixelAt({ resM, x0M, y0M }: Lattice, xM: number, yM: number): { col: number; row: number } {
  const res = toUnits(resM);
  return { col: Math.floor((toUnits(xM) - toUnits(x0M)) / res), row: -Math.floor((toUnits(yM) - toUnits(y0M)) / res) - 1 };
}

/** The smallest window of whole pixels that covers a box; edges that lie on the lattice add no pixel. */
export function windowOfBox(lattice: Lattice, box: Box): Window {
  const res = toUnits(lattice.resM), x0 = toUnits(lattice.x0M), y0 = toUnits(lattice.y0M);
  const col = Math.floor((toUnits(box.x0) - x0) / res);
  const colEnd = Math.ceil((toUnits(box.x1) - x0) / res);
  const row = -Math.ceil((toUnits(box.y1) - y0) / res);
  const rowEnd = -Math.floor((toUnits(box.y0) - y0) / res);
  return { col, row, width: colEnd - col, height: rowEnd - row };
}

/** The box that a window of pixels covers, metres. */
export function boxOfWindow(lattice: Lattice, window: Window): Box {
  const res = toUnits(lattice.resM), x0 = toUnits(lattice.x0M), y0 = toUnits(lattice.y0M);
  return {
    x0: (x0 + window.col * res) / UNITS_PER_M,
    y0: (y0 - (window.row + window.height) * res) / UNITS_PER_M,
    x1: (x0 + (window.col + window.width) * res) / UNITS_PER_M,
    y1: (y0 - window.row * res) / UNITS_PER_M,
  };
}

export const pixelCount = (window: Window): number => window.width * window.height;

/** Index of pixel (col, row) in a window's arrays. */
export const indexIn = (window: Window, col: number, row: number): number => (row - window.row) * window.width + (col - window.col);

export const contains = (window: Window, col: number, row: number): boolean =>
  col >= window.col && row >= window.row && col < window.col + window.width && row < window.row + window.height;

export const growWindow = (window: Window, px: number): Window =>
  ({ col: window.col - px, row: window.row - px, width: window.width + 2 * px, height: window.height + 2 * px });

/** The common part of two windows; width or height 0 where they do not meet. */
export function intersectWindows(a: Window, b: Window): Window {
  const col = Math.max(a.col, b.col), row = Math.max(a.row, b.row);
  const width = Math.max(0, Math.min(a.col + a.width, b.col + b.width) - col);
  const height = Math.max(0, Math.min(a.row + a.height, b.row + b.height) - row);
  return { col, row, width, height };
}

/** True when two windows share a pixel. */
export const windowsMeet = (a: Window, b: Window): boolean => pixelCount(intersectWindows(a, b)) > 0;

/** The smallest window that holds two windows. */
export function unionWindows(a: Window, b: Window): Window {
  const col = Math.min(a.col, b.col), row = Math.min(a.row, b.row);
  return { col, row, width: Math.max(a.col + a.width, b.col + b.width) - col, height: Math.max(a.row + a.height, b.row + b.height) - row };
}

/** A raster without a valid pixel. */
export function emptyRaster(lattice: Lattice, window: Window): Raster {
  return { lattice, window, data: new Float32Array(pixelCount(window)), mask: new Uint8Array(pixelCount(window)) };
}

/** Cut a window out of a raster; pixels outside the raster are voids. */
export function cropRaster(raster: Raster, window: Window): Raster {
  const out = emptyRaster(raster.lattice, window);
  const common = intersectWindows(raster.window, window);
  for (let row = common.row; row < common.row + common.height && common.width > 0; row++) {
    const from = indexIn(raster.window, common.col, row), to = indexIn(window, common.col, row);
    out.data.set(raster.data.subarray(from, from + common.width), to);
    out.mask.set(raster.mask.subarray(from, from + common.width), to);
  }
  return out;
}
