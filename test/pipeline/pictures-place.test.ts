import fc from 'fast-check';
import { expect, test } from 'vitest';
import { patchGrid, patchWindow, patchesOfWindow } from '../../src/infer/patches.ts';
import { firstPixel, layAmongPatches } from '../../src/pipeline/pictures-place.ts';

const CROWNS = { patchPx: 320, marginPx: 48, stridePx: 16 }, COUNTS = { patchPx: 256, marginPx: 32, stridePx: 16 };
/** Patches that decide on a pixel of a picture, along one axis. */
const patchesOf = (sizePx: number, input: typeof CROWNS): number => patchesOfWindow(patchGrid(input), { col: firstPixel(sizePx, input), row: 0, width: sizePx, height: 1 }).width;

test('a NEON plot of 40 m, 200 pixels of 0.2 m, is decided by one patch, which reads all of it', () => {
  expect(firstPixel(200, CROWNS)).toBe(48); // the patch's centre holds pixels 48 to 271
  expect(patchesOf(200, CROWNS)).toBe(1);
});

test('a picture as large as a patch fills one: 192 of its 256 pixels are decided with all of it in sight', () => {
  expect(firstPixel(256, COUNTS)).toBe(0); // 192 x 256 + 2 x 32 x 64 in sight; half a patch on: 256 x 160
});

test('whatever fits into a patch\'s centre is read whole by each patch that decides on a pixel of it', () => {
  const grid = patchGrid(CROWNS);
  fc.assert(fc.property(fc.integer({ min: 1, max: grid.stepPx - 15 }), (sizePx) => {
    const first = firstPixel(sizePx, CROWNS), { col, width } = patchesOfWindow(grid, { col: first, row: 0, width: sizePx, height: 1 });
    for (let i = col; i < col + width; i++) {
      const read = patchWindow(grid, i, 0);
      expect(read.col).toBeLessThanOrEqual(first);
      expect(read.col + read.width).toBeGreaterThanOrEqual(first + sizePx);
    }
  }), { seed: 1 });
});

test('only whole strides of the network, and metres stay: column 0 still begins at x = 0, row 0 at y = 0', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 2000 }), (width, height) => {
    const { lattice, window, colPx, rowPx } = layAmongPatches({ lattice: { resM: 0.6, x0M: 0, y0M: 0 }, window: { col: 0, row: 0, width, height } }, COUNTS);
    expect([colPx % 16, rowPx % 16]).toEqual([0, 0]);
    expect(lattice.x0M + window.col * lattice.resM).toBeCloseTo(0, 9);
    expect(lattice.y0M - window.row * lattice.resM).toBeCloseTo(0, 9);
  }), { seed: 1 });
});
