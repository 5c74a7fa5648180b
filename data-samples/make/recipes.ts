// make/recipes.ts: the synthetic surveys that come with the project. Data.
import { UsageError } from '../../src/errors.ts';
import type { LocalRing, Planting, Recipe } from './recipe.ts';

const PLANTATION: Planting = {
  species: 'Pinus lambertiana',
  rows: { rowM: 4, stemM: 3.6 }, stemsPerHa: 0, heightM: { mean: 17, sd: 0.9, min: 13, max: 21 }, closeness: 0, angiospermShare: 0, deadShare: 0.02,
  understorey: { stemsPerHa: 0, angiospermShare: 0, minM: 1, maxM: 1 },
};
const MIXED_CONIFER: Planting = {
  stemsPerHa: 400, heightM: { mean: 21, sd: 6, min: 8, max: 37 }, closeness: 0.88, angiospermShare: 0.1, deadShare: 0.08,
  understorey: { stemsPerHa: 120, angiospermShare: 0.5, minM: 1.5, maxM: 6 },
};
const BROADLEAF: Planting = {
  stemsPerHa: 380, heightM: { mean: 15, sd: 2.5, min: 9, max: 21 }, closeness: 0.72, angiospermShare: 0.95, deadShare: 0.03,
  understorey: { stemsPerHa: 900, angiospermShare: 0.8, minM: 1.5, maxM: 9 },
};
const OPEN_WOODLAND: Planting = {
  stemsPerHa: 140, heightM: { mean: 14, sd: 5, min: 5, max: 28 }, closeness: 1, angiospermShare: 0.25, deadShare: 0.06,
  understorey: { stemsPerHa: 60, angiospermShare: 0.6, minM: 1.2, maxM: 4 },
};
const SLOPE = { baseM: 2080, slopeEast: 0.12, slopeNorth: -0.07, reliefM: 9, waveM: 60 };

const all = (widthM: number, heightM: number): LocalRing => [[0, 0], [widthM, 0], [widthM, heightM], [0, heightM]];
const stand = (standNo: string, name: string, species: string, ring: LocalRing) => ({ standNo, name, species, ring });

/** A third of stand 103 has no returns; stand 104 lies across 101 and 102; 102 has an opening of 85 m2. Small enough to be committed. */
const tinyWest: LocalRing = [[3, 4], [51, 2], [56, 60], [52, 107], [5, 105]];
const tinyNorth: LocalRing = [[58, 55], [95, 49], [128, 57], [126, 108], [57, 106]];
const tinySouth: LocalRing = [[55, 4], [127, 3], [128, 52], [95, 45], [58, 51]];
const tiny: Recipe = {
  name: 'tiny', seed: 20260701,
  extent: { x0: 320033, y0: 4100041.5, widthM: 131, heightM: 111 },
  terrain: SLOPE,
  patches: [
    { name: 'plantation', ring: tinyWest, planting: PLANTATION },
    { name: 'mixed conifer', ring: tinyNorth, planting: MIXED_CONIFER },
    { name: 'broadleaf', ring: tinySouth, planting: BROADLEAF },
  ],
  background: OPEN_WOODLAND,
  stands: [
    stand('101', 'Sugar Pine plantation', 'pine', tinyWest),
    stand('102', 'North bench', 'mixed conifer', tinyNorth),
    stand('103', 'Oak hollow', 'oak', tinySouth),
    stand('104', 'Research block', 'mixed conifer', [[36, 62], [88, 58], [90, 96], [38, 98]]),
  ],
  openings: [{ x: 108, y: 84, halfEastM: 6, halfNorthM: 4.5 }],
  voids: [[101, 0, 131, 50]],
  plots: [{ plotId: 'P1', x: 28, y: 40, radiusM: 10 }, { plotId: 'P2', x: 80, y: 80, radiusM: 12 }, { plotId: 'P3', x: 78, y: 25, radiusM: 10 }],
  lidar: { pulsesPerM2: 3.2, altitudeM: 600, lines: [{ trackX: 22, halfSwathM: 50 }, { trackX: 101, halfSwathM: 50 }], lean: 0.08, cutsX: [71.37], cutLean: -0.11 },
  ortho: true, chm: false,
  later: { years: 3, mortality: 0.04, removed: [[6, 8], [30, 8], [30, 50], [6, 50]], write: 'truth' },
};

const LINES = (widthM: number) => [{ trackX: widthM * 0.2, halfSwathM: widthM * 0.42 }, { trackX: widthM * 0.75, halfSwathM: widthM * 0.42 }];

/** One stand over two hectares and a bit, the second date flown as well. */
function standard(name: string, seed: number, planting: Planting, species: string): Recipe {
  const [widthM, heightM] = [160, 150], ring: LocalRing = [[6, 7], [153, 5], [154, 144], [7, 146]];
  return {
    name, seed,
    extent: { x0: 320031.5, y0: 4100047, widthM, heightM },
    terrain: SLOPE,
    patches: [{ name, ring: all(widthM, heightM), planting }],
    background: null,
    stands: [stand('1', name, species, ring)],
    openings: name === 'plantation' ? [] : [{ x: 96, y: 61, halfEastM: 7, halfNorthM: 5 }],
    voids: [],
    plots: [{ plotId: 'P1', x: 40, y: 40, radiusM: 12 }, { plotId: 'P2', x: 110, y: 50, radiusM: 12 }, { plotId: 'P3', x: 75, y: 110, radiusM: 12 }],
    lidar: { pulsesPerM2: 5, altitudeM: 600, lines: LINES(widthM), lean: 0.05, cutsX: [81.37], cutLean: -0.09 },
    ortho: true, chm: true,
    later: { years: 3, mortality: 0.04, removed: [[20, 20], [60, 20], [60, 70], [20, 70]], write: 'survey' },
  };
}

/** 200 m squares side by side, as many as asked for: about 260,000 returns each. */
export function largeRecipe(across = 4, down = 4): Recipe {
  const [widthM, heightM] = [200, 200];
  return {
    name: 'large', seed: 20260705,
    extent: { x0: 320031.5, y0: 4100047, widthM, heightM },
    terrain: { baseM: 2080, slopeEast: 0, slopeNorth: 0, reliefM: 12, waveM: 50 },
    patches: [
      { name: 'conifer', ring: [[0, 0], [120, 0], [90, 200], [0, 200]], planting: MIXED_CONIFER },
      { name: 'plantation', ring: [[120, 0], [200, 0], [200, 90], [106, 90]], planting: PLANTATION },
    ],
    background: BROADLEAF,
    stands: [stand('1', 'West', 'mixed conifer', [[2, 2], [118, 2], [88, 198], [2, 198]]), stand('2', 'South-east', 'pine', [[122, 2], [198, 2], [198, 88], [109, 88]])],
    openings: [{ x: 50, y: 120, halfEastM: 9, halfNorthM: 6 }],
    voids: [], plots: [],
    lidar: { pulsesPerM2: 3.6, altitudeM: 700, lines: LINES(widthM), lean: 0, cutsX: [], cutLean: 0 },
    ortho: false, chm: false,
    repeat: { across, down },
  };
}

/** Recipes by name. */
export const recipes = new Map<string, Recipe>([
  ['tiny', tiny],
  ['plantation', standard('plantation', 20260702, PLANTATION, 'pine')],
  ['mixed-conifer', standard('mixed-conifer', 20260703, MIXED_CONIFER, 'mixed conifer')],
  ['understorey', standard('understorey', 20260704, BROADLEAF, 'oak')],
  ['large', largeRecipe()],
]);

/** A recipe by name; `large:8x6` repeats the large one 8 times eastward and 6 times northward. @throws {UsageError} for any other name */
export function recipeOf(name: string): Recipe {
  const size = /^large:([1-9]\d*)x([1-9]\d*)$/.exec(name);
  const recipe = size ? largeRecipe(Number(size[1]), Number(size[2])) : recipes.get(name);
  if (!recipe) throw new UsageError(`no recipe ${name}; there are ${[...recipes.keys()].join(', ')} and large:ACROSSxDOWN`);
  return recipe;
}
