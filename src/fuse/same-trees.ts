// fuse/same-trees.ts: image trees of several models that are one tree. Pure.
import { matchTrees } from './match-trees.ts';
import type { TreePlace } from './match-trees.ts';

/** What one model sees. */
export interface ModelTrees {
  trees: readonly TreePlace[];
  /** farthest that one of its trees may lie from where another source has it */
  radiusM: number;
  /** true for a tree that LiDAR has found: it is that tree, whatever other models say */
  isTaken: (index: number) => boolean;
}

/**
 * Distance from a tree to the farthest one that can decide on its row and on who else has seen it, metres: n r + max(r, t), of n models and the largest radius r.
 *
 * Proof: what belongs to a tree lies within r of it. Whether a tree of the k-th model belongs to another follows from its pairs, which hang on trees within 2 r of it
 * (`matchHaloM`), and from whether its partners, of earlier models and within r, keep their rows: with D(1) = t, D(k) = max(2 r, t, r + D(k - 1)) <= (k - 1) r + max(r, t).
 *
 * @param takenM  what decides whether a tree is LiDAR's; 0 without LiDAR
 */
export function sameTreeHaloM(radiiM: readonly number[], takenM = 0): number {
  const radiusM = Math.max(0, ...radiiM);
  return radiiM.length < 2 ? takenM : radiiM.length * radiusM + Math.max(radiusM, takenM);
}

/**
 * Tell which trees of several models are one tree: two of two models are if each is the other's best within the larger of their radii (`matchTrees`) and that of
 * the earlier model keeps its row. A tree belongs to the first such one, in the models' order; without one it keeps its row.
 *
 * So a row has at most one tree of each other model, and two trees of one model are never one. What pairs only with a tree that has gone stays a tree of its own:
 * to hand pairs on would join such two.
 *
 * @param models  in the job's order; trees in any order
 * @returns for each model and tree the tree that it belongs to, as a number among all trees of all models one after the other; itself where it keeps its row,
 *   -1 where it is a LiDAR tree. Right for trees at least `sameTreeHaloM` from the edge of what was given
 */
export function sameTrees(models: readonly ModelTrees[]): Int32Array[] {
  const owners: Int32Array[] = [], offsets: number[] = [];
  let offset = 0;
  for (const { trees, radiusM, isTaken } of models) {
    const own = Int32Array.from(trees, (_, i) => (isTaken(i) ? -1 : offset + i));
    owners.forEach((earlier, m) => {
      const pairs = matchTrees(trees, models[m]!.trees, Math.max(radiusM, models[m]!.radiusM));
      for (let i = 0; i < own.length; i++) {
        const partner = pairs[i]!;
        if (own[i] === offset + i && partner >= 0 && earlier[partner] === offsets[m]! + partner) own[i] = offsets[m]! + partner;
      }
    });
    owners.push(own);
    offsets.push(offset);
    offset += trees.length;
  }
  return owners;
}
