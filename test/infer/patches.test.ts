import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contains } from '../../src/geo/lattice.ts';
import { outputWindow, patchGrid, patchesOfWindow, planBlocks, trustedCentre } from '../../src/infer/patches.ts';

const input = { patchPx: 64, marginPx: 16 }; // patches 32 px apart

test('a patch reads its trusted centre and a margin around it, from a multiple of its step', () => {
  const [block] = planBlocks({ col: 16, row: 16, width: 32, height: 32 }, input, 1);
  expect(block).toEqual({ id: '0_0', patches: { col: 0, row: 0, width: 1, height: 1 }, core: { col: 16, row: 16, width: 32, height: 32 }, read: { col: 0, row: 0, width: 64, height: 64 } });
});

test('north and west of the origin patches are counted on, with negative numbers', () => {
  const [block] = planBlocks({ col: -1, row: -33, width: 1, height: 1 }, input, 4);
  expect(block).toMatchObject({ id: '-1_-1', patches: { col: -1, row: -2, width: 1, height: 1 }, core: { col: -16, row: -48, width: 32, height: 32 } });
});

const windows = fc.record({ col: fc.integer({ min: -300, max: 300 }), row: fc.integer({ min: -300, max: 300 }), width: fc.integer({ min: 1, max: 200 }), height: fc.integer({ min: 1, max: 200 }) });

test('whatever the block size, every pixel of the image lies in one core, and the same patches run', () => {
  fc.assert(fc.property(windows, fc.integer({ min: 1, max: 9 }), (image, blockPatches) => {
    const blocks = planBlocks(image, input, blockPatches), seen = new Set<string>();
    for (const { patches } of blocks) {
      for (let r = patches.row; r < patches.row + patches.height; r++) for (let c = patches.col; c < patches.col + patches.width; c++) {
        expect(seen.has(`${c}_${r}`)).toBe(false); // each patch once in the survey
        seen.add(`${c}_${r}`);
      }
    }
    const all = patchesOfWindow(patchGrid(input), image);
    expect(seen.size).toBe(all.width * all.height);
    for (const [col, row] of [[image.col, image.row], [image.col + image.width - 1, image.row + image.height - 1]] as const) {
      expect(blocks.filter(({ core }) => contains(core, col, row))).toHaveLength(1);
    }
  }), { seed: 5, numRuns: 100 });
});

test('a pixel has the same patch in every image that holds it', () => {
  fc.assert(fc.property(windows, windows, (a, b) => {
    const col = 7, row = -3, grid = patchGrid(input);
    const patchOf = (image: typeof a) => {
      const wide = { col: Math.min(image.col, col), row: Math.min(image.row, row), width: 700, height: 700 };
      const block = planBlocks(wide, input, 3).find(({ core }) => contains(core, col, row))!, { patches } = block;
      for (let r = patches.row; r < patches.row + patches.height; r++) for (let c = patches.col; c < patches.col + patches.width; c++) if (contains(trustedCentre(grid, c, r), col, row)) return [c, r];
      return null;
    };
    expect(patchOf(a)).not.toBeNull();
    expect(patchOf(a)).toEqual(patchOf(b));
  }), { seed: 6, numRuns: 50 });
});

test('blocks that meet none of the files are left out', () => {
  const image = { col: 0, row: 0, width: 1000, height: 32 };
  const files = [{ col: 0, row: 0, width: 40, height: 32 }, { col: 960, row: 0, width: 40, height: 32 }];
  const all = planBlocks(image, input, 4), some = planBlocks(image, input, 4, files);
  expect(some.length).toBeLessThan(all.length);
  expect(some).toEqual(all.filter(({ core }) => files.some((f) => core.col < f.col + f.width && f.col < core.col + core.width)));
  expect(planBlocks({ ...image, width: 0 }, input, 4)).toEqual([]);
});

test('output pixels of a core are whole pixels', () => {
  const [block] = planBlocks({ col: 904_001, row: -8_890_001, width: 50, height: 50 }, input, 8);
  const { col, row, width, height } = outputWindow(block!.core, 4);
  expect([col, row, width, height].every(Number.isInteger)).toBe(true);
});
