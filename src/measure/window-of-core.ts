// measure/window-of-core.ts: the pixels of any lattice that a tile owns: those whose centre its core holds. Pure.
import { toUnits } from '../geo/units.ts';
import type { Box, Lattice, Window } from '../types.ts';

/**
 * The window of the pixels whose centre lies in the half-open box: tiles that fill the plane own every pixel once,
 * whether their edges lie on the lattice (CHM) or not (a model's own lattice).
 */
export function windowOfCore(lattice: Lattice, core: Box): Window {
  const res = 2 * toUnits(lattice.resM), x0 = 2 * toUnits(lattice.x0M) + res / 2, y0 = 2 * toUnits(lattice.y0M) - res / 2; // half units: centres are whole
  const col = Math.ceil((2 * toUnits(core.x0) - x0) / res), colEnd = Math.ceil((2 * toUnits(core.x1) - x0) / res);
  const row = Math.floor((y0 - 2 * toUnits(core.y1)) / res) + 1, rowEnd = Math.floor((y0 - 2 * toUnits(core.y0)) / res) + 1;
  return { col, row, width: Math.max(0, colEnd - col), height: Math.max(0, rowEnd - row) };
}

/** Area of `count` pixels in m2, a pixel rounded to 1e-6 m2 first: so areas of tiles add up exactly as DECIMAL(18,6). */
export const areaOfPixels = (count: number, { resM }: Lattice): number => (count * Math.round(toUnits(resM) ** 2 / 1e4)) / 1e6;
