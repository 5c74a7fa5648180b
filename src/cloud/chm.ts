// cloud/chm.ts: canopy height models from normalised returns. Pure.
import { pitFreeHeights } from './pit-free.ts';
import type { PitFreeParams } from './pit-free.ts';
import { tinHaloM } from './triangulate.ts';
import { InvalidInput } from '../errors.ts';
import { anchoredLattice, emptyRaster, pixelCount } from '../geo/lattice.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { Points, Raster, Window } from '../types.ts';

export interface P2rParams {
  method: 'p2r';
  resolutionM: number;
  /** 0: each return counts where it is; else it is replaced by 8 points on a circle of this radius, metres */
  subCircleM: number;
}

export type ChmParams = P2rParams | PitFreeParams;

/**
 * Points this far from a pixel's edge may enter its value, metres.
 *
 * p2r: a return is moved by the sub-circle's radius, no more. Pit-free: every layer is a TIN with a circle limit, so 2R
 * (see `triangulate`); thinned returns need their whole thinning cell, which reaches one cell farther.
 */
export function chmHaloM(params: ChmParams): number {
  if (params.method === 'p2r') return params.subCircleM;
  return tinHaloM(params.maxCircumradiusM) + (params.thinM ?? params.resolutionM);
}

/**
 * Canopy height at pixels: the highest return (p2r), or the pit-free layers of Khosravipour et al. 2014.
 *
 * @param points z is the height above ground in integers of 1e-5 m; NaN heights are voids and are left out;
 *               negative heights count as 0; drop noise before
 * @param window pixels of the anchored lattice of `resolutionM`; points beyond it are the halo
 * @returns metres; pixels without a value are masked, never 0
 * @throws {InvalidInput} when the resolution is not positive
 */
export function canopyModel(points: Points, window: Window, params: ChmParams): Raster {
  if (!(toUnits(params.resolutionM) > 0)) {
    throw new InvalidInput(`chm.resolution_m is ${params.resolutionM}: give a positive size in metres`, { path: 'chm.resolution_m' });
  }
  const heights = params.method === 'p2r' ? highestReturns(points, window, params) : pitFreeHeights(points, window, params);
  const raster = emptyRaster(anchoredLattice(params.resolutionM), window);
  for (let i = 0; i < heights.length; i++) {
    const h = heights[i]!;
    if (h !== h) continue;
    raster.data[i] = h / UNITS_PER_M;
    raster.mask[i] = 1;
  }
  return raster;
}

/**
 * The highest return of each pixel. A pixel holds [x0, x1) x [y0, y1); there is no rule for the last edge, as lidR has.
 * With a sub-circle the return itself is not drawn, only its 8 points, at steps of 45 degrees from east.
 */
function highestReturns({ count, x, y, z }: Points, window: Window, { resolutionM, subCircleM }: P2rParams): Float64Array {
  const heights = new Float64Array(pixelCount(window)).fill(NaN);
  const res = toUnits(resolutionM);
  // whole units: the same shift in every tile
  const steps = subCircleM > 0 ? [0, 1, 2, 3, 4, 5, 6, 7] : [0];
  const dx = Float64Array.from(steps, (k) => Math.round(subCircleM * UNITS_PER_M * Math.cos((k * Math.PI) / 4)));
  const dy = Float64Array.from(steps, (k) => Math.round(subCircleM * UNITS_PER_M * Math.sin((k * Math.PI) / 4)));
  for (let i = 0; i < count; i++) {
    if (z[i]! !== z[i]!) continue;
    const h = Math.max(0, z[i]!);
    for (let k = 0; k < dx.length; k++) {
      const col = Math.floor((x[i]! + dx[k]!) / res) - window.col;
      const row = -Math.floor((y[i]! + dy[k]!) / res) - 1 - window.row;
      if (col < 0 || row < 0 || col >= window.width || row >= window.height) continue;
      const p = row * window.width + col;
      if (!(h <= heights[p]!)) heights[p] = h;
    }
  }
  return heights;
}
