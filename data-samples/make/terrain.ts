// make/terrain.ts: the ground under the forest: a slope with two sizes of hills. Pure.
import type { Recipe } from './recipe.ts';
import { noise } from './random.ts';

/** Elevation in metres at a local place. */
export type Terrain = (x: number, y: number) => number;

/** With `repeat` the hills repeat with the extent, so that copies meet without a step (the slope must be 0 then). */
export function terrainOf({ terrain, seed, repeat, extent }: Recipe): Terrain {
  const { baseM, slopeEast, slopeNorth, reliefM, waveM } = terrain;
  const period = repeat ? Math.round(extent.widthM / waveM) : 0;
  const small = waveM / 4;
  return (x, y) =>
    baseM + slopeEast * x + slopeNorth * y +
    reliefM * noise(seed + 11, x / waveM, y / waveM, period) +
    (reliefM / 6) * noise(seed + 12, x / small, y / small, period * 4);
}
