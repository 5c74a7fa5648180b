import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contains } from '../../src/geo/lattice.ts';
import { findTreetops, treetopHaloM } from '../../src/raster/treetops.ts';
import type { TreetopWindow } from '../../src/raster/treetops.ts';
import type { Raster, Treetop, Window } from '../../src/types.ts';
import { coresThatDiffer, drawn, hardRaster } from './rasters.ts';

const fixed = (diameterM: number): TreetopWindow => ({ baseM: diameterM, perHeight: 0, maxM: diameterM });
const places = (tops: readonly Treetop[]) => tops.map(({ col, row }) => [col, row]);

test('the highest pixel of each crown is its top, and tops come from north to south, then west to east', () => {
  const chm = drawn(`
    1 1 1 1 1 9 1
    1 7 1 1 1 1 1
    1 1 1 1 1 1 1
    1 1 1 6 1 1 1`, { col: 100, row: -50 });
  expect(findTreetops(chm, { minHeightM: 2, window: fixed(3) })).toEqual([
    { col: 105, row: -50, heightM: 9 }, { col: 101, row: -49, heightM: 7 }, { col: 103, row: -47, heightM: 6 }]);
});

test('a window is a circle: a higher pixel at its corner leaves a top alone', () => {
  const chm = drawn(`
    9 1 1
    1 1 1
    1 1 8`); // 2 px apart on both axes: 2.83 m
  expect(places(findTreetops(chm, { minHeightM: 2, window: fixed(4) }))).toEqual([[0, 0], [2, 2]]); // radius 2 m
  expect(places(findTreetops(chm, { minHeightM: 2, window: fixed(6) }))).toEqual([[0, 0]]); // radius 3 m
});

test('of equally high pixels in a window the northernmost, then westernmost is the top', () => {
  const chm = drawn(`
    1 5 5 1
    5 5 5 5
    1 1 1 1
    1 1 1 5`);
  expect(places(findTreetops(chm, { minHeightM: 2, window: fixed(3) }))).toEqual([[1, 0], [3, 3]]); // radius 1.5: diagonals too
  expect(places(findTreetops(chm, { minHeightM: 2, window: fixed(2) }))).toEqual([[1, 0], [0, 1], [3, 3]]); // edges only
});

test('a plateau as wide as its window has as many tops as earlier equals allow', () => {
  // Radius 1: in a row of equal pixels each but the first has an earlier equal beside it.
  expect(places(findTreetops(drawn('4 4 4 4 4'), { minHeightM: 2, window: fixed(2) }))).toEqual([[0, 0]]);
});

test('the window widens with height and stops at its cap', () => {
  const chm = drawn('30 1 1 1 29 1 1 1 1 1 1 1 30');
  const window = { baseM: 2, perHeight: 0.2, maxM: 100 }; // 29 m: 7.8 m wide, radius 3.9: the 30 at 4 m is outside
  expect(places(findTreetops(chm, { minHeightM: 2, window }))).toEqual([[0, 0], [4, 0], [12, 0]]);
  expect(places(findTreetops(chm, { minHeightM: 2, window: { ...window, perHeight: 0.21 } }))).toEqual([[0, 0], [12, 0]]); // radius 4.045
  expect(places(findTreetops(chm, { minHeightM: 2, window: { ...window, perHeight: 0.21, maxM: 7.9 } }))).toHaveLength(3);
});

test('a window narrower than a pixel makes every high pixel a top, one of a pixel sees four neighbours', () => {
  const chm = drawn(`
    3 4
    1 3`);
  expect(places(findTreetops(chm, { minHeightM: 2, window: fixed(1.9) }))).toEqual([[0, 0], [1, 0], [1, 1]]);
  expect(places(findTreetops(chm, { minHeightM: 2, window: fixed(2) }))).toEqual([[1, 0]]);
  expect(places(findTreetops(drawn('4 1\n1 5'), { minHeightM: 2, window: fixed(2) }))).toEqual([[0, 0], [1, 1]]); // diagonal: 1.41 px
});

test('voids never win: a masked 99 m and a NaN leave their neighbour a top', () => {
  const chm = drawn('5 7 6');
  chm.data[1] = 99;
  chm.mask[1] = 0;
  expect(places(findTreetops(chm, { minHeightM: 2, window: fixed(2) }))).toEqual([[0, 0], [2, 0]]);
  chm.mask[1] = 1;
  chm.data[1] = NaN;
  expect(places(findTreetops(chm, { minHeightM: 2, window: fixed(2) }))).toEqual([[0, 0], [2, 0]]);
});

test('a pixel of just the least height is a top, one below is not', () => {
  expect(places(findTreetops(drawn('2 0 1.99'), { minHeightM: 2, window: fixed(2) }))).toEqual([[0, 0]]);
});

test('0.6 m on pixels of 0.1 m is three pixels, although 0.3 / 0.1 is less than 3 in floats', () => {
  expect(findTreetops(drawn('5 0 0 6', { resM: 0.1 }), { minHeightM: 2, window: fixed(0.6) })).toHaveLength(1);
});

test('a window without a bound is refused by name', () => {
  expect(() => findTreetops(drawn('5'), { minHeightM: 2, window: { baseM: 1, perHeight: 0.1, maxM: Infinity } })).toThrow(/max_m/);
});

/** The definition, word by word, pixel against pixel. */
function byDefinition(chm: Raster, minHeightM: number, window: TreetopWindow): Treetop[] {
  const tops: Treetop[] = [], { width, height, col, row } = chm.window;
  for (let i = 0; i < width * height; i++) {
    const own = chm.data[i]!, radiusM = Math.min(window.maxM, window.baseM + window.perHeight * own) / 2;
    if (chm.mask[i] === 0 || own < minHeightM) continue;
    let top = true;
    for (let j = 0; j < width * height; j++) {
      if (chm.mask[j] === 0 || j === i) continue;
      const d = Math.hypot((i % width) - (j % width), Math.floor(i / width) - Math.floor(j / width)) * chm.lattice.resM;
      if (d <= radiusM + 1e-9 && (chm.data[j]! > own || (chm.data[j] === own && j < i))) top = false;
    }
    if (top) tops.push({ col: col + (i % width), row: row + Math.floor(i / width), heightM: own });
  }
  return tops;
}

test('on any raster the tops are those of the definition', () => {
  const raster = fc.record({ width: fc.integer({ min: 1, max: 14 }), values: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 14, maxLength: 120 }) });
  fc.assert(fc.property(raster, fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 6 }), ({ width, values }, base, per) => {
    const height = Math.floor(values.length / width), cells = values.slice(0, width * height);
    const chm = { lattice: { resM: 0.5, x0M: 0, y0M: 0 }, window: { col: 0, row: 0, width, height }, data: Float32Array.from(cells), mask: Uint8Array.from(cells, (v) => (v === 9 ? 0 : 1)) };
    const window = { baseM: base / 2, perHeight: per / 10, maxM: 6 };
    expect(findTreetops(chm, { minHeightM: 2, window })).toEqual(byDefinition(chm, 2, window));
  }), { seed: 5, numRuns: 300 });
});

test('tops in a core are the same from the whole survey and from the core with its halo, and not with less', () => {
  const window = { baseM: 1, perHeight: 0.3, maxM: 6 }, haloPx = treetopHaloM({ window }) / 0.5;
  const topsIn = (raster: Raster) => {
    const tops = findTreetops(raster, { minHeightM: 2, window });
    return (core: Window) => JSON.stringify(tops.filter(({ col, row }) => contains(core, col, row)));
  };
  expect(haloPx).toBe(6);
  expect(coresThatDiffer(haloPx, topsIn)).toBe(0);
  expect(coresThatDiffer(haloPx - 2, topsIn, [1, 2, 3, 4])).toBeGreaterThan(0);
  expect(findTreetops(hardRaster('integers', 1), { minHeightM: 2, window }).length).toBeGreaterThan(20);
});
