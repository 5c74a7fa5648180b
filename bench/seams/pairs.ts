// bench/seams/pairs.ts: pairs of trees that stand near each other, and which of them lie across a seam of patches. Pure.
import Flatbush from 'flatbush';

export interface TreeAt {
  xM: number;
  yM: number;
}

/** Lines every `spacingM` in both directions, the first `marginM` from the lattice's origin. */
export interface SeamGrid {
  x0M: number;
  y0M: number;
  spacingM: number;
  marginM: number;
}

export type Pair = [TreeAt, TreeAt];

/** Each pair of trees nearer than `withinM`, once. */
export function pairsWithin(trees: readonly TreeAt[], withinM: number): Pair[] {
  if (trees.length === 0) return [];
  const index = new Flatbush(trees.length);
  for (const { xM, yM } of trees) index.add(xM, yM, xM, yM);
  index.finish();
  return trees.flatMap((tree, i) => index.search(tree.xM - withinM, tree.yM - withinM, tree.xM + withinM, tree.yM + withinM)
    .filter((j) => j > i && Math.hypot(trees[j]!.xM - tree.xM, trees[j]!.yM - tree.yM) < withinM).map((j): Pair => [tree, trees[j]!]));
}

const PLACES = 12;

/** How many pairs cross a seam, and how many cross the same lines moved by each multiple of a twelfth of their spacing in both directions. */
export function seamShares(pairs: readonly Pair[], grid: SeamGrid): { atSeams: number; elsewhere: number[] } {
  const crossing = (eastM: number, southM: number): number => pairs.filter((pair) => crosses(pair, grid, eastM, southM)).length, elsewhere: number[] = [];
  for (let i = 0; i < PLACES; i++) for (let j = 0; j < PLACES; j++) elsewhere.push(crossing(((i + 0.5) * grid.spacingM) / PLACES, ((j + 0.5) * grid.spacingM) / PLACES));
  return { atSeams: crossing(0, 0), elsewhere };
}

function crosses([a, b]: Pair, { x0M, y0M, spacingM, marginM }: SeamGrid, eastM: number, southM: number): boolean {
  const col = ({ xM }: TreeAt): number => Math.floor((xM - x0M - marginM - eastM) / spacingM), row = ({ yM }: TreeAt): number => Math.floor((y0M - yM - marginM - southM) / spacingM);
  return col(a) !== col(b) || row(a) !== row(b);
}
