import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignedPlaces, touched, warpedPlaces } from '../../src/raster/resample-places.ts';
import type { SourceLattice } from '../../src/raster/resample-places.ts';
import { resampleAligned, resampleWarped } from '../../src/raster/resample.ts';
import type { ResampleMethod, SourcePixels } from '../../src/raster/resample.ts';
import type { Window } from '../../src/types.ts';

const METHODS: ResampleMethod[] = ['average', 'bilinear', 'cubic'];
const metre: SourceLattice = { resX: 1, resY: 1, phaseX: 0, phaseY: 0 };

/** Source pixels from a rule of column and row; null is a void. */
function draw(window: Window, value: (col: number, row: number) => number | null): SourcePixels {
  const size = window.width * window.height, band = new Float32Array(size), mask = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const drawn = value(window.col + (i % window.width), window.row + Math.floor(i / window.width));
    if (drawn === null) continue;
    band[i] = drawn;
    mask[i] = 1;
  }
  return { window, bands: [band], mask };
}

function resample(source: SourcePixels, window: Window, resM: number, method: ResampleMethod, { on = metre, warp = false } = {}) {
  const target = { rowLength: window.width, at: 0, width: window.width, height: window.height, bands: [new Float32Array(window.width * window.height)], mask: new Uint8Array(window.width * window.height) };
  const lattice = { resM, x0M: 0, y0M: 0 };
  if (warp) {
    const { u, v } = warpedPlaces(lattice, window, on, (x, y) => [x, y]);
    resampleWarped(source, target, u, v, method);
  } else {
    const { columns, rows } = alignedPlaces(lattice, window, on);
    resampleAligned(source, target, columns, rows, method);
  }
  return { band: target.bands[0]!, mask: target.mask };
}

const inner: Window = { col: 10, row: 10, width: 12, height: 9 };
const wide: Window = { col: -20, row: -20, width: 140, height: 140 };

describe.each(METHODS)('%s', (method) => {
  test.each([0.25, 0.7, 1, 1.3, 2, 3.37])('a flat field stays flat, with pixels of %s m from pixels of 1 m', (resM) => {
    const { band, mask } = resample(draw(wide, () => 12.5), inner, resM, method);
    expect(mask.includes(0)).toBe(false);
    expect(new Set(band)).toEqual(new Set([12.5]));
  });

  test.each([0.25, 0.7, 1, 1.3, 2, 3.37])('a slope keeps its heights at the centres of new pixels of %s m', (resM) => {
    const slope = draw(wide, (col, row) => 2 * (col + 0.5) - 3 * (row + 0.5));
    const { band } = resample(slope, inner, resM, method);
    band.forEach((value, i) => {
      const x = (inner.col + (i % inner.width) + 0.5) * resM, down = (inner.row + Math.floor(i / inner.width) + 0.5) * resM;
      // exact where kernels interpolate, and for a mean of whole pixels; else steps of the source show, up to a tenth of a pixel of a slope of 5 a pixel
      expect(Math.abs(value - (2 * x - 3 * down))).toBeLessThan(resM <= 1 || (method !== 'cubic' && resM === 2) ? 2e-5 : 0.5);
    });
  });

  test('pixels of the same size on the same lattice are copied to the last bit', () => {
    const noise = draw(wide, (col, row) => Math.fround(Math.sin(col * 12.9898 + row * 78.233) * 43758.5453));
    const { band } = resample(noise, inner, 1, method);
    band.forEach((value, i) => expect(value).toBe(noise.bands[0]![(inner.row + Math.floor(i / inner.width) - wide.row) * wide.width + inner.col + (i % inner.width) - wide.col]));
  });

  test('an output pixel is valid if at least half of its weight is', () => {
    const half = draw(wide, (col) => (col < 20 ? null : 7));
    const pair = { col: 9, row: 10, width: 2, height: 1 }; // pixels of 2 m: x from 18 to 20, and from 20 to 22
    const { mask, band } = resample(half, pair, 2, method);
    expect([[...mask], [...band]]).toEqual([[0, 1], [0, 7]]);
    // the source begins 1 m farther east: valid from 21 m on, which is half of the second pixel; 1 cm more is less than half
    expect([...resample(half, pair, 2, method, { on: { ...metre, phaseX: 1 } }).mask]).toEqual([0, 1]);
    expect([...resample(half, pair, 2, method, { on: { ...metre, phaseX: 1.01 } }).mask]).toEqual([0, 0]);
  });

  test('any cut of a window, and any shift of the whole scene by whole pixels of both lattices, gives the same bits', () => {
    const noise = (dc: number, dr: number) => draw({ ...wide, col: wide.col + dc, row: wide.row + dr }, (col, row) => ((col - dc) * 7 + (row - dr) * 13) % 11 === 0 ? null : Math.fround(Math.sin((col - dc) * 12.9 + (row - dr) * 78.2) * 437));
    const source = noise(0, 0), whole: Window = { col: 3, row: 4, width: 30, height: 22 };
    const cuts = fc.record({ resM: fc.constantFrom(0.25, 0.7, 1.3, 2.5), col: fc.integer({ min: 0, max: 20 }), row: fc.integer({ min: 0, max: 15 }), width: fc.integer({ min: 1, max: 10 }), height: fc.integer({ min: 1, max: 7 }), warp: fc.boolean() });
    fc.assert(fc.property(cuts, ({ resM, col, row, width, height, warp }) => {
      const full = resample(source, whole, resM, method, { warp }), part = resample(source, { col: whole.col + col, row: whole.row + row, width, height }, resM, method, { warp });
      part.band.forEach((value, i) => {
        const at = (row + Math.floor(i / width)) * whole.width + col + (i % width);
        expect(Object.is(value, full.band[at]) && part.mask[i] === full.mask[at]).toBe(true);
      });
    }), { seed: 5, numRuns: 60 });
    const shifted = resample(noise(50, -25), { ...whole, col: whole.col + 20, row: whole.row - 10 }, 2.5, method);
    expect(shifted).toEqual(resample(source, whole, 2.5, method));
  });

  test('through a transformation that changes nothing the pixels are those of one CRS', () => {
    const noise = draw(wide, (col, row) => Math.fround(Math.sin(col * 12.9 + row * 78.2) * 437));
    for (const resM of [0.25, 1.5, 2]) expect(resample(noise, inner, resM, method, { warp: true })).toEqual(resample(noise, inner, resM, method));
  });
});

test('the mean is conserved by the average: every source pixel counts once, with its area', () => {
  const source = draw({ col: 0, row: 0, width: 63, height: 63 }, (col, row) => (col * 31 + row * 17) % 256);
  const sum = source.bands[0]!.reduce((a, b) => a + b, 0);
  for (const resM of [1.75, 2.25, 3, 7]) { // whole multiples of 1/4 that divide 63: no pixel is cut at the border
    const size = 63 / resM, { band } = resample(source, { col: 0, row: 0, width: size, height: size }, resM, 'average');
    expect(Math.abs((band.reduce((a, b) => a + b, 0) * resM * resM) / sum - 1)).toBeLessThan(1e-6); // what float32 rounds
  }
});

test('an average by hand: a pixel of 1.5 m over pixels of 1 m is 4/9, 2/9, 2/9 and 1/9 of them', () => {
  const source = draw({ col: 0, row: 0, width: 2, height: 2 }, (col, row) => [[9, 18], [27, 90]][row]![col]!);
  expect(resample(source, { col: 0, row: 0, width: 1, height: 1 }, 1.5, 'average').band[0]).toBe(4 + 4 + 6 + 10);
});

test('half-way points by hand: the cubic of a step overshoots, the linear one does not', () => {
  const step = draw(wide, (col) => (col < 20 ? 0 : 16));
  // pixels of 0.5 m have their centres a quarter of a pixel off those of 1 m: x = 20.25, between the centres 19.5 (0) and 20.5 (16)
  const at = { col: 40, row: 40, width: 2, height: 1 };
  expect([...resample(step, at, 0.5, 'bilinear').band]).toEqual([12, 16]);
  // Catmull-Rom weighs 0.8671875 at a distance of 1/4, 0.2265625 at 3/4, -0.0703125 at 5/4, -0.0234375 at 7/4
  expect([...resample(step, at, 0.5, 'cubic').band]).toEqual([16 * (0.8671875 - 0.0703125), 16 * (1 + 0.0703125)]);
});

test('a void pixel never enters: next to one the cubic becomes linear, and values stay between those of the valid pixels', () => {
  const hole = draw(wide, (col, row) => (col === 15 && row === 15 ? null : col < 15 ? 10 : 20));
  hole.bands[0]!.forEach((_, i) => { if (!hole.mask[i]) hole.bands[0]![i] = 1e9; }); // what stands under a void
  for (const method of METHODS) {
    const { band, mask } = resample(hole, { col: 26, row: 26, width: 10, height: 10 }, 0.5, method);
    expect(Math.max(...band)).toBeLessThan(25);
    expect(mask.filter((valid) => !valid).length).toBe(4); // the four quarters of the hole
  }
});

test('oblong pixels: twice as high as wide, 1 m made from 0.5 x 1 m is the mean of two', () => {
  const on = { resX: 0.5, resY: 1, phaseX: 0, phaseY: 0 };
  const { band } = resample(draw(wide, (col) => col), { col: 5, row: 5, width: 3, height: 1 }, 1, 'average', { on });
  expect([...band]).toEqual([10.5, 12.5, 14.5]);
});

test('a phase moves the source: pixel 0 that begins at 0.25 m', () => {
  const on = { resX: 1, resY: 1, phaseX: 0.25, phaseY: 0 };
  const { band } = resample(draw(wide, (col) => col * 4), { col: 5, row: 5, width: 1, height: 1 }, 1, 'average', { on });
  expect(band[0]).toBe(4 * 4 * 0.25 + 5 * 4 * 0.75); // 5 to 6 m: a quarter of pixel 4, three of pixel 5
});

test('the source pixels that are read are those under the kernels', () => {
  const { columns } = alignedPlaces({ resM: 2, x0M: 0, y0M: 0 }, { col: 5, row: 0, width: 3, height: 1 }, metre);
  expect(touched(columns, 'average')).toEqual([10, 16]);
  expect(touched(columns, 'cubic')[0]).toBeLessThanOrEqual(7);
});

test('a pixel whose centre has no place on the source is a void', () => {
  const source = draw(wide, () => 1), target = { rowLength: 4, at: 0, width: 4, height: 1, bands: [new Float32Array(4)], mask: new Uint8Array(4) };
  const { u, v } = warpedPlaces({ resM: 1, x0M: 0, y0M: 0 }, { col: 14, row: 0, width: 4, height: 1 }, metre, (x, y) => (x > 20 ? [NaN, NaN] : [x, y]));
  resampleWarped(source, target, u, v, 'average');
  expect([...target.mask]).toEqual([1, 1, 0, 0]); // nodes stand every 16 pixels: the cell from 16 on has one without image
});
