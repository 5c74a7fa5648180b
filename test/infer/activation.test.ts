import { expect, test } from 'vitest';
import { activated } from '../../src/infer/activation.ts';

const two = Float32Array.from([0, 1, 2, 3, /* second channel */ 0, 3, 2, -1]);
const of = (activation: 'none' | 'sigmoid' | 'softmax' | 'softplus' | 'exp', channel: number, values = two, channels = 2, factor = 1) => [...activated(values, { activation, factor, channels, channel })];

test('the channel that the card names is taken', () => {
  expect(of('none', 0)).toEqual([0, 1, 2, 3]);
  expect(of('none', 1)).toEqual([0, 3, 2, -1]);
});

test('a factor comes after the activation', () => {
  expect(of('none', 0, two, 2, 10)).toEqual([0, 10, 20, 30]);
  expect(of('softmax', 0, Float32Array.from([5, 5]), 2, 100)).toEqual([50]);
  expect(of('exp', 0, Float32Array.from([0]), 1, 3)).toEqual([3]);
});

test('a sigmoid of log 3 is three quarters, a softplus of 0 is log 2, and neither overflows', () => {
  expect(of('sigmoid', 0, Float32Array.from([Math.log(3), -1000, 1000]), 1).map((x) => Math.round(x * 1e6) / 1e6)).toEqual([0.75, 0, 1]);
  const [zero, low, high] = of('softplus', 0, Float32Array.from([0, -1000, 1000]), 1);
  expect(zero).toBeCloseTo(Math.LN2, 6);
  expect([low, high]).toEqual([0, 1000]);
  expect(of('exp', 0, Float32Array.from([0, 1]), 1)[1]).toBeCloseTo(Math.E, 6);
});

test('a softmax is each channel\'s share at each position, and the shares add up to 1', () => {
  // exp(1) / (exp(1) + exp(3)) = 1 / (1 + e^2) = 0.1192
  expect(of('softmax', 0).map((x) => Math.round(x * 1e4) / 1e4)).toEqual([0.5, 0.1192, 0.5, 0.982]);
  of('softmax', 1).forEach((share, i) => expect(share + of('softmax', 0)[i]!).toBeCloseTo(1, 6));
  expect(of('softmax', 0, Float32Array.from([1000, -1000]), 2)).toEqual([1]);
});

test('NaN stays NaN, so that the check of the range sees it', () => {
  for (const activation of ['none', 'sigmoid', 'softmax', 'softplus', 'exp'] as const) expect(of(activation, 0, Float32Array.from([NaN, 1]), 2)[0]).toBeNaN();
});
