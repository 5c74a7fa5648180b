import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Z_95, student95 } from '../../src/geo/quantiles.ts';
import { groupedErrors } from '../../src/measure/fits/grouped-errors.ts';
import { curveAt, fitHeightDiameter, type MeasuredStem } from '../../src/measure/fits/height-diameter.ts';

/** A seeded stream of standard normal numbers: mulberry32 and Box-Muller. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

const TRUE = { asym: 70, k: 0.04, p: 1.4 };

/** Trees on plots along a known curve; errors of trees and plots on the log scale. */
function stemsOf({ seed, plots, each, sigma, tau }: { seed: number; plots: number; each: number; sigma: number; tau: number }): MeasuredStem[] {
  const normal = normals(seed);
  return Array.from({ length: plots }, (_, plot) => {
    const shared = tau * normal();
    return Array.from({ length: each }, (_, i) => {
      const heightM = 4 + (36 * (i + plot / plots)) / each;
      return { plotId: `p${plot}`, heightM, dbhCm: curveAt(TRUE, heightM) * Math.exp(shared + sigma * normal()) };
    });
  }).flat();
}

test('trees that lie on a curve give that curve back, whatever their order', () => {
  const stems = stemsOf({ seed: 1, plots: 6, each: 20, sigma: 0, tau: 0 }), fit = fitHeightDiameter(stems);
  expect(fit.k).toBeCloseTo(0.04, 6);
  expect(fit.asym).toBeCloseTo(70, 3);
  expect(fit.p).toBeCloseTo(1.4, 5);
  expect([fit.correction, fit.squareFactor]).toEqual([expect.closeTo(1, 9), expect.closeTo(1, 9)]);
  expect(fit.sigma).toBeLessThan(1e-6);
  fc.assert(fc.property(fc.shuffledSubarray(stems, { minLength: stems.length }), (shuffled) => { expect(fitHeightDiameter(shuffled)).toEqual(fit); }), { seed: 3, numRuns: 10 });
});

test('sigma and tau of noisy plots are found, and the mean and the mean square are right', () => {
  const stems = stemsOf({ seed: 5, plots: 60, each: 30, sigma: 0.25, tau: 0.15 }), fit = fitHeightDiameter(stems);
  expect(fit.sigma).toBeGreaterThan(0.24);
  expect(fit.sigma).toBeLessThan(0.26);
  expect(fit.tau).toBeGreaterThan(0.11); // 60 plots: 0.15 +- 0.014, widened by 2 %
  expect(fit.tau).toBeLessThan(0.2);
  const d = (stem: MeasuredStem): number => fit.correction * curveAt(fit, stem.heightM), sum = (of: (stem: MeasuredStem) => number): number => stems.reduce((total, stem) => total + of(stem), 0);
  expect(sum(({ dbhCm }) => dbhCm)).toBeCloseTo(sum(d), 6);
  expect(sum(({ dbhCm }) => dbhCm ** 2)).toBeCloseTo(fit.squareFactor * sum((stem) => d(stem) ** 2), 4);
});

test('diameters that are a power of height have no bend: said, and still right', () => {
  const fit = fitHeightDiameter(Array.from({ length: 40 }, (_, i) => ({ plotId: `p${i % 8}`, heightM: 5 + i, dbhCm: 0.4 * (5 + i) ** 1.3 })));
  expect(fit.isPower).toBe(true);
  expect(curveAt(fit, 20) / (0.4 * 20 ** 1.3)).toBeCloseTo(1, 2);
});

test('what no curve can be fitted to is refused with the reason', () => {
  const some = stemsOf({ seed: 2, plots: 3, each: 3, sigma: 0.1, tau: 0 });
  expect(() => fitHeightDiameter(some)).toThrow(/9 trees with a height and a diameter; a curve needs at least 10/);
  expect(() => fitHeightDiameter(some.concat(some).map((stem) => ({ ...stem, heightM: 20 })))).toThrow(/all heights lie between 20 and 20 m/);
  expect(() => fitHeightDiameter(some.concat(some).map((stem) => ({ ...stem, dbhCm: 100 - stem.heightM })))).toThrow(/do not grow with height/);
});

test('four plots do not tell how much plots differ, nor do trees outside plots', () => {
  expect(fitHeightDiameter(stemsOf({ seed: 4, plots: 4, each: 20, sigma: 0.2, tau: 0.3 })).tau).toBeNull();
  const stems = stemsOf({ seed: 4, plots: 9, each: 20, sigma: 0.2, tau: 0.3 });
  expect(fitHeightDiameter(stems).tau).not.toBeNull();
  expect(fitHeightDiameter([...stems, { ...stems[0]!, plotId: null }]).tau).toBeNull();
});

test('errors by hand: five groups of two trees', () => {
  // means 1, 2, 3, 4, 5; within each +-0.1: mean square within = 10 x 0.01 / 5 = 0.02, between = 2.5, sampling part 0.02 / 2 = 0.01
  const errors = [1, 2, 3, 4, 5].flatMap((mean) => [-0.1, 0.1].map((e) => ({ value: mean + e, group: String(mean) }))), widen = student95(4) / Z_95;
  const fitted = groupedErrors(errors, { about: 'mean' });
  expect(fitted).toMatchObject({ n: 10, groups: 5, bias: expect.closeTo(3, 12), sigma: expect.closeTo(Math.sqrt(0.02), 12) });
  expect(fitted.tau).toBeCloseTo(Math.sqrt(2.49 * 1.2 + 0.01 / 5) * widen, 12);
  expect(groupedErrors(errors, { about: 'zero' }).tau).toBeCloseTo(Math.sqrt(11 - 0.01) * widen, 12); // mean of the squares 1, 4, 9, 16, 25
});

test('a new plot lies within +-1.96 tau of a fit on six plots in 93 to 97 of 100 surveys', () => {
  const normal = normals(11), surveys = 4000;
  let held = 0;
  for (let i = 0; i < surveys; i++) {
    const means = Array.from({ length: 6 }, () => 0.3 * normal());
    const errors = means.flatMap((mean, j) => Array.from({ length: 8 }, () => ({ value: mean + 0.2 * normal(), group: String(j) }))), { bias, tau } = groupedErrors(errors, { about: 'mean' });
    if (Math.abs(0.3 * normal() - bias) <= 1.96 * tau!) held++;
  }
  expect(held / surveys).toBeGreaterThan(0.93);
  expect(held / surveys).toBeLessThan(0.97);
});
