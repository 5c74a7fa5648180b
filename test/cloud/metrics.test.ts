// LiDAR metrics of small cells, worked out by hand from lidR's definitions.
import { expect, test } from 'vitest';
import { METRICS, cellMetrics } from '../../src/cloud/metrics.ts';
import { InvalidInput } from '../../src/errors.ts';
import type { Points } from '../../src/types.ts';
import { pointsOf } from './fixtures.ts';

const one = { col: 0, row: -1, width: 1, height: 1 };
const valuesOf = (p: Points, params = {}) => cellMetrics(p, one, { cellSizeM: 20, ...params })[0]!.values;
const heights = (...z: number[]) => pointsOf(z.map((h, k) => ({ x: 1 + k, y: 1, z: h })));
/** Heights 1, 2, 3, 4, 10 with intensities 10 to 50; the last two are the first and last return of one pulse; the lowest is ground. */
const five = pointsOf([
  { x: 1, y: 1, z: 4, i: 30, r: 1, of: 1 }, { x: 2, y: 1, z: 1, i: 10, r: 1, of: 1, c: 2 }, { x: 3, y: 1, z: 2, i: 20, r: 1, of: 1 },
  { x: 4, y: 1, z: 10, i: 50, r: 1, of: 2 }, { x: 5, y: 1, z: 3, i: 40, r: 2, of: 2 },
]);

test('height metrics of five returns', () => {
  const v = valuesOf(five);
  // mean 20 / 5 = 4; squares 9 + 4 + 1 + 0 + 36 = 50; cubes -27 - 8 - 1 + 216 = 180; fourths 81 + 16 + 1 + 1296 = 1394
  expect(v).toMatchObject({ n: 5, zmax: 10, zmean: 4, zsd: 3.535534, zskew: 1.138420, zkurt: 2.788 });
  expect(180 / 5 / 10 ** 1.5).toBeCloseTo(1.13842, 5);
  // above the mean (4) is 10 only; above 2 m are 3, 4, 10
  expect(v).toMatchObject({ pzabovezmean: 20, pzabove2: 60 });
  // type 7: position 4 q; at 5 % 0.2: 1.2; at 50 % 3; at 90 % 3.6: 4 + 0.6 x 6 = 7.6; at 95 % 3.8: 8.8
  expect(v).toMatchObject({ zq5: 1.2, zq25: 2, zq50: 3, zq75: 4, zq90: 7.6, zq95: 8.8 });
  // tenths of 10 m are 1, 2 ...: below 1: none; below 2: one; below 5: four
  expect(v).toMatchObject({ zpcum1: 0, zpcum2: 20, zpcum3: 40, zpcum4: 60, zpcum5: 80, zpcum9: 80 });
});

test('entropy is 1 when all metres hold alike and 0 when one metre holds all', () => {
  expect(valuesOf(heights(0.5, 1.5, 2.5, 3.5)).zentropy).toBe(1);
  expect(valuesOf(heights(3.2, 3.5, 3.7)).zentropy).toBe(0);
  // two of four bins, half each: log 2 / log 4
  expect(valuesOf(heights(0.5, 3.5)).zentropy).toBe(0.5);
  // a return at exactly the top of the last bin is in it; below 2 m there is no entropy
  expect(valuesOf(heights(0.5, 4)).zentropy).toBe(0.5);
  expect(valuesOf(heights(0.5, 1.5)).zentropy).toBeNull();
});

test('vci is the entropy over a fixed range', () => {
  // two bins of eight, half each: log 2 / log 8 = 1 / 3; a return at or above the range is left out
  expect(valuesOf(heights(0.5, 3.5), { vciMaxM: 8 }).vci).toBe(0.333333);
  expect(valuesOf(heights(0.5, 3.5, 8), { vciMaxM: 8 }).vci).toBe(0.333333);
});

test('intensity, return and ground metrics', () => {
  const v = valuesOf(five);
  // 10 + 20 + 30 + 40 + 50 = 150; sd sqrt(1000 / 4); symmetric; 5 x 340000 / 1000000 = 1.7
  expect(v).toMatchObject({ itot: 150, imax: 50, imean: 30, isd: 15.811388, iskew: 0, ikurt: 1.7 });
  expect(v).toMatchObject({ pground: 20, ipground: 6.666667, p1th: 80, p2th: 20, p3th: 0, p5th: 0 });
  // at or below zq10 = 1.4: 10; zq30 = 2.2: 10 + 20; zq50 = 3: + 40; zq70 = 3.8: the same; zq90 = 7.6: + 30
  expect(v).toMatchObject({ ipcumzq10: 6.666667, ipcumzq30: 20, ipcumzq50: 46.666667, ipcumzq70: 46.666667, ipcumzq90: 66.666667 });
  expect(valuesOf(five, { isGround: Uint8Array.of(1, 1, 0, 0, 0) }).pground).toBe(40);
});

test('first and last returns have height metrics of their own', () => {
  const v = valuesOf(five);
  // first: 4, 1, 2, 10; last: 4, 1, 2, 3
  expect(v).toMatchObject({ f_zmax: 10, f_zmean: 4.25, f_pzabove2: 50, l_zmax: 4, l_zmean: 2.5, l_pzabove2: 50, cover_first_returns: 50 });
});

test('every metric of the list is given, and none beside', () => {
  for (const p of [five, pointsOf([])]) expect(Object.keys(valuesOf(p)).sort()).toEqual(METRICS.map((m) => m.name).sort());
  expect(new Set(METRICS.map((m) => m.name)).size).toBe(METRICS.length);
});

test('a cell without returns has n 0 and no other figure; one return has no spread', () => {
  expect(Object.values(valuesOf(pointsOf([]))).every((v) => v === null || v === 0)).toBe(true);
  expect(valuesOf(pointsOf([])).zmax).toBeNull();
  expect(valuesOf(heights(7))).toMatchObject({ n: 1, zmax: 7, zmean: 7, zsd: null, zskew: null, zkurt: null, pzabovezmean: 0 });
});

test('equal heights have no skewness, whatever their mean rounds to', () => {
  expect(valuesOf(heights(3.33333, 3.33333, 3.33333))).toMatchObject({ zsd: 0, zskew: null, zkurt: null, pzabovezmean: 0 });
});

test('a return without ground is in no figure, and one on a border is in the cell east and north of it', () => {
  const p = pointsOf([{ x: 20, y: 20, z: 5 }, { x: 19.99999, y: 19.99999, z: 6 }, { x: 1, y: 1, z: 9 }]);
  p.z[2] = NaN;
  const cells = cellMetrics(p, { col: 0, row: -2, width: 2, height: 2 }, { cellSizeM: 20 });
  expect(cells.map(({ col, row, values }) => [col, row, values.n, values.zmax])).toEqual([[0, -2, 0, null], [1, -2, 1, 5], [0, -1, 1, 6], [1, -1, 0, null]]);
});

test('a cell size of 0 is refused', () => {
  expect(() => cellMetrics(five, one, { cellSizeM: 0 })).toThrow(InvalidInput);
});
