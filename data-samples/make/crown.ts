// make/crown.ts: the upper surface of one crown, with an irregular outline and rough foliage. Pure.
import type { PlantedTree } from './forest.ts';
import { length } from './exact.ts';
import { noise } from './random.ts';

const OUTLINE = 0.38, ROUGH_M = 0.7, CONE_TIP = 0.8;

/** Distance from the stem as a share of the crown's outline in that direction: 1 on the edge. */
export function crownShare(tree: PlantedTree, dx: number, dy: number): number {
  const r = length(dx, dy);
  if (r === 0) return 0;
  const bumps = noise(tree.shapeSeed, 20 + (1.8 * dx) / r, 20 + (1.8 * dy) / r) - 0.5;
  return r / ((tree.crownDiameterM / 2) * (1 + OUTLINE * bumps));
}

/**
 * Height of the crown's upper surface above the foot of the tree, metres; -1 outside the crown.
 * Exactly the tree's height at the stem. Cones have a rounded tip, so that a beam can meet it.
 */
export function crownTopM(tree: PlantedTree, dx: number, dy: number): number {
  const reach = (tree.crownDiameterM / 2) * (1 + OUTLINE / 2);
  if (dx * dx + dy * dy > reach * reach) return -1;
  const u = crownShare(tree, dx, dy);
  if (u > 1) return -1;
  const rough = ROUGH_M * u * noise(tree.shapeSeed + 1, 50 + dx / 0.6, 50 + dy / 0.6);
  if (tree.status === 'dead' && u > 0.25 && rough > 0.6 * ROUGH_M * u) return -1; // bare: one sees through between the limbs
  return tree.heightM - depthShare(tree, u) * tree.crownLengthM - rough;
}

/** How far below the top the surface lies at share `u`, as a share of the crown's length. */
function depthShare(tree: PlantedTree, u: number): number {
  if (tree.shape === 'cone') return (Math.sqrt(u * u + CONE_TIP * CONE_TIP) - CONE_TIP) / (Math.sqrt(1 + CONE_TIP * CONE_TIP) - CONE_TIP);
  if (tree.shape === 'paraboloid') return 0.8 * u * u;
  return 0.75 * (1 - Math.sqrt(1 - u * u)); // the upper half of an ellipsoid
}
