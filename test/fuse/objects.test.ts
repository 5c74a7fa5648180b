import { describe, expect, test } from 'vitest';
import type { ClimbPost, ImageObject } from '../../src/fuse/objects.ts';
import { objectHaloM, objectsOfMap } from '../../src/fuse/objects.ts';
import { boxOfWindow, cropRaster, growWindow, pixelCount } from '../../src/geo/lattice.ts';
import { polygonAreaM2 } from '../../src/geo/polygon.ts';
import type { Raster, Window } from '../../src/types.ts';
import { HARD, coresOf, drawn, hardRaster } from '../raster/rasters.ts';

const post: ClimbPost = { objects: 'climb', threshold: 0.5, window_m: 3, max_radius_m: 4, min_area_m2: 0 };
const everywhere = { x0: -1e6, y0: -1e6, x1: 1e6, y1: 1e6 };
const objectsOf = (map: Raster, change: Partial<ClimbPost> = {}): ImageObject[] => objectsOfMap(map, { ...post, ...change }, everywhere);
const at = (object: ImageObject) => [object.col, object.row];

/** A map of 1 m pixels where `valueAt` gives the probability; null is a void. */
function mapOf(width: number, height: number, valueAt: (col: number, row: number) => number | null): Raster {
  const window = { col: 0, row: 0, width, height }, data = new Float32Array(width * height), mask = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const value = valueAt(i % width, Math.floor(i / width));
    if (value === null) continue;
    data[i] = value;
    mask[i] = 1;
  }
  return { lattice: { resM: 1, x0M: 0, y0M: 0 }, window, data, mask };
}

describe('objects of a map of probability', () => {
  test('two peaks 4 m apart are two objects, parted where the map is lowest; pixels below the threshold are in none', () => {
    const [west, east, ...others] = objectsOf(drawn(`
      0.1 0.1  0.1 0.1  0.1 0.1  0.1
      0.1 0.75 0.5 0.25 0.5 0.75 0.1
      0.5 1    0.5 0.25 0.5 0.875 0.5
      0.1 0.75 0.4 0.1  0.1 0.75 0.1`));
    expect(others).toEqual([]);
    expect(west).toMatchObject({ col: 1, row: 2, xM: 1.5, yM: -2.5, areaM2: 6, maxProbability: 1, meanProbability: (0.75 + 0.5 + 0.5 + 1 + 0.5 + 0.75) / 6 });
    expect([west!.middleXM, west!.middleYM]).toEqual([1.66667, -2.33333]); // means of the columns 1 2 0 1 2 1 (7 / 6) and rows 1 1 2 2 2 3 (11 / 6), and half a pixel
    expect(east).toMatchObject({ col: 5, row: 2, areaM2: 6, maxProbability: 0.875 });
    expect(west!.polygon).toEqual([[[1, -1], [1, -2], [0, -2], [0, -3], [1, -3], [1, -4], [2, -4], [2, -3], [3, -3], [3, -1], [1, -1]]]);
  });

  test('a hole below the threshold, or void, is a hole of the outline', () => {
    for (const hole of ['0.4', '.']) {
      const [ring, ...others] = objectsOf(drawn(`0.9 0.8 0.8\n0.8 ${hole} 0.7\n0.8 0.7 0.6`));
      expect(others).toEqual([]);
      expect(ring!.polygon).toEqual([[[0, 0], [0, -3], [3, -3], [3, 0], [0, 0]], [[1, -1], [2, -1], [2, -2], [1, -2], [1, -1]]]);
      expect(ring!.areaM2).toBe(8);
    }
  });

  test('a peak of the threshold is an object, one below is not; smaller ones than the least area are dropped', () => {
    const map = drawn('0.5 0.1 0.1 0.1 0.49 0.1 0.1 0.1 0.6 0.6');
    expect(objectsOf(map).map(at)).toEqual([[0, 0], [8, 0]]);
    expect(objectsOf(map, { min_area_m2: 2 }).map(at)).toEqual([[8, 0]]);
    expect(objectsOf(map, { min_area_m2: 2.01 })).toEqual([]);
  });

  test('an object ends at the threshold, not at a share of its peak', () => {
    expect(objectsOf(drawn('1 0.6 0.25 0.1'), { threshold: 0.2 }).map(({ areaM2 }) => areaM2)).toEqual([3]);
  });

  test('belongs to the core that holds its peak\'s centre, half-open', () => {
    const map = drawn('0.1 0.6 0.1'); // centre at (1.5, -0.5)
    const owned = (x0: number, x1: number) => objectsOfMap(map, post, { x0, x1, y0: -1, y1: 0 }).length;
    expect([owned(0, 1.5), owned(1.5, 3)]).toEqual([0, 1]);
  });

  test('a void is no object, whatever value stands under it', () => {
    const map = drawn('0.1 . 0.6');
    map.data[1] = 1;
    expect(objectsOf(map).map(at)).toEqual([[2, 0]]);
  });
});

describe('plateaus', () => {
  const disc = (radius: number) => mapOf(21, 21, (col, row) => (Math.hypot(col - 10, row - 10) <= radius ? 1 : 0));

  test('a saturated crown within the window is one object: its peak is where it begins, its middle in the middle', () => {
    const [object, ...others] = objectsOf(disc(3), { max_radius_m: 8, window_m: 12 });
    expect(others).toEqual([]);
    expect(object).toMatchObject({ col: 10, row: 7, areaM2: 29, middleXM: 10.5, middleYM: -10.5 });
  });

  test('one that is wider than the window may have a shoulder as its second peak: two objects share its pixels', () => {
    const found = objectsOf(disc(3), { max_radius_m: 8, window_m: 3 });
    expect(found.map(at)).toEqual([[10, 7], [8, 8]]); // (8, 8) has no equal pixel before it within 1.5 m: (10, 7) is 2.2 m away
    expect(found.map(({ areaM2 }) => areaM2)).toEqual([12, 17]);
  });

  test('a saturated stand of 40 x 40 m is one object that ends at its radius, not hundreds', () => {
    const found = objectsOf(mapOf(44, 44, (col, row) => (col >= 2 && col < 42 && row >= 2 && row < 42 ? 1 : 0)));
    expect(found.map(at)).toEqual([[2, 2]]);
    expect(found[0]!.areaM2).toBe(17); // the pixels of the quarter disc of 4 m: 5 + 4 + 4 + 3 + 1
  });

  test('two arms that begin farther apart than the window are two objects that share no pixel; within the window they are one', () => {
    const arms = (apart: number) => mapOf(16, 12, (col, row) => (row >= 6 && row < 8 && col >= 2 && col <= 2 + apart ? 1 : row >= 2 && row < 6 && (col === 2 || col === 2 + apart) ? 1 : 0));
    const two = objectsOf(arms(5), { max_radius_m: 12 });
    expect(two.map(at)).toEqual([[2, 2], [7, 2]]);
    expect(two.map(({ areaM2 }) => areaM2).reduce((a, b) => a + b)).toBe(8 + 12);
    expect(objectsOf(arms(5), { max_radius_m: 12, window_m: 10 }).map(({ areaM2 }) => areaM2)).toEqual([20]);
  });
});

describe('whatever the tiles', () => {
  const saturated = (kind: (typeof HARD)[number], seed: number): Raster => {
    const map = hardRaster(kind, seed), most = kind === 'integers' ? 8 : 24; // integers: 5 in 6 of 0 to 5 / 8, ties everywhere, and 2 in 100 saturated
    return { ...map, data: map.data.map((value) => Math.min(1, value / most)) };
  };

  test.each(HARD)('%s: with the stated halo the objects of a core are those of the whole map, bit for bit; with less they are not', (kind) => {
    let differ = 0, count = 0;
    for (const seed of [1, 2, 3, 4]) {
      const map = saturated(kind, seed), haloPx = Math.ceil(objectHaloM(post, map.lattice.resM) / map.lattice.resM), whole = objectsOf(map);
      expect(haloPx).toBe(12); // 4 + 1.5 + 0.5 m
      const inCore = (core: Window, px: number) => objectsOfMap(cropRaster(map, growWindow(core, px)), post, boxOfWindow(map.lattice, core));
      for (const core of coresOf(map)) {
        const { x0, y0, x1, y1 } = boxOfWindow(map.lattice, core), wanted = whole.filter(({ xM, yM }) => xM >= x0 && xM < x1 && yM >= y0 && yM < y1);
        count += wanted.length;
        expect(inCore(core, haloPx)).toEqual(wanted);
        if (JSON.stringify(inCore(core, 1)) !== JSON.stringify(wanted)) differ++;
      }
    }
    expect(count).toBeGreaterThan(20);
    expect(differ).toBeGreaterThan(0);
  });

  test('no pixel is in two objects, each holds its peak, and outlines have the area that is said', () => {
    for (const kind of HARD) {
      const map = saturated(kind, 7), found = objectsOf(map);
      for (const { areaM2, polygon, meanProbability, maxProbability } of found) {
        expect(polygonAreaM2([polygon])).toBeCloseTo(areaM2, 9);
        expect(meanProbability).toBeGreaterThanOrEqual(0.5);
        expect(maxProbability).toBeGreaterThanOrEqual(meanProbability - 1e-9);
      }
      const above = map.data.reduce((sum, value, i) => sum + (map.mask[i] && value >= 0.5 ? 1 : 0), 0);
      expect(found.reduce((sum, { areaM2 }) => sum + areaM2 * 4, 0)).toBeLessThanOrEqual(above);
      expect(above).toBeLessThan(pixelCount(map.window));
    }
  });
});
