// cloud/dtm.ts: the terrain model as a raster. Pure.
import { groundSurface, groundSurfaceHaloM } from './ground-surface.ts';
import type { GroundSurface, GroundSurfaceParams } from './ground-surface.ts';
import { anchoredLattice, emptyRaster } from '../geo/lattice.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { Points, Raster, Window } from '../types.ts';

export interface DtmParams extends GroundSurfaceParams {
  resolutionM: number;
}

/** A pixel needs ground returns within this distance of its centre, metres (see `groundSurface`). */
export const dtmHaloM = (params: GroundSurfaceParams): number => groundSurfaceHaloM(params);

/**
 * Terrain at pixel centres: linear in the TIN, filled from near ground returns, else a void.
 *
 * @param ground ground returns of the window with its halo; z elevations
 * @returns elevation, metres; masked where no ground return is near enough
 */
export function groundModel(ground: Points, window: Window, params: DtmParams): Raster {
  return surfaceRaster(groundSurface(ground, new Uint8Array(ground.count).fill(1), params), window, params.resolutionM);
}

/** The same from a surface that is built already. */
export function surfaceRaster(surface: GroundSurface, window: Window, resolutionM: number): Raster {
  const raster = emptyRaster(anchoredLattice(resolutionM), window);
  const res = toUnits(resolutionM);
  for (let row = 0, i = 0; row < window.height; row++) {
    for (let col = 0; col < window.width; col++, i++) {
      const z = surface.elevationAt((window.col + col + 0.5) * res, -(window.row + row + 0.5) * res);
      if (z !== z) continue;
      raster.data[i] = z / UNITS_PER_M;
      raster.mask[i] = 1;
    }
  }
  return raster;
}
