import { describe, expect, test } from 'vitest';
import { RadiometricMatch, fitHistogram, fitMeanSd, matched, momentsOf } from '../../src/infer/radiometry.ts';
import type { BandMatch } from '../../src/infer/radiometry.ts';

const red = { band: 'red', scale: 1 }, image = Float32Array.from([10, 20, 30, 40]); // mean 25, sd sqrt(125) = 11.18
const apply = (match: BandMatch, ...values: number[]): number[] => [...matched(Float32Array.from(values), match)];

describe('by mean and standard deviation', () => {
  test('an image of half the brightness and contrast is doubled', () => {
    const match = fitMeanSd(image, { mean: 50, sd: 2 * Math.sqrt(125) }, red);
    expect(match).toMatchObject({ method: 'mean-sd', gain: 2, offset: 0 });
    expect(apply(match, 10, 25, 300)).toEqual([20, 50, 600]);
  });

  test('the gain is to values before the card\'s scale: with scale 1/100 a mean of 0.75 is 75', () => {
    // sd 5 wanted of 11.18: gain 0.4472; offset 75 - 0.4472 x 25 = 63.82
    const match = fitMeanSd(image, { mean: 0.75, sd: 0.05 }, { band: 'red', scale: 0.01 }), after = momentsOf(Float32Array.from(apply(match, ...image)));
    expect(match).toMatchObject({ gain: expect.closeTo(0.447214, 6), offset: expect.closeTo(63.8197, 4) });
    expect([after.mean, after.sd]).toEqual([expect.closeTo(75, 4), expect.closeTo(5, 4)]);
  });

  test('an image without contrast, or a card without, is refused with the band', () => {
    expect(() => fitMeanSd(Float32Array.from([7, 7, 7]), { mean: 1, sd: 1 }, red)).toThrow(/red has the same value in all pixels/);
    expect(() => fitMeanSd(image, { mean: 1, sd: 0 }, red)).toThrow(/statistics\.red\.sd is 0/);
  });
});

describe('by the histogram', () => {
  test('each quantile of the image becomes that of the card, linear between, and ends are kept', () => {
    // card: least 0, median 10, most 40. Image 0 to 4: its median 2 is 10, its quarters 1 and 3 are 5 and 25
    const match = fitHistogram(Float32Array.from([0, 1, 2, 3, 4]), { mean: 15, sd: 1, quantiles: [0, 10, 40] }, red);
    expect(apply(match, 0, 1, 2, 3, 4, 0.5, 3.5)).toEqual([0, 5, 10, 25, 40, 2.5, 32.5]);
    expect(apply(match, -5, 9)).toEqual([0, 40]);
    expect(apply({ ...match, beyond: 'linear' } as BandMatch, 5)[0]).toBeCloseTo(55, 4); // 15 more for each step, as from 3 to 4
  });

  test('a grey value that many pixels share becomes the mean of their quantiles', () => {
    // half of the pixels are 0, half are 1: 0 becomes the mean of the card's lower half (of 0 to 100: 25), 1 that of its upper half
    const match = fitHistogram(Float32Array.from([...new Array<number>(500).fill(0), ...new Array<number>(500).fill(1)]), { mean: 50, sd: 29, quantiles: [0, 100] }, red), [dark, bright] = apply(match, 0, 1);
    expect(Math.abs(dark! - 25)).toBeLessThan(0.2);
    expect(Math.abs(bright! - 75)).toBeLessThan(0.2);
  });

  test('a card without quantiles is refused with what to do', () => {
    expect(() => fitHistogram(image, { mean: 1, sd: 1 }, red)).toThrow(/no input\.statistics\.red\.quantiles; use --method mean-sd/);
  });

  test('a pixel that is no number stays none, whatever lies beyond the table', () => {
    const match = fitHistogram(image, { mean: 1, sd: 1, quantiles: [0, 1] }, red);
    expect(apply(match, NaN, Infinity, -Infinity).every(Number.isFinite)).toBe(false);
    expect(apply(match, NaN, Infinity, -Infinity)).toEqual([NaN, NaN, NaN]);
  });
});

test('a match whose table does not ascend, or that has an unknown key, is refused', () => {
  const match = { fit: 'radiometry', method: 'histogram', card: { name: 'n', version: '1', sha256: 'a'.repeat(64) }, images: [], made_from: 'x' };
  const band = { method: 'histogram', from: [0, 1], to: [0, 1] };
  expect(RadiometricMatch.safeParse({ ...match, bands: { red: band } }).success).toBe(true);
  for (const wrong of [{ ...band, from: [1, 1] }, { ...band, to: [1, 0] }, { ...band, to: [1, 2, 3] }, { ...band, gian: 1 }, { method: 'mean-sd', gain: 0, offset: 0 }]) {
    expect(RadiometricMatch.safeParse({ ...match, bands: { red: wrong } }).success, JSON.stringify(wrong)).toBe(false);
  }
});
