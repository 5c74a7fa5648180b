// evaluate/canopy-layers.ts: dominant, codominant or understorey, from places, heights and crowns alone. Pure.
import Flatbush from 'flatbush';
import { MATCH_LIMITS, distanceLimitM, heightLimitM } from './match-trees.ts';
import type { MatchLimits } from './match-trees.ts';

export type CanopyLayer = 'dominant' | 'codominant' | 'understorey';

/** What a layer is told from: `crownDiameterM` null takes the distance within which a tree of that height is looked for as the crown's radius. */
export interface LayerTree {
  xM: number;
  yM: number;
  heightM: number;
  crownDiameterM: number | null;
}

const UPPER_STOREY = 2 / 3;

const reachOf = ({ heightM, crownDiameterM }: LayerTree, limits: MatchLimits): number => (crownDiameterM === null ? distanceLimitM(limits, heightM) : crownDiameterM / 2);

/**
 * A function that tells the layer of a tree among reference trees.
 *
 * - understorey: the apex lies beneath the crown of a tree that is taller by more than matching allows heights to differ; or the crown touches
 *   that of a tree of which it has less than 2/3 of the height
 * - codominant: neither, but the crown touches that of a taller tree
 * - dominant: no crown of a taller tree touches its own
 *
 * It knows the trees that were listed, and no others: a tree at the edge of a plot may stand beneath one outside. Crowns are circles.
 * These are ours: Kraft's and the usual crown classes are judged by eye, from the light that a crown gets. The 2/3 is the bound of the upper
 * storey in the IUFRO height classes, there of the stand's top height, here of the neighbour's.
 */
export function layersAmong(trees: readonly LayerTree[], limits: MatchLimits = MATCH_LIMITS): (tree: LayerTree) => CanopyLayer {
  if (trees.length === 0) return () => 'dominant';
  const index = new Flatbush(trees.length);
  let widestM = 0;
  for (const tree of trees) {
    index.add(tree.xM, tree.yM, tree.xM, tree.yM);
    widestM = Math.max(widestM, reachOf(tree, limits));
  }
  index.finish();
  return (tree) => {
    const ownM = reachOf(tree, limits), farM = ownM + widestM;
    let layer: CanopyLayer = 'dominant';
    for (const i of index.search(tree.xM - farM, tree.yM - farM, tree.xM + farM, tree.yM + farM)) {
      const other = trees[i]!, distanceM = Math.hypot(other.xM - tree.xM, other.yM - tree.yM), reachM = reachOf(other, limits);
      if (other.heightM <= tree.heightM) continue; // itself too
      if (distanceM >= reachM + ownM) continue;
      const isCovered = distanceM < reachM && other.heightM - tree.heightM > heightLimitM(limits, tree.heightM);
      if (isCovered || tree.heightM < UPPER_STOREY * other.heightM) return 'understorey';
      layer = 'codominant';
    }
    return layer;
  };
}
