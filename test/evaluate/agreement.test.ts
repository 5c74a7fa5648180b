import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agreementScores, scorePlots } from '../../src/evaluate/agreement.ts';
import type { PlotComparison } from '../../src/evaluate/agreement.ts';
import { detectionByHeight, detectionRate } from '../../src/evaluate/detection-rate.ts';
import { figuresOf, measuredFigures } from '../../src/evaluate/plot-figures.ts';
import type { PlotFigures } from '../../src/evaluate/plot-figures.ts';
import type { Plot, PlotTree } from '../../src/types.ts';

const scoresOf = (pairs: [number, number][]): Record<string, number | null> =>
  Object.fromEntries(agreementScores('agb_t_per_ha', pairs.map(([measured, estimated]) => ({ measured, estimated }))).map(({ metric, value }) => [metric.replace('agb_t_per_ha_', ''), value]));

describe('agreement of plots', () => {
  test('by hand: measured 100, 200, 300, estimated 120, 190, 350', () => {
    // errors 20, -10, 50: SSE 400 + 100 + 2500 = 3000; SST 2 x 100^2 = 20000; bias 60/3; covariance sum (-100)(-100) + 0 + 100 x 130 = 23000 about the means 200, 220
    const scores = scoresOf([[100, 120], [200, 190], [300, 350]]);
    expect(scores['measured_mean']).toBeCloseTo(200, 9);
    expect(scores['r2']).toBeCloseTo(1 - 3000 / 20_000, 9);
    expect(scores['r2_corr']).toBeCloseTo(23_000 ** 2 / (20_000 * (100 ** 2 + 30 ** 2 + 130 ** 2)), 9);
    expect(scores['rmse']).toBeCloseTo(Math.sqrt(1000), 9);
    expect(scores['rmse_percent']).toBeCloseTo(Math.sqrt(1000) / 2, 9);
    expect(scores['bias']).toBeCloseTo(20, 9);
    expect(scores['bias_percent']).toBeCloseTo(10, 9);
  });

  test('estimates twice too high have a squared correlation of 1 and an R2 below 0', () => {
    const scores = scoresOf([[100, 200], [200, 400], [300, 600]]);
    expect(scores['r2_corr']).toBeCloseTo(1, 12);
    expect(scores['r2']).toBeLessThan(0);
  });

  test('one plot, or plots of equal value, have an error but no R2', () => {
    for (const pairs of [[[100, 90]], [[100, 90], [100, 80]]] as [number, number][][]) {
      expect(scoresOf(pairs)['rmse']).toBeGreaterThan(0);
      expect(scoresOf(pairs)).not.toHaveProperty('r2');
    }
  });

  test('small differences of large values keep their digits', () => {
    const scores = scoresOf([[1e7 + 1, 1e7 + 1.5], [1e7 + 2, 1e7 + 2.5], [1e7 + 3, 1e7 + 3.5]]);
    expect(scores['rmse']).toBeCloseTo(0.5, 8);
    expect(scores['r2']).toBeCloseTo(1 - 0.75 / 2, 8);
  });

  test('RMSE is never below the bias, and R2 never above the squared correlation', () => {
    const pair = fc.tuple(fc.double({ min: 0, max: 500, noNaN: true }), fc.double({ min: 0, max: 500, noNaN: true }));
    fc.assert(fc.property(fc.array(pair, { minLength: 3, maxLength: 12 }), (pairs) => {
      const { rmse, bias, r2, r2_corr: corr } = scoresOf(pairs);
      expect(rmse!).toBeGreaterThanOrEqual(Math.abs(bias!) - 1e-9);
      if (r2 !== undefined && corr !== undefined) expect(r2!).toBeLessThanOrEqual(corr! + 1e-9);
    }), { seed: 11, numRuns: 200 });
  });

  test('a figure that one plot lacks leaves that plot out of that figure alone', () => {
    const figures = (stemsPerHa: number, agbTPerHa: number | null): PlotFigures => ({ stemsPerHa, agbTPerHa, meanHeightM: null, loreyHeightM: null, basalAreaM2PerHa: null });
    const plot = (plotId: string, measured: PlotFigures, estimated: PlotFigures): PlotComparison => ({ plotId, measured, estimated, validShare: 1, trees: 4 });
    const scores = scorePlots([plot('B', figures(500, null), figures(400, 90)), plot('A', figures(300, 80), figures(300, 70))]);
    expect(scores.find(({ metric }) => metric === 'stems_per_ha_bias')).toMatchObject({ value: -50, n: 2, stratum: 'all' });
    expect(scores.find(({ metric }) => metric === 'agb_t_per_ha_bias')).toMatchObject({ value: -10, n: 1 });
    expect(scores.filter(({ stratum }) => stratum === 'plot:B').map(({ metric, value }) => [metric, value])).toEqual([['stems_per_ha_measured', 500], ['stems_per_ha_estimated', 400], ['agb_t_per_ha_estimated', 90]]);
  });
});

const tree = (dbhCm: number | null, heightM: number | null, agbKg: number | null = null): PlotTree =>
  ({ plotId: 'P', treeNo: '1', xM: null, yM: null, species: null, dbhCm, heightM, crownDiameterM: null, agbKg, status: 'alive', layer: null });
const plot: Plot = { plotId: 'P', xM: 0, yM: 0, radiusM: 10, polygons: null, areaHa: 0.05, stemsPerHa: null, basalAreaM2PerHa: null, heightM: null, agbTPerHa: null };

describe('figures of a plot', () => {
  test('by hand: stems of 20 and 40 cm, 15 and 25 m tall, on 0.05 ha', () => {
    const { stemsPerHa, basalAreaM2PerHa, meanHeightM, loreyHeightM, agbTPerHa } = measuredFigures(plot, [tree(20, 15, 150), tree(40, 25, 850)]);
    expect(stemsPerHa).toBe(40);
    expect(basalAreaM2PerHa).toBeCloseTo((0.0314159 + 0.1256637) / 0.05, 4);
    expect(meanHeightM).toBe(20);
    expect(loreyHeightM).toBeCloseTo((1 * 15 + 4 * 25) / 5, 9); // weights as the squares of the diameters
    expect(agbTPerHa).toBeCloseTo(20, 9); // 1 t on 0.05 ha
  });

  test('a tree without a height leaves no mean height, one without a diameter no basal area', () => {
    expect(measuredFigures(plot, [tree(20, 15), tree(30, null)])).toMatchObject({ stemsPerHa: 40, meanHeightM: null, loreyHeightM: null });
    expect(measuredFigures(plot, [tree(null, 15)])).toMatchObject({ stemsPerHa: 20, basalAreaM2PerHa: null, meanHeightM: 15 });
  });

  test('stems below the least diameter do not count', () => {
    expect(measuredFigures(plot, [tree(6.9, 5), tree(7, 6), tree(null, 3)], { minDbhCm: 7 })).toMatchObject({ stemsPerHa: 20, meanHeightM: 6 });
  });

  test('the plot\'s own figures go before sums of its trees, and a plot whose trees nobody listed has no zero', () => {
    expect(measuredFigures({ ...plot, stemsPerHa: 900 }, [tree(20, 15)])).toMatchObject({ stemsPerHa: 900, meanHeightM: 15 });
    expect(measuredFigures(plot, null)).toEqual({ stemsPerHa: null, meanHeightM: null, loreyHeightM: null, basalAreaM2PerHa: null, agbTPerHa: null });
  });

  test('a plot in which nothing was found has 0 stems and 0 t, and no height', () => {
    expect(figuresOf([], 0.1)).toEqual({ stemsPerHa: 0, basalAreaM2PerHa: 0, agbTPerHa: 0, meanHeightM: null, loreyHeightM: null });
  });
});

describe('the detection rate', () => {
  test('by hand: 8 of 10, 9 of 10, 7 of 10 trees', () => {
    const { rate, logError, n } = detectionRate([{ found: 8, reference: 10 }, { found: 9, reference: 10 }, { found: 7, reference: 10 }]);
    expect([rate, n]).toEqual([0.8, 3]);
    expect(logError).toBeCloseTo(Math.sqrt(2 / 6) / 10 / 0.8, 12); // deviations 0, 1, -1: sqrt(2 / (3 x 2)) / 10 trees / r
  });

  test('plots that agree with one another have no error, whatever their size', () => {
    expect(detectionRate([{ found: 4, reference: 8 }, { found: 20, reference: 40 }])).toEqual({ rate: 0.5, logError: 0, n: 2 });
  });

  test('one plot has a rate without error; none found has no rate, since 1/0 stems are no estimate', () => {
    expect(detectionRate([{ found: 3, reference: 4 }])).toEqual({ rate: 0.75, logError: null, n: 1 });
    expect(detectionRate([{ found: 0, reference: 4 }, { found: 0, reference: 2 }, { found: 0, reference: 0 }])).toEqual({ rate: null, logError: null, n: 2 });
  });

  test('by height: classes join until 20 trees were found and stand there, and each tree counts by its own height', () => {
    const many = (count: number, heightM: number): number[] => Array.from({ length: count }, () => heightM);
    const plotOf = (found: number[], standing: number[]) => ({ found, standing, standingCount: standing.length });
    // 20-25 m: 18 found of 18, too few alone; with 15-20 m: 28 of 30. Below: 10 of 30 at 10-15 m, with 3-5 m 25 of 60; 20 or more each
    const rows = detectionByHeight([plotOf([...many(18, 22), ...many(10, 17), ...many(10, 12), ...many(15, 3)], [...many(18, 22), ...many(12, 17), ...many(30, 12), ...many(30, 3)])]);
    expect(rows.map(({ layer, fromM, toM }) => [layer, fromM, toM])).toEqual([['all', null, null], ['below 15 m', null, 15], ['15 m and taller', 15, null]]);
    expect(rows.map(({ rate }) => rate)).toEqual([53 / 90, 25 / 60, 28 / 30]);
  });

  test('a plot whose trees have no heights leaves the rate of all trees alone', () => {
    expect(detectionByHeight([{ found: [20, 21], standing: null, standingCount: 4 }]).map(({ layer, rate }) => [layer, rate])).toEqual([['all', 0.5]]);
    expect(detectionByHeight([])).toEqual([]);
  });
});
