import { describe, expect, test } from 'vitest';
import { focalHaloPx, smoothGaussian, smoothMean, smoothMedian } from '../../src/raster/focal.ts';
import { fillPits, pitFillHaloPx } from '../../src/raster/pit-fill.ts';
import type { Raster, Window } from '../../src/types.ts';
import { coresThatDiffer, drawn, hardRaster, pixelsIn } from './rasters.ts';

test('a mean counts the valid pixels of its window only, and voids stay voids', () => {
  const mean = smoothMean(drawn(`
    1 2 .
    3 . 5
    6 7 8`), { radiusPx: 1 });
  expect(Array.from(mean.mask)).toEqual([1, 1, 0, 1, 0, 1, 1, 1, 1]);
  expect(mean.data[0]).toBeCloseTo((1 + 2 + 3) / 3, 6);
  expect(mean.data[5]).toBeCloseTo((2 + 5 + 7 + 8) / 4, 6);
  expect(mean.data[7]).toBeCloseTo((3 + 5 + 6 + 7 + 8) / 5, 6);
});

test('a median takes the middle of the valid pixels, and the mean of the two in the middle', () => {
  const median = smoothMedian(drawn(`
    1 9 .
    3 4 5`), { radiusPx: 1 });
  expect(median.data[0]).toBe(3.5); // 1 3 4 9
  expect(median.data[1]).toBe(4); // 1 3 4 5 9
  expect(median.data[5]).toBe(5); // 4 5 9
});

test('a gaussian weighs by distance and by what is valid', () => {
  const w = Math.exp(-0.5), d = Math.exp(-1); // sigma 1 px: beside, diagonal
  const smooth = smoothGaussian(drawn(`
    0 0 0
    0 8 0
    0 . 0`), { sigmaPx: 1, radiusPx: 1 });
  expect(smooth.data[4]).toBeCloseTo(8 / (1 + 3 * w + 4 * d), 6);
  expect(smooth.data[0]).toBeCloseTo((8 * d) / (1 + 2 * w + d), 6);
});

test('smoothing level canopy leaves it as it is, holes and edges included', () => {
  const level = hardRaster('noise', 3);
  level.data.fill(12.5);
  for (const smooth of [smoothMean(level, { radiusPx: 2 }), smoothMedian(level, { radiusPx: 2 }), smoothGaussian(level, { sigmaPx: 0.7, radiusPx: 2 })]) {
    expect(pixelsIn(smooth, level.window)).toBe(pixelsIn(level, level.window));
  }
});

test('a window of one pixel changes nothing', () => {
  const chm = hardRaster('noise', 4);
  expect(pixelsIn(smoothMean(chm, { radiusPx: 0 }), chm.window)).toBe(pixelsIn(chm, chm.window));
});

test('a pit in a crown is filled with the median around it, and a spike comes down to it', () => {
  const pit = fillPits(drawn(`
    10 11 10
    11  2 12
    10 11 10`));
  expect(pit.data[4]).toBe(10); // sorted: 2 10 10 10 10 11 11 11 12
  const spike = fillPits(drawn(`
    3 3 3
    3 40 3
    3 3 3`));
  expect(spike.data[4]).toBe(3);
});

test('an even slope has neither pits nor spikes inside', () => {
  const slope = drawn(`
    1 2 3 4 5
    2 3 4 5 6
    3 4 5 6 7
    4 5 6 7 8`);
  const filled = fillPits(slope);
  for (const i of [6, 7, 8, 11, 12, 13]) expect(filled.data[i]).toBe(slope.data[i]);
});

test('filling takes voids for nothing and fills none', () => {
  const filled = fillPits(drawn(`
    . . .
    . 5 .
    . . 5.05`));
  expect(Array.from(filled.mask)).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 1]);
  expect(filled.data[4]).toBe(5); // 0.05 m below its only neighbour: no pit
});

test('with dilation the low rim of a pit is filled with it', () => {
  const chm = drawn(`
    9 9 9 9 9 9
    9 9 9 9 9 9
    9 9 1 8.9 9 9
    9 9 9 9 9 9
    9 9 9 9 9 9`);
  expect(fillPits(chm).data[15]).toBeCloseTo(8.9, 5); // 8 neighbours, mean 8, above it: a spike, if anything, and the median is higher
  expect(fillPits(chm, { spikeThresholdM: -9, dilationPx: 1 }).data[15]).toBe(9);
});

describe('cut with its halo a raster gives the same bits as whole, and not with less', () => {
  test.each([
    ['mean', (r) => smoothMean(r, { radiusPx: 3 }), focalHaloPx({ radiusPx: 3 })],
    ['median', (r) => smoothMedian(r, { radiusPx: 2 }), focalHaloPx({ radiusPx: 2 })],
    ['gaussian', (r) => smoothGaussian(r, { sigmaPx: 1.3, radiusPx: 3 }), focalHaloPx({ radiusPx: 3 })],
    ['pit fill', (r) => fillPits(r), pitFillHaloPx({})],
    ['pit fill, wide median', (r) => fillPits(r, { medianSizePx: 7 }), pitFillHaloPx({ medianSizePx: 7 })],
    ['pit fill, dilated', (r) => fillPits(r, { dilationPx: 2, laplacianSizePx: 5, pitThresholdM: 9, spikeThresholdM: -99 }), pitFillHaloPx({ dilationPx: 2, laplacianSizePx: 5 })],
  ] as [string, (r: Raster) => Raster, number][])('%s', (_, kernel, haloPx) => {
    const bits = (raster: Raster) => {
      const out = kernel(raster);
      return (core: Window) => pixelsIn(out, core);
    };
    expect(coresThatDiffer(haloPx, bits)).toBe(0);
    expect(coresThatDiffer(haloPx - 1, bits)).toBeGreaterThan(0);
  });
});
