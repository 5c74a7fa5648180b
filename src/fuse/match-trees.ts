// fuse/match-trees.ts: trees of two sources, LiDAR and images, that are one tree. Pure.
import Flatbush from 'flatbush';
import { toUnits } from '../geo/units.ts';

/** A tree, metres in the survey's CRS: its height is null where a model gives none. */
export interface TreePlace {
  xM: number;
  yM: number;
  heightM: number | null;
}

/**
 * Distance from a tree to the farthest one that can decide on its pair, metres: 2 r.
 *
 * Proof: a pair (a, b) stands if b is the best of the second source's trees within r of a, and a the best of the first's within r of b. The latter lie
 * within 2 r of a, and no tree's match enters into another's.
 */
export const matchHaloM = (radiusM: number): number => 2 * radiusM;

/**
 * Match trees of two sources: two are a pair if and only if each is the other's best within `radiusM`.
 *
 * Best: nearest, then the smaller difference in height (a height that is not known comes after any that is), then the smaller x, then y. Distances are
 * compared in whole units of 1e-5 m, squared. Trees that are equal in all of that are one place; the earlier in the array stands for it.
 *
 * A pair for pair nearest neighbour, not the best assignment of all: that has no bound (LOCALITY.md) and is `evaluate`'s.
 *
 * @returns index of the second source's tree of each of the first, -1 where it has none. Right for trees at least `matchHaloM` from the edge of what was given
 */
export function matchTrees(first: readonly TreePlace[], second: readonly TreePlace[], radiusM: number): Int32Array {
  const pairs = new Int32Array(first.length).fill(-1);
  if (first.length === 0 || second.length === 0) return pairs;
  const bestSecond = nearest(first, second, radiusM), bestFirst = nearest(second, first, radiusM);
  for (let a = 0; a < pairs.length; a++) {
    const b = bestSecond[a]!;
    if (b >= 0 && bestFirst[b] === a) pairs[a] = b;
  }
  return pairs;
}

/** The best of `others` for each tree, -1 where there is none within the radius. */
function nearest(trees: readonly TreePlace[], others: readonly TreePlace[], radiusM: number): Int32Array {
  const index = new Flatbush(others.length), best = new Int32Array(trees.length).fill(-1), radius2 = toUnits(radiusM) ** 2, reachM = radiusM + 1e-5;
  for (const { xM, yM } of others) index.add(xM, yM, xM, yM);
  index.finish();
  trees.forEach((tree, t) => {
    let found = -1, least = Infinity;
    for (const o of index.search(tree.xM - reachM, tree.yM - reachM, tree.xM + reachM, tree.yM + reachM)) {
      const d2 = distance2(tree, others[o]!);
      if (d2 > radius2 || d2 > least) continue;
      if (d2 === least && !comesBefore(tree, others, o, found)) continue;
      found = o;
      least = d2;
    }
    best[t] = found;
  });
  return best;
}

const distance2 = (a: TreePlace, b: TreePlace): number => (toUnits(a.xM) - toUnits(b.xM)) ** 2 + (toUnits(a.yM) - toUnits(b.yM)) ** 2;

/** Difference in height, units; Infinity where one is not known. */
const heightGap = (a: TreePlace, b: TreePlace): number => (a.heightM === null || b.heightM === null ? Infinity : Math.abs(toUnits(a.heightM) - toUnits(b.heightM)));

/** Of two equally near trees, whether the first is the better one. */
function comesBefore(tree: TreePlace, others: readonly TreePlace[], first: number, second: number): boolean {
  const a = others[first]!, b = others[second]!, gapA = heightGap(tree, a), gapB = heightGap(tree, b);
  if (gapA !== gapB) return gapA < gapB;
  return (a.xM - b.xM || a.yM - b.yM || first - second) < 0;
}
