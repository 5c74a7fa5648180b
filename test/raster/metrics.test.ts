import { expect, test } from 'vitest';
import { canopyCover, countCover, rumpleIndex } from '../../src/raster/metrics.ts';
import { drawn, hardRaster, readWithHalo } from './rasters.ts';

test('cover is the share of valid pixels of at least 2 m; voids count in neither', () => {
  const chm = drawn(`
    2 1.9 .
    5 0 9`);
  expect(countCover(chm)).toEqual({ valid: 5, canopy: 3 });
  expect(canopyCover(chm)).toBe(0.6);
  expect(canopyCover(chm, { minHeightM: 6 })).toBe(0.2);
  expect(canopyCover(drawn('. .'))).toBeNaN();
});

test('counts of two halves add up to the whole, and what lies outside the raster is not valid', () => {
  const chm = hardRaster('noise', 8), { col, row, width, height } = chm.window;
  const west = countCover(chm, { area: { col: col - 9, row, width: 9 + 40, height } }), east = countCover(chm, { area: { col: col + 40, row, width, height } });
  expect({ valid: west.valid + east.valid, canopy: west.canopy + east.canopy }).toEqual(countCover(chm));
  expect(countCover(chm).valid).toBeLessThan(width * height);
});

test('level canopy has rumple 1; a slope of 1 m per metre along one axis has the square root of 2', () => {
  expect(rumpleIndex(drawn('7 7 7\n7 7 7'))).toBe(1);
  expect(rumpleIndex(drawn('1 2 3\n1 2 3'))).toBeCloseTo(Math.SQRT2, 12);
  expect(rumpleIndex(drawn('1 1.5\n1 1.5', { resM: 0.5 }))).toBeCloseTo(Math.SQRT2, 12);
});

test('a post of 1 m beside level ground: two triangles, worked out by hand', () => {
  // north-west post: (0,1),(1,0),(0,0),(0,0): the northern triangle climbs by 1 along x, the southern by 1 along y: both sqrt(2) / 2
  expect(rumpleIndex(drawn('1 0\n0 0'))).toBeCloseTo(Math.SQRT2, 12);
  // north-eastern post: the northern triangle has 1 along x and 1 along y, sqrt(3) / 2; the southern one is level, 1 / 2
  expect(rumpleIndex(drawn('0 1\n0 0'))).toBeCloseTo((Math.sqrt(3) + 1) / 2, 12);
});

test('a square with a void in a corner is not measured', () => {
  expect(rumpleIndex(drawn('0 5 .\n0 5 5'))).toBeCloseTo(Math.sqrt(26), 12);
  expect(rumpleIndex(drawn('0 .\n0 5'))).toBeNaN();
});

test('the rumple of an area is the same from a window that holds it and one pixel more', () => {
  const chm = hardRaster('cones', 3), area = { col: chm.window.col + 30, row: chm.window.row + 30, width: 20, height: 20 };
  expect(rumpleIndex(readWithHalo(chm, area, 1), { area })).toBe(rumpleIndex(chm, { area }));
  expect(rumpleIndex(readWithHalo(chm, area, 0), { area })).not.toBe(rumpleIndex(chm, { area }));
});
