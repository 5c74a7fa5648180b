import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addDecimal, toDecimalText } from '../../src/geo/decimal.ts';
import { xOfCol, yOfRow } from '../../src/geo/lattice.ts';
import { standShares, type ShareInputs } from '../../src/measure/stands.ts';
import type { Box, Lattice, Raster, Ring, Stand, Tile, Window } from '../../src/types.ts';

const rectangle = (x0: number, y0: number, x1: number, y1: number): Ring => [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]];
const stand = (standId: string, ...rings: Ring[]): Stand => ({ standId, attributes: {}, polygons: [rings] });
const tileOf = (x0: number, y0: number, x1: number, y1: number): Tile => ({ id: `${x0}_${y0}`, core: { x0, y0, x1, y1 } });

/** A raster over a box from a function of the pixel's centre; null is a void. */
function rasterOf(lattice: Lattice, window: Window, at: (x: number, y: number) => number | null): Raster {
  const data = new Float32Array(window.width * window.height), mask = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = at(xOfCol(lattice, window.col + (i % window.width)), yOfRow(lattice, window.row + Math.floor(i / window.width)));
    mask[i] = value === null ? 0 : 1;
    data[i] = value ?? 99; // what a void holds must not matter
  }
  return { lattice, window, data, mask };
}

const metre: Lattice = { resM: 1, x0M: 0, y0M: 0 };
const all: Window = { col: -5, row: -35, width: 40, height: 40 };

test('a stand with a lake and a third of it unseen: every area by hand', () => {
  // 30 x 30 m, a lake of 10 x 10 m; west of x = 10 nothing is valid; canopy north of y = 20; crowns are the canopy east of x = 20
  const chm = rasterOf(metre, all, (x, y) => (x < 10 ? null : y > 20 ? 15 : 0.5));
  const crowns = { window: all, data: rasterOf(metre, all, (x, y) => (x > 20 && y > 20 ? 1 : 0)).data };
  const { standParts } = standShares(tileOf(0, 0, 40, 40), [stand('a', rectangle(0, 0, 30, 30), rectangle(10, 10, 20, 20).toReversed())], { canopy: { source: 'lidar', chm, crowns }, models: [], trees: [] });
  expect(standParts).toEqual([{ standId: 'a', source: 'lidar', areaM2: 800, validM2: 500, canopyM2: 200, crownM2: 100, deadM2: null, stems: null, agbKg: null, agbSdKg: null, volumeM3: null, volumeSdM3: null, sdVoidM2: null }]);
});

test('two stands with a common border through pixels: each pixel to one, its stems to both by area', () => {
  const density = rasterOf(metre, all, () => 0.3);
  const [west, east] = standShares(tileOf(0, 0, 20, 20), [stand('w', rectangle(0, 0, 10.25, 20)), stand('e', rectangle(10.25, 0, 20, 20))],
    { canopy: null, models: [{ source: 'stems', variable: 'stems', kind: 'sum', raster: density }], trees: [] }).standParts;
  expect([west!.areaM2, east!.areaM2]).toEqual([200, 200]); // centres at 10.5 are the eastern stand's
  expect(Number(west!.stems)).toBeCloseTo(0.3 * 205, 5);
  expect(Number(east!.stems)).toBeCloseTo(0.3 * 195, 5);
  expect(Number(addDecimal(west!.stems!, east!.stems!))).toBeCloseTo(0.3 * 400, 5);
});

test('stands may overlap, and a tree on a border stands in one of two neighbours', () => {
  const trees = [{ treeId: 'both', xM: 5, yM: 5 }, { treeId: 'border', xM: 10, yM: 3 }, { treeId: 'outside', xM: 19, yM: 19 }];
  const stands = [stand('a', rectangle(0, 0, 10, 10)), stand('b', rectangle(10, 0, 18, 10)), stand('c', rectangle(4, 4, 6, 6))];
  expect(standShares(tileOf(0, 0, 20, 20), stands, { canopy: null, models: [], trees }).treeStands)
    .toEqual([{ standId: 'a', treeId: 'both' }, { standId: 'b', treeId: 'border' }, { standId: 'c', treeId: 'both' }]);
});

test('a stand where a model saw nothing has its area, no valid area and no stems', () => {
  const density = rasterOf(metre, all, () => null);
  const { standParts } = standShares(tileOf(0, 0, 20, 20), [stand('a', rectangle(0, 0, 5, 5))], { canopy: null, models: [{ source: 'm', variable: 'stems', kind: 'sum', raster: density }], trees: [] });
  expect(standParts).toMatchObject([{ areaM2: 25, validM2: 0, stems: null }]);
});

/** Cut a 30 m square into tiles along any lines. */
const cuts = fc.tuple(fc.uniqueArray(fc.integer({ min: 1, max: 29 }), { maxLength: 4 }), fc.uniqueArray(fc.integer({ min: 1, max: 29 }), { maxLength: 4 }))
  .map(([xs, ys]) => {
    const [gx, gy] = [xs, ys].map((g) => [0, ...g.toSorted((a, b) => a - b), 30]) as [number[], number[]];
    return gx.slice(1).flatMap((x1, i) => gy.slice(1).map((y1, j) => tileOf(gx[i]!, gy[j]!, x1, y1)));
  });

/** Add the shares of tiles as merge does: decimals. */
function totals(tiles: Tile[], stands: Stand[], inputs: (tile: Tile) => ShareInputs): Record<string, string> {
  const sums: Record<string, string> = {};
  const add = (key: string, value: string): void => { sums[key] = addDecimal(sums[key] ?? '0', value); };
  for (const tile of tiles) {
    const { standParts, surveyParts } = standShares(tile, stands, inputs(tile));
    for (const part of [...standParts, ...surveyParts.map((p) => ({ standId: '', ...p }))]) {
      for (const key of ['areaM2', 'validM2', 'canopyM2', 'crownM2', 'deadM2'] as const) if (part[key] !== null) add(`${part.standId} ${part.source} ${key}`, toDecimalText(part[key]));
      for (const key of ['stems', 'agbKg'] as const) if (part[key] !== null) add(`${part.standId} ${part.source} ${key}`, part[key]);
    }
  }
  return sums;
}

test('however the plane is tiled, the shares of the tiles add up to the same decimals', () => {
  const chmLattice: Lattice = { resM: 0.5, x0M: 0, y0M: 0 }, densityLattice: Lattice = { resM: 2.4, x0M: 0.7, y0M: -0.2 };
  const noise = (x: number, y: number): number => Math.abs(Math.sin(x * 12.9898 + y * 78.233) * 43758.5453) % 1;
  const canopyAt = (x: number, y: number): number | null => (noise(x, y) < 0.2 ? null : noise(y, x) * 30 - 5);
  const densityAt = (x: number, y: number): number | null => (noise(x + 1, y) < 0.1 ? null : noise(x, y + 1) * 1.7);
  const stands = [stand('a', [[2.3, 1.1], [27.9, 4.4], [20.2, 28.7], [11.1, 13.3], [3.3, 25.2], [2.3, 1.1]], [[6, 6], [9.5, 12.5], [12.2, 6.7], [6, 6]]), stand('b', rectangle(9.99, 3.33, 31, 33))];
  const inputsFor = ({ x0, y0, x1, y1 }: Box, haloM: number): ShareInputs => {
    const chmWindow = { col: (x0 - haloM) * 2, row: -(y1 + haloM) * 2, width: (x1 - x0 + 2 * haloM) * 2, height: (y1 - y0 + 2 * haloM) * 2 };
    const density = rasterOf(densityLattice, { col: Math.floor(x0 / 2.4) - 3, row: -Math.ceil(y1 / 2.4) - 3, width: Math.ceil((x1 - x0) / 2.4) + 6, height: Math.ceil((y1 - y0) / 2.4) + 6 }, densityAt);
    const chm = rasterOf(chmLattice, chmWindow, canopyAt);
    return {
      canopy: { source: 'lidar', chm, crowns: { window: chmWindow, data: Int32Array.from(chm.data, (h) => (h > 10 ? 7 : 0)) } },
      models: [{ source: 'm', variable: 'stems', kind: 'sum', raster: density }, { source: 'm', variable: 'agb_kg', kind: 'sum', raster: density }, { source: 'dead', variable: 'dead', kind: 'share', raster: density }], trees: [],
    };
  };
  const expected = totals([tileOf(0, 0, 30, 30)], stands, ({ core }) => inputsFor(core, 2));
  expect(Object.keys(expected).length).toBe(3 * 11); // two stands and the survey: 4 columns of lidar, 4 of m, 3 of dead
  fc.assert(fc.property(cuts, fc.integer({ min: 0, max: 3 }), (tiles, haloM) => {
    expect(totals(tiles, stands, ({ core }) => inputsFor(core, haloM))).toEqual(expected);
  }), { seed: 9, numRuns: 15 });
});
