import { describe, expect, test } from 'vitest';
import { layersAmong } from '../../src/evaluate/canopy-layers.ts';
import type { LayerTree } from '../../src/evaluate/canopy-layers.ts';
import { groundOfArea, groundOfHull, groundOfPlots } from '../../src/evaluate/ground.ts';
import { hullOf, regionOfPlot } from '../../src/evaluate/regions.ts';
import { heightClass, scoreTrees } from '../../src/evaluate/tree-scores.ts';
import type { FoundTree, ReferenceTree } from '../../src/evaluate/tree-scores.ts';
import type { Plot } from '../../src/types.ts';

const crown = (xM: number, heightM: number, crownDiameterM: number | null = 4): LayerTree => ({ xM, yM: 0, heightM, crownDiameterM });

describe('canopy layers', () => {
  const trees = [crown(0, 30, 8), crown(3, 12), crown(5, 28), crown(40, 20), crown(100, 20, null), crown(102, 10, null)];
  const layerOf = layersAmong(trees);

  test('a tree whose apex stands beneath a much taller crown is understorey, one whose crown touches a taller is codominant', () => {
    expect(trees.slice(0, 4).map(layerOf)).toEqual(['dominant', 'understorey', 'codominant', 'dominant']);
  });

  test('a tree beneath a crown but hardly lower belongs to the upper storey: its height may be an error of measurement', () => {
    expect(layersAmong([crown(0, 20), crown(1, 19)])(crown(1, 19))).toBe('codominant');
  });

  test('without a crown, the distance within which a tree is looked for stands for its radius: 3 m at 20 m', () => {
    expect(layerOf(trees[5]!)).toBe('understorey'); // 2 m away
    expect(layerOf(crown(105.4, 15, null))).toBe('codominant'); // 5.4 m away: 3 + 2.5 m touch
    expect(layerOf(crown(105.6, 15, null))).toBe('dominant');
  });

  test('a tree beside a taller crown, of less than two thirds of its height, is understorey too', () => {
    expect([18, 19].map((heightM) => layersAmong([crown(0, 28)])(crown(3, heightM)))).toEqual(['understorey', 'codominant']); // 18.7 m is 2/3
  });
});

const reference = (xM: number, heightM: number | null, fields: Partial<ReferenceTree> = {}): ReferenceTree => ({ xM, yM: 0, heightM, crownDiameterM: 2, dbhCm: null, layer: null, unit: 'P', ...fields });
const found = (xM: number, heightM: number, fields: Partial<FoundTree> = {}): FoundTree => ({ xM, yM: 0, heightM, crownDiameterM: 2, dbhCm: null, ...fields });
const everywhere = { unitAt: () => 'P' };
const table = (scores: ReturnType<typeof scoreTrees>, stratum = 'all'): Record<string, number | null> => Object.fromEntries(scores.filter((score) => score.stratum === stratum).map(({ metric, value }) => [metric, value]));

describe('scores of trees', () => {
  const listed = [reference(0, 20, { dbhCm: 30 }), reference(20, 20, { dbhCm: 20 }), reference(40, 12), reference(60, 12), reference(61, 4)];
  const inventory = [found(0, 21, { dbhCm: 33 }), found(20, 19, { dbhCm: 19 }), found(41, 12), found(200, 7)];

  test('by hand: 3 of 5 found, 1 of 4 false; errors of height, place and diameter', () => {
    const scores = scoreTrees(inventory, listed, everywhere), all = table(scores);
    expect(all).toMatchObject({ precision: 0.75, recall: 0.6, detection_rate: 0.8, height_bias_m: 0, dbh_bias_cm: 1 });
    expect(all['f1']).toBeCloseTo(6 / 9, 12);
    expect(all['height_rmse_m']).toBeCloseTo(Math.sqrt(2 / 3), 12);
    expect(all['position_rmse_m']).toBeCloseTo(Math.sqrt(1 / 3), 12);
    expect(all['dbh_rmse_cm']).toBeCloseTo(Math.sqrt((9 + 1) / 2), 12);
    expect(scores.find(({ stratum, metric }) => stratum === 'all' && metric === 'recall')).toMatchObject({ n: 5, lo: null }); // one plot: no interval
  });

  test('a height class holds its reference trees, their pairs, and false trees of that height', () => {
    const scores = scoreTrees(inventory, listed, everywhere);
    expect([9.99, 10, 14.99].map(heightClass)).toEqual(['height:5-10', 'height:10-15', 'height:10-15']);
    expect(table(scores, 'height:20-25')).toMatchObject({ precision: 1, recall: 1 }); // the one of 19 m is a pair of a tree of 20 m
    expect(table(scores, 'height:10-15')).toMatchObject({ precision: 1, recall: 0.5 });
    expect(table(scores, 'height:5-10')).toMatchObject({ precision: 0 });
    expect(table(scores, 'height:5-10')).not.toHaveProperty('recall'); // no reference tree is so tall
    expect([...new Set(scores.map(({ stratum }) => stratum))]).toEqual(['all', 'layer:dominant', 'layer:understorey', 'height:0-5', 'height:5-10', 'height:10-15', 'height:20-25']);
  });

  test('the tree under another is what is missed; strata add up to all', () => {
    const under = [reference(0, 20, { crownDiameterM: 8 }), reference(2, 8), reference(30, 20)];
    const scores = scoreTrees([found(0, 20), found(30, 20)], under, everywhere);
    expect(table(scores, 'layer:understorey')).toMatchObject({ recall: 0 });
    expect(table(scores, 'layer:dominant')).toMatchObject({ recall: 1, precision: 1 });
  });

  test('layers that the reference states are taken, and have no precision: a false tree states none', () => {
    const stated = [reference(0, 20, { layer: 'upper' }), reference(30, 12, { layer: 'lower' })];
    const scores = scoreTrees([found(0, 20), found(60, 20)], stated, everywhere);
    expect(table(scores, 'layer:upper')).toEqual({ recall: 1, height_bias_m: 0, height_rmse_m: 0, position_rmse_m: 0 });
    expect(table(scores, 'layer:lower')).toEqual({ recall: 0 });
    expect(table(scores)).toMatchObject({ precision: 0.5 });
  });

  test('outside the reference\'s ground a found tree is not false, but may pair', () => {
    const inside = { unitAt: (xM: number) => (xM <= 30 ? 'P' : null) };
    expect(table(scoreTrees([found(0, 20), found(30.5, 20), found(35, 20)], [reference(0, 20), reference(30, 20)], inside))).toMatchObject({ precision: 1, recall: 1 });
  });

  test('a tree found at a reference tree without height is neither right nor false', () => {
    expect(table(scoreTrees([found(0, 20), found(30.5, 15)], [reference(0, 20), reference(30, null)], everywhere))).toMatchObject({ precision: 1, recall: 1, detection_rate: 1 });
  });

  test('intervals come from whole plots; where all plots are alike, a share has that of its trees, never none', () => {
    const plots = ['A', 'B', 'C', 'D', 'E', 'F'], listedIn = plots.flatMap((unit, k) => [reference(100 * k, 20, { unit }), reference(100 * k + 20, 20, { unit })]);
    const scores = scoreTrees(plots.map((_, k) => found(100 * k, 20)), listedIn, everywhere);
    expect(scores.find(({ stratum, metric }) => stratum === 'all' && metric === 'recall')).toMatchObject({ value: 0.5, n: 12, lo: expect.closeTo(0.2538, 4), hi: expect.closeTo(0.7462, 4) }); // prop.test(6, 12, correct = FALSE)
    expect(scores.find(({ stratum, metric }) => stratum === 'all' && metric === 'f1')).toMatchObject({ lo: null });
    expect(table(scores)['detection_rate_log_error']).toBe(0);
    const uneven = scoreTrees(plots.slice(0, 3).flatMap((_, k) => [found(100 * k, 20), found(100 * k + 20, 20)]), listedIn, everywhere).find(({ stratum, metric }) => stratum === 'all' && metric === 'recall')!;
    expect(uneven.value).toBe(0.5);
    expect(uneven.lo!).toBeLessThan(0.2);
    expect(uneven.hi!).toBeGreaterThan(0.8);
  });
});

describe('the ground of a reference', () => {
  const circle: Plot = { plotId: 'P1', xM: 100, yM: 100, radiusM: 10, polygons: null, areaHa: 0.0314, stemsPerHa: null, basalAreaM2PerHa: null, heightM: null, agbTPerHa: null };

  test('a tree on the circle of a plot stands inside, a centimetre farther out it does not', () => {
    const { holds } = regionOfPlot(circle);
    expect([holds(110, 100), holds(106, 108), holds(110.01, 100)]).toEqual([true, true, false]);
  });

  test('a tree belongs to the plot that it names, without a name to the one that holds it', () => {
    const { unitOf, unitAt } = groundOfPlots([circle, { ...circle, plotId: 'P2', xM: 200 }]);
    expect(unitOf({ plotId: 'P1', xM: 111, yM: 100 })).toBe('P1');
    expect(unitOf({ plotId: null, xM: 205, yM: 100 })).toBe('P2');
    expect(unitOf({ plotId: 'elsewhere', xM: 100, yM: 100 })).toBeNull();
    expect(unitAt(150, 100)).toBeNull();
  });

  test('the hull of four corners and a tree inside is the corners', () => {
    const hull = hullOf([[0, 0], [10, 0], [5, 5], [10, 10], [0, 10]].map(([xM, yM]) => ({ xM: xM!, yM: yM! })));
    expect(hull).toEqual([[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]);
  });

  test('mapped trees without an area are judged inside their hull, in blocks of 50 m', () => {
    const { unitAt } = groundOfHull([{ plotId: null, xM: 0, yM: 0 }, { plotId: null, xM: 100, yM: 0 }, { plotId: null, xM: 100, yM: 100 }]);
    expect([unitAt(30, 20), unitAt(80, 60), unitAt(20, 80)]).toEqual(['0_0', '50_50', null]);
  });

  test('two trees have no hull: nothing near them is false', () => {
    expect(groundOfHull([{ plotId: null, xM: 0, yM: 0 }, { plotId: null, xM: 10, yM: 0 }]).unitAt(5, 0)).toBeNull();
  });

  test('listed trees outside the area given are left out', () => {
    const { unitOf } = groundOfArea([[[[0, 0], [60, 0], [60, 60], [0, 60], [0, 0]]]]);
    expect([unitOf({ plotId: null, xM: 55, yM: 10 }), unitOf({ plotId: null, xM: 65, yM: 10 })]).toEqual(['50_0', null]);
  });
});
