import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cropRaster, growWindow, intersectWindows } from '../../src/geo/lattice.ts';
import { densityByCell, densityPeaks, peakHaloPx } from '../../src/infer/density-map.ts';
import type { Raster, Window } from '../../src/types.ts';

const lattice = { resM: 2, x0M: 0, y0M: 0 };
function raster(window: Window, valueAt: (col: number, row: number) => number | null): Raster {
  const data = new Float32Array(window.width * window.height), mask = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = valueAt(window.col + (i % window.width), window.row + Math.floor(i / window.width));
    if (value === null) continue;
    data[i] = value;
    mask[i] = 1;
  }
  return { lattice, window, data, mask };
}
const options = { peakThreshold: 0.1, peakRadiusM: 4 };

describe('peaks of a density map', () => {
  test('a peak between two pixels lies where the parabola through its neighbours is highest', () => {
    // along x: 0.2, 0.8, 0.6 -> apex at 0.5 (0.2 - 0.6) / (0.2 - 1.6 + 0.6) = +0.25 px = +0.5 m; along y symmetric
    const values = [[0, 0, 0], [0.2, 0.8, 0.6], [0, 0, 0]];
    const [peak, ...others] = densityPeaks(raster({ col: 10, row: -20, width: 3, height: 3 }, (c, r) => values[r + 20]![c - 10]!), options);
    expect(others).toEqual([]);
    expect(peak).toMatchObject({ col: 11, row: -19 });
    expect(peak!.xM).toBeCloseTo(11.5 * 2 + 0.5, 6); // centre of the pixel, and half a metre east
    expect(peak!.yM).toBeCloseTo(18.5 * 2, 6);
    expect(peak!.value).toBeCloseTo(0.8, 6);
  });

  test('of two equal pixels within the radius the northern, then the western is the peak', () => {
    const at = (places: [number, number][]) => densityPeaks(raster({ col: 0, row: 0, width: 6, height: 6 }, (c, r) => (places.some(([x, y]) => x === c && y === r) ? 0.5 : 0)), options).map(({ col, row }) => [col, row]);
    expect(at([[1, 2], [2, 1]])).toEqual([[2, 1]]);
    expect(at([[3, 2], [2, 2]])).toEqual([[2, 2]]);
    expect(at([[0, 0], [3, 0]])).toEqual([[0, 0], [3, 0]]); // 6 m apart, more than 4 m: two trees
  });

  test('below the absolute threshold there is no peak, however high it stands over its surroundings', () => {
    expect(densityPeaks(raster({ col: 0, row: 0, width: 5, height: 5 }, (c, r) => (c === 2 && r === 2 ? 0.09 : 0)), options)).toEqual([]);
  });

  test('a void neither wins nor hides a peak, whatever value stands under it', () => {
    const map = raster({ col: 0, row: 0, width: 5, height: 1 }, (c) => (c === 2 ? null : c === 1 ? 0.4 : 0));
    map.data[2] = 9;
    const [peak, ...others] = densityPeaks(map, options);
    expect(others).toEqual([]);
    expect(peak).toMatchObject({ col: 1, xM: 3 }); // no neighbour on one side: no shift
  });

  test('in tiles with the stated halo the peaks are those of the whole map, bit for bit; with less they are not', () => {
    let lost = 0;
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 24 * 24, maxLength: 24 * 24 }), fc.integer({ min: 3, max: 12 }), (heights, tilePx) => {
      const map = raster({ col: 100, row: -200, width: 24, height: 24 }, (c, r) => heights[(r + 200) * 24 + c - 100]! / 8); // ties everywhere
      const inTiles = (haloPx: number) => {
        const found = [];
        for (let row = -200; row < -176; row += tilePx) for (let col = 100; col < 124; col += tilePx) {
          const core = { x0: col * 2, x1: (col + tilePx) * 2, y0: -(row + tilePx) * 2, y1: -row * 2 };
          const window = intersectWindows(growWindow({ col, row, width: tilePx, height: tilePx }, haloPx), map.window);
          found.push(...densityPeaks(cropRaster(map, window), options).filter(({ xM, yM }) => xM >= core.x0 && xM < core.x1 && yM >= core.y0 && yM < core.y1));
        }
        return found.sort((a, b) => a.row - b.row || a.col - b.col);
      };
      const whole = densityPeaks(map, options), halo = peakHaloPx(2, options.peakRadiusM);
      // a peak that leans over the map's own edge has no tile there
      const inside = whole.filter(({ xM, yM }) => xM < 248 && yM >= 352);
      expect(inTiles(halo).filter(({ xM, yM }) => xM < 248 && yM >= 352)).toEqual(inside);
      if (JSON.stringify(inTiles(0)) !== JSON.stringify(inside)) lost++;
    }), { seed: 11, numRuns: 60 });
    expect(lost).toBeGreaterThan(0);
  });

  test('the halo is the radius in pixels and one more', () => {
    expect([peakHaloPx(2, 4), peakHaloPx(2, 3.9), peakHaloPx(2.4, 2.4), peakHaloPx(2, 0.5)]).toEqual([3, 2, 2, 1]);
  });
});

describe('stems by cell', () => {
  test('a cell of 20 m holds the 100 pixels of 2 m whose centres it has, north-west cell first', () => {
    const map = raster({ col: -10, row: -10, width: 20, height: 20 }, (c, r) => (c < 0 && r < 0 ? 0.25 : c >= 0 && r >= 0 ? 0.5 : null));
    expect(densityByCell(map, 20, { col: -1, row: -1, width: 2, height: 2 })).toEqual([
      { col: -1, row: -1, stems: 25, validM2: 400 }, // two cells without a valid pixel are voids: no row of zero stems
      { col: 0, row: 0, stems: 50, validM2: 400 },
    ]);
  });

  test('pixels that straddle cells go whole to the cell of their centre, and none is lost or counted twice', () => {
    const odd = { resM: 2.4, x0M: -1.1, y0M: -0.7 };
    const map: Raster = { ...raster({ col: -20, row: -20, width: 40, height: 40 }, () => 1), lattice: odd };
    const cells = densityByCell(map, 20, { col: -4, row: -4, width: 8, height: 8 });
    expect(cells.reduce((sum, { stems }) => sum + stems, 0)).toBe(1600);
    for (const { col, row, stems } of cells) {
      let centres = 0;
      for (let r = -20; r < 20; r++) for (let c = -20; c < 20; c++) {
        const x = -1.1 + (c + 0.5) * 2.4, y = -0.7 - (r + 0.5) * 2.4;
        if (x >= col * 20 && x < col * 20 + 20 && y >= -(row + 1) * 20 && y < -row * 20) centres++;
      }
      expect(stems).toBe(centres);
    }
  });

  test('a centre on the border of two cells belongs to the eastern and the northern one', () => {
    const half = { resM: 2, x0M: -1, y0M: -1 }; // centres at whole multiples of 2 m
    const map: Raster = { ...raster({ col: 0, row: -1, width: 1, height: 1 }, () => 1), lattice: half }; // centre at (0, 0)
    expect(densityByCell(map, 20, { col: -1, row: -1, width: 2, height: 2 })).toEqual([{ col: 0, row: -1, stems: 1, validM2: 4 }]);
  });
});
