// make/forest.ts: trees with known truth on a terrain, from a recipe. Pure.
import type { SpeciesGroup } from '../../src/types.ts';
import { crownTopM } from './crown.ts';
import { exp, length, power } from './exact.ts';
import { inOpening, inRing, Neighbours } from './places.ts';
import { randomOf, type Random } from './random.ts';
import type { Planting, Recipe } from './recipe.ts';
import { terrainOf, type Terrain } from './terrain.ts';

/** A tree as it stands. `x`, `y` are metres from the lower-left corner of the extent, whole centimetres. */
export interface PlantedTree {
  treeNo: number;
  x: number;
  y: number;
  /** elevation of the foot */
  footM: number;
  heightM: number;
  crownDiameterM: number;
  crownLengthM: number;
  shape: 'cone' | 'paraboloid' | 'ellipsoid';
  dbhCm: number;
  agbKg: number;
  species: string;
  speciesGroup: SpeciesGroup;
  status: 'alive' | 'dead';
  /** understorey: sown as such, or overtopped by another crown */
  layer: 'dominant' | 'understorey';
  standNo: string;
  /** of outline, foliage and colour */
  shapeSeed: number;
}

export interface Forest {
  recipe: Recipe;
  terrain: Terrain;
  trees: PlantedTree[];
}

const SPECIES: Record<SpeciesGroup, string[]> = {
  gymnosperm: ['Abies concolor', 'Pinus lambertiana', 'Pinus jeffreyi', 'Calocedrus decurrens'],
  angiosperm: ['Quercus kelloggii', 'Cornus nuttallii', 'Acer macrophyllum'],
};
const EDGE_M = 1.5; // no stem closer to the edge of the survey: its top would not be seen
const LARGEST_SPACING_M = 14;
const round2 = (value: number): number => Math.round(value * 100) / 100;

/**
 * Grow the forest of a recipe: the same trees, bit for bit, for the same recipe.
 *
 * Height is drawn, crown diameter follows height and species group, DBH and biomass follow Jucker et al. 2017
 * (doi:10.1111/gcb.13388) with a scatter of 0.1 on the log scale for DBH and twice that for biomass.
 * A dead tree keeps the DBH of its life; its crown has shrunk to 0.8 of its diameter and it weighs 0.8.
 *
 * @returns trees in the order in which they were planted, numbered from 1
 */
export function planForest(recipe: Recipe): Forest {
  const terrain = terrainOf(recipe);
  const stems = new Neighbours<PlantedTree>(LARGEST_SPACING_M), trees: PlantedTree[] = [];
  const plant = (tree: Omit<PlantedTree, 'treeNo'>): void => {
    const planted = { treeNo: trees.length + 1, ...tree };
    trees.push(planted);
    stems.add(planted);
  };
  for (const { name, planting, holds, areaHa } of patchesOf(recipe)) {
    const random = randomOf(recipe.seed, name);
    const places = { recipe, terrain, stems, holds };
    for (const tree of upperStorey(planting, areaHa, random, places)) plant(tree);
    for (const tree of lowerStorey(planting, areaHa, random, places)) plant(tree);
  }
  return { recipe, terrain, trees: placeInStands(trees, recipe.stands) };
}

interface Places {
  recipe: Recipe;
  terrain: Terrain;
  stems: Neighbours<PlantedTree>;
  holds: (x: number, y: number) => boolean;
}

/** The patches and the background, each with its test and its area by a 1 m count. */
function patchesOf(recipe: Recipe): { name: string; planting: Planting; holds: (x: number, y: number) => boolean; areaHa: number }[] {
  const { widthM, heightM } = recipe.extent;
  const owner = (x: number, y: number): number => recipe.patches.findIndex(({ ring }) => inRing(ring, x, y));
  const all = recipe.patches.map(({ name, planting }, i) => ({ name, planting, owned: i }));
  if (recipe.background) all.push({ name: 'background', planting: recipe.background, owned: -1 });
  return all.map(({ name, planting, owned }) => {
    let m2 = 0;
    for (let y = 0.5; y < heightM; y++) for (let x = 0.5; x < widthM; x++) if (owner(x, y) === owned) m2++;
    return { name, planting, holds: (x, y) => owner(x, y) === owned, areaHa: m2 / 10_000 };
  });
}

function upperStorey(planting: Planting, areaHa: number, random: Random, places: Places): Generator<Omit<PlantedTree, 'treeNo'>> {
  return planting.rows ? rows(planting, planting.rows, random, places) : scattered(planting, areaHa, random, places);
}

/** Rows that run a little off north, each stem a hand's breadth off its place, one in 25 missing. */
function* rows(planting: Planting, { rowM, stemM }: { rowM: number; stemM: number }, random: Random, places: Places): Generator<Omit<PlantedTree, 'treeNo'>> {
  const { widthM, heightM } = places.recipe.extent, [ex, ey] = [0.96, 0.28]; // across the rows; a unit vector
  const reach = widthM + heightM;
  for (let across = -reach; across < reach; across += rowM) {
    for (let along = -reach; along < reach; along += stemM) {
      const x = across * ex - along * ey, y = across * ey + along * ex;
      if (!places.holds(x, y)) continue;
      const size = drawSize(planting, random);
      const jx = round2(x + 0.2 * random.normal()), jy = round2(y + 0.2 * random.normal());
      if (random.uniform() < 0.04 || !isFree(places, jx, jy, size.crownDiameterM / 2)) continue;
      yield { ...size, x: jx, y: jy, footM: places.terrain(jx, jy), layer: 'dominant' };
    }
  }
}

/** Sizes first, largest first; each tree takes the first of up to 60 random places where its crown finds room. */
function* scattered(planting: Planting, areaHa: number, random: Random, places: Places): Generator<Omit<PlantedTree, 'treeNo'>> {
  const sizes = Array.from({ length: Math.round(planting.stemsPerHa * areaHa) }, () => drawSize(planting, random));
  sizes.sort((a, b) => b.heightM - a.heightM);
  for (const size of sizes) {
    const radius = size.crownDiameterM / 2;
    const room = (other: PlantedTree): number => planting.closeness * (radius + other.crownDiameterM / 2);
    const place = findPlace(random, places, radius, (other) => (other.layer === 'dominant' ? room(other) : 1));
    if (place) yield { ...size, ...place, layer: 'dominant' };
  }
}

function* lowerStorey({ understorey }: Planting, areaHa: number, random: Random, places: Places): Generator<Omit<PlantedTree, 'treeNo'>> {
  for (let i = Math.round(understorey.stemsPerHa * areaHa); i > 0; i--) {
    const u = random.uniform();
    const heightM = round2(understorey.minM + (understorey.maxM - understorey.minM) * u * u); // most are small
    const size = sizeOf(heightM, random.uniform() < understorey.angiospermShare ? 'angiosperm' : 'gymnosperm', 'alive', random);
    const place = findPlace(random, places, size.crownDiameterM / 2, () => 1);
    if (place) yield { ...size, ...place, layer: 'understorey' };
  }
}

function findPlace(random: Random, places: Places, radiusM: number, spacingM: (other: PlantedTree) => number): { x: number; y: number; footM: number } | undefined {
  const { widthM, heightM } = places.recipe.extent;
  for (let attempt = 0; attempt < 60; attempt++) {
    const x = round2(random.between(0, widthM)), y = round2(random.between(0, heightM));
    if (!places.holds(x, y) || !isFree(places, x, y, radiusM)) continue;
    if (places.stems.near(x, y).some((other) => length(other.x - x, other.y - y) < spacingM(other))) continue;
    return { x, y, footM: places.terrain(x, y) };
  }
  return undefined;
}

const isFree = ({ recipe }: Places, x: number, y: number, radiusM: number): boolean =>
  x >= EDGE_M && y >= EDGE_M && x <= recipe.extent.widthM - EDGE_M && y <= recipe.extent.heightM - EDGE_M && !inOpening(recipe, x, y, radiusM);

type Size = Omit<PlantedTree, 'treeNo' | 'x' | 'y' | 'footM' | 'layer'>;

function drawSize({ heightM: { mean, sd, min, max }, angiospermShare, deadShare, species }: Planting, random: Random): Size {
  const heightM = round2(Math.min(max, Math.max(min, mean + sd * random.normal())));
  const group = random.uniform() < angiospermShare ? 'angiosperm' : 'gymnosperm';
  const size = sizeOf(heightM, group, random.uniform() < deadShare ? 'dead' : 'alive', random);
  return species === undefined ? size : { ...size, species };
}

function sizeOf(heightM: number, speciesGroup: SpeciesGroup, status: 'alive' | 'dead', random: Random): Size {
  const gymnosperm = speciesGroup === 'gymnosperm';
  const expected = gymnosperm ? 1.1 + 0.17 * heightM : 1.4 + 0.27 * heightM;
  const living = round2(expected * exp(0.12 * random.normal()));
  const names = SPECIES[speciesGroup];
  return {
    heightM,
    crownDiameterM: status === 'dead' ? round2(0.7 * living) : living,
    crownLengthM: round2(heightM * 0.42),
    shape: gymnosperm ? 'cone' : random.uniform() < 0.5 ? 'ellipsoid' : 'paraboloid',
    ...stemOf(heightM, living, speciesGroup, status, 0.1 * random.normal()),
    species: names[Math.floor(random.uniform() * names.length)]!,
    speciesGroup,
    status,
    standNo: '',
    shapeSeed: Math.floor(random.uniform() * 1e9),
  };
}

/** Jucker et al. 2017: D = 0.557 (H CD)^0.809 and AGB = (0.016 + a)(H CD)^(2.013 + b), with their mean corrections. */
export function stemOf(heightM: number, crownDiameterM: number, group: SpeciesGroup, status: 'alive' | 'dead', logError: number): { dbhCm: number; agbKg: number } {
  const size = heightM * crownDiameterM;
  const dbhCm = 0.557 * power(size, 0.809) * exp(0.056 ** 2 / 2 + logError);
  const [a, b] = group === 'gymnosperm' ? [0.093, -0.223] : [0, 0];
  const agbKg = (0.016 + a) * power(size, 2.013 + b) * exp(0.204 ** 2 / 2 + 2 * logError) * (status === 'dead' ? 0.8 : 1);
  return { dbhCm: Math.round(dbhCm * 10) / 10, agbKg: round2(agbKg) };
}

/** A tree whose top lies below another crown's surface is understorey, whatever it was sown as; the stands it stands in are noted. */
export function placeInStands(trees: PlantedTree[], stands: Recipe['stands']): PlantedTree[] {
  const near = new Neighbours(LARGEST_SPACING_M, trees);
  return trees.map((tree) => {
    const overtops = (other: PlantedTree): boolean => {
      const crownM = crownTopM(other, tree.x - other.x, tree.y - other.y);
      return crownM > 0 && other.footM + crownM > tree.footM + tree.heightM;
    };
    const covered = near.near(tree.x, tree.y).some((other) => other !== tree && overtops(other));
    const standNo = stands.filter(({ ring }) => inRing(ring, tree.x, tree.y)).map((stand) => stand.standNo).join(';');
    return { ...tree, standNo, layer: covered ? 'understorey' : tree.layer };
  });
}
