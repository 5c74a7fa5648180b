// make/later.ts: the same forest some years on: growth, mortality, removals. Pure.
import { placeInStands, stemOf, type Forest, type PlantedTree } from './forest.ts';
import { exp } from './exact.ts';
import { inRing } from './places.ts';
import { randomOf } from './random.ts';

const round2 = (value: number): number => Math.round(value * 100) / 100;

/**
 * Let a forest age: living trees grow (short ones faster), some die and lose part of their crowns, those in the removed ring are
 * gone, and the dead of before stand as they were. Trees keep their numbers and their stems' deviation from the allometry.
 *
 * @throws {RangeError} when the recipe has no `later`
 */
export function ageForest(forest: Forest): Forest {
  const { recipe } = forest, later = recipe.later;
  if (!later) throw new RangeError(`recipe ${recipe.name} has no second date`);
  const random = randomOf(recipe.seed, 'later');
  const grown = forest.trees.map((tree) => {
    const rate = (0.5 - 0.008 * tree.heightM) * exp(0.25 * random.normal()); // metres a year
    const dies = random.uniform() < later.mortality, removed = inRing(later.removed, tree.x, tree.y);
    if (removed) return null;
    return tree.status === 'dead' ? tree : dies ? die(tree) : grow(tree, Math.max(0, rate) * later.years);
  });
  const trees = placeInStands(grown.filter((tree) => tree !== null), recipe.stands);
  return { ...forest, trees };
}

const die = (tree: PlantedTree): PlantedTree =>
  ({ ...tree, status: 'dead', crownDiameterM: round2(0.8 * tree.crownDiameterM), agbKg: round2(0.8 * tree.agbKg) });

function grow(tree: PlantedTree, metres: number): PlantedTree {
  const heightM = round2(tree.heightM + metres), crownDiameterM = round2(tree.crownDiameterM * (1 + (0.5 * metres) / tree.heightM));
  const before = stemOf(tree.heightM, tree.crownDiameterM, tree.speciesGroup, 'alive', 0);
  const after = stemOf(heightM, crownDiameterM, tree.speciesGroup, 'alive', 0);
  const dbhCm = Math.round(tree.dbhCm * (after.dbhCm / before.dbhCm) * 10) / 10, agbKg = round2(tree.agbKg * (after.agbKg / before.agbKg));
  return { ...tree, heightM, crownDiameterM, crownLengthM: round2(tree.crownLengthM + metres), dbhCm, agbKg };
}
