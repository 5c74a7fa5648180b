import { expect, test } from 'vitest';
import { normalShare, quantileOf, student95, wilson95 } from '../../src/geo/quantiles.ts';

test('quantiles of a sample are those of R and numpy: type 7, linear between values', () => {
  expect(quantileOf(Float64Array.of(1, 2, 3, 4), 0.25)).toBeCloseTo(1.75, 12); // R: quantile(1:4, 0.25)
  expect([0, 0.1, 0.5, 0.9, 1].map((p) => quantileOf([1, 2, 4, 8], p))).toEqual([1, expect.closeTo(1.3), 3, expect.closeTo(6.8), 8]); // numpy.quantile([1, 2, 4, 8], ...)
});

test('shares of the normal distribution are those of R: pnorm', () => {
  for (const [z, p] of [[0, 0.5], [-1.959964, 0.025], [1, 0.8413447], [-3, 0.0013499]] as const) expect(normalShare(z)).toBeCloseTo(p, 6);
});

test('points of Student\'s t are those of R, qt(0.975, df), within 0.04 %', () => {
  for (const [df, t] of [[4, 2.776445], [5, 2.570582], [9, 2.262157], [29, 2.04523], [1e9, 1.959964]] as const) expect(Math.abs(student95(df) / t - 1), `${df}`).toBeLessThan(0.0004);
});

test('48 of 48 trees found say at least 0.926 of all; 0 of 48 at most the rest', () => {
  expect(wilson95(1, 48)).toEqual({ lo: expect.closeTo(0.92590, 4), hi: 1 }); // 48 / (48 + 1.96^2)
  expect(wilson95(0, 48)).toEqual({ lo: 0, hi: expect.closeTo(0.07410, 4) });
});
