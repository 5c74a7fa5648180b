// make/surface.ts: the forest as grids of 0.25 m, or finer for a close look, which beams and cameras look at. Pure.
import { crownTopM } from './crown.ts';
import type { Forest, PlantedTree } from './forest.ts';

export const SURFACE_RES_M = 0.25;

/** Row 0 is the southernmost row; elevations in metres; trees as index + 1, 0 for bare ground. */
export interface Surface {
  resM: number;
  width: number;
  height: number;
  ground: Float64Array;
  /** the highest crown or the ground */
  top: Float64Array;
  topTree: Int32Array;
  /** the same without the upper storey: what a beam meets below it */
  under: Float64Array;
  underTree: Int32Array;
}

/** Draw every crown into the grids; with `repeat` crowns that leave on one side come in on the other. @param resM  pixels, metres */
export function surfaceOf({ recipe, terrain, trees }: Forest, resM: number = SURFACE_RES_M): Surface {
  const width = Math.round(recipe.extent.widthM / resM), height = Math.round(recipe.extent.heightM / resM);
  const ground = new Float64Array(width * height);
  for (let row = 0, i = 0; row < height; row++) {
    for (let col = 0; col < width; col++, i++) ground[i] = terrain((col + 0.5) * resM, (row + 0.5) * resM);
  }
  const surface: Surface = { resM, width, height, ground, top: ground.slice(), topTree: new Int32Array(ground.length), under: ground.slice(), underTree: new Int32Array(ground.length) };
  const shifts = recipe.repeat ? [-1, 0, 1] : [0];
  trees.forEach((tree, i) => {
    for (const east of shifts) for (const north of shifts) drawCrown(surface, tree, i + 1, tree.x + east * recipe.extent.widthM, tree.y + north * recipe.extent.heightM);
  });
  return surface;
}

function drawCrown(surface: Surface, tree: PlantedTree, number: number, x: number, y: number): void {
  const { resM: res, width, height, top, topTree, under, underTree } = surface;
  const reach = tree.crownDiameterM * 0.6;
  const apexCol = Math.floor(x / res), apexRow = Math.floor(y / res);
  for (let row = Math.max(0, Math.floor((y - reach) / res)); row < Math.min(height, (y + reach) / res); row++) {
    for (let col = Math.max(0, Math.floor((x - reach) / res)); col < Math.min(width, (x + reach) / res); col++) {
      const isApex = col === apexCol && row === apexRow; // the pixel that holds the apex shows it
      const crownM = isApex ? tree.heightM : crownTopM(tree, (col + 0.5) * res - x, (row + 0.5) * res - y);
      if (crownM <= 0) continue;
      const i = row * width + col, z = tree.footM + crownM;
      if (z > top[i]!) { top[i] = z; topTree[i] = number; }
      if (tree.layer === 'understorey' && z > under[i]!) { under[i] = z; underTree[i] = number; }
    }
  }
}
