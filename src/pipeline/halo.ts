// pipeline/halo.ts: how far each stage of `canopy` reads. Halos add up along the chain. Pure.
import { chmHaloM } from '../cloud/chm.ts';
import { dtmHaloM } from '../cloud/dtm.ts';
import { groundHaloM } from '../cloud/ground.ts';
import { noiseHaloM } from '../cloud/noise.ts';
import { crownHaloM } from '../raster/crowns.ts';
import { pitFillHaloPx } from '../raster/pit-fill.ts';
import type { CanopyParams, CrownStageParams } from './canopy-params.ts';

/** Metres beyond a tile's core that a canopy height model must cover, so that the crowns in the core are exact. */
export interface ChmHalos {
  /** how far from its apex a crown can be changed: voids within it are flagged */
  reach: number;
  /** of the finished CHM: what treetops and crowns look at */
  crowns: number;
  /** of the CHM before pit filling and smoothing: what is read of one made elsewhere */
  surface: number;
}

/** Metres beyond a tile's core that a stage's result must cover, so that all later stages are exact in the core. */
export interface CanopyHalos extends ChmHalos {
  /** of the points with their height above ground */
  heights: number;
  /** of the ground returns */
  ground: number;
  /** of the returns freed from noise */
  clean: number;
  /** of everything: what a task reads */
  points: number;
}

/**
 * The sum of the halos from the crowns back to the CHM of `resM` metres.
 *
 * A tree of the core needs its crown's reach. A pixel of the core may be covered by a tree whose apex lies up to the largest crown
 * radius outside, and that crown must be right too: so the mask of crowns asks for one radius more.
 */
export function chmHalos(params: CrownStageParams, resM: number): ChmHalos {
  const reach = crownHaloM(params.crowns, resM), crowns = reach + params.crowns.maxRadiusM;
  const filterPx = (params.pitFill ? pitFillHaloPx({}) : 0) + (params.smooth === 'none' ? 0 : 1);
  return { reach, crowns, surface: crowns + filterPx * resM };
}

/** The sum of the halos, from the crowns back to the points. */
export function canopyHalos(params: CanopyParams): CanopyHalos {
  const { reach, crowns, surface } = chmHalos(params, params.chm.resolutionM);
  const heights = surface + chmHaloM(params.chm);
  const ground = heights + (params.normalised ? 0 : dtmHaloM(params.dtm));
  const clean = ground + (params.normalised ? 0 : groundHaloM(params.ground));
  return { reach, crowns, surface, heights, ground, clean, points: clean + (params.noise ? noiseHaloM(params.noise) : 0) };
}

/**
 * How far from a return the rasters of `canopy` may have a value, metres: the terrain's filling, and the triangles of TIN and CHM,
 * none of whose places is farther from a corner than the circle's radius. Tiles that only these reach are worked on too.
 */
export function valueReachM({ chm, dtm, normalised }: CanopyParams): number {
  const surface = chm.method === 'p2r' ? chm.subCircleM : chm.maxCircumradiusM;
  return Math.max(surface, normalised ? 0 : dtm.maxCircumradiusM, normalised ? 0 : dtm.fillRadiusM) + chm.resolutionM;
}
