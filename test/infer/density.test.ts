import { afterAll, describe, expect, test } from 'vitest';
import { STEMS_PER_RED, boxDensity, nanDensity, redDensity } from '../../data-samples/make/onnx.ts';
import { ModelError } from '../../src/errors.ts';
import { contains, cropRaster, indexIn } from '../../src/geo/lattice.ts';
import { modelPath } from '../../src/infer/card.ts';
import type { ModelCard } from '../../src/infer/card.ts';
import { runDensityBlock } from '../../src/infer/density.ts';
import type { ReadInput } from '../../src/infer/input.ts';
import { outputLattice, outputWindow, planBlocks } from '../../src/infer/patches.ts';
import { openSession } from '../../src/infer/session.ts';
import type { Session } from '../../src/infer/session.ts';
import type { Raster, Window } from '../../src/types.ts';
import { emptyRaster } from '../../src/geo/lattice.ts';
import { lattice, redAt, syntheticInput, writeModel } from './fixtures.ts';

const red = writeModel('red-density', redDensity()), box = writeModel('box-density', boxDensity());
const sessions = new Map<string, Promise<Session>>();
const sessionOf = (dir: string): Promise<Session> => {
  const found = sessions.get(dir) ?? openSession(modelPath(dir), { providers: ['cpu'] });
  sessions.set(dir, found);
  return found;
};
afterAll(async () => { for (const session of sessions.values()) await (await session).close(); });

/** A block whose one map is there. */
const runOne = async (...call: Parameters<typeof runDensityBlock>) => {
  const { rasters: [map], ...rest } = await runDensityBlock(...call);
  return { rasters: [map!] as const, ...rest };
};

/** The map over an image, put together from all blocks of one size. */
async function mapOf(card: ModelCard, dir: string, image: Window, readInput: ReadInput, blockPatches: number): Promise<Raster> {
  const snapped = { col: Math.floor(image.col / 4), row: Math.floor(image.row / 4), width: Math.ceil(image.width / 4) + 1, height: Math.ceil(image.height / 4) + 1 };
  const map = emptyRaster(outputLattice(lattice, 4), snapped);
  for (const block of planBlocks(image, card.input, blockPatches)) {
    const { raster } = (await runDensityBlock(block, card, await sessionOf(dir), readInput, lattice)).rasters[0]!;
    expect(raster.window).toEqual(outputWindow(block.core, 4));
    for (let i = 0; i < map.data.length; i++) {
      const col = snapped.col + (i % snapped.width), row = snapped.row + Math.floor(i / snapped.width);
      if (!contains(raster.window, col, row)) continue;
      const from = indexIn(raster.window, col, row);
      expect(map.mask[i]).toBe(0); // each output pixel belongs to one block only
      map.data[i] = raster.data[from]!;
      map.mask[i] = raster.mask[from]!;
    }
  }
  return map;
}

const image = { col: 903_990, row: -8_890_013, width: 150, height: 131 };
const hole = { col: 904_040, row: -8_889_970, width: 9, height: 6 };

/** Mean red x STEMS_PER_RED of an output pixel, by hand; null where one of its 16 pixels is void. */
function byHand(col: number, row: number, holes: Window[] = []): number | null {
  let sum = 0;
  for (let r = row * 4; r < row * 4 + 4; r++) {
    for (let c = col * 4; c < col * 4 + 4; c++) {
      if (!contains(image, c, r) || holes.some((w) => contains(w, c, r))) return null;
      sum += redAt(c, r);
    }
  }
  return (sum / 16) * STEMS_PER_RED;
}

describe('the density of a network whose density is the red band', () => {
  test('is the red band everywhere, and missing where one of its own pixels is missing: never zero', async () => {
    const map = await mapOf(red.card, red.dir, image, syntheticInput(image, [hole]), 2);
    let valid = 0, sum = 0, expected = 0;
    for (let i = 0; i < map.data.length; i++) {
      const col = map.window.col + (i % map.window.width), row = map.window.row + Math.floor(i / map.window.width), value = byHand(col, row, [hole]);
      expect(map.mask[i]).toBe(value === null ? 0 : 1);
      if (value === null) continue;
      valid++;
      sum += map.data[i]!;
      expected += value;
      if (map.data[i] !== value) expect(map.data[i]).toBe(value);
    }
    expect(valid).toBeGreaterThan(1000);
    expect(Math.abs(sum - expected)).toBeLessThan(1e-4);
  });

  test('a forest of one red has 128 / 4096 stems in each 2 m pixel: 78.125 stems a hectare', async () => {
    const one: ReadInput = async ({ width, height }) => {
      const size = width * height;
      return { bands: [new Float32Array(size).fill(128), ...[0, 1, 2].map(() => new Float32Array(size))], mask: new Uint8Array(size).fill(1) };
    };
    const [block] = planBlocks({ col: 16, row: 16, width: 32, height: 32 }, red.card.input, 1);
    const { rasters: [{ raster }], statistics, voids } = await runOne(block!, red.card, await sessionOf(red.dir), one, lattice);
    expect(raster.lattice).toEqual({ resM: 2, x0M: 0, y0M: 0 });
    expect(statistics).toEqual({ patchesRun: 1, patchesSkipped: 0, validPx: 64, voidPx: 0, sum: 2, min: 0.03125, max: 0.03125 });
    expect((statistics.sum / (64 * 4)) * 10_000).toBe(78.125);
    expect(voids).toEqual([]);
  });

  test('patches without a valid pixel in their trusted centre are not run, and are void by area', async () => {
    const [block] = planBlocks({ col: 0, row: 0, width: 100, height: 100 }, red.card.input, 8);
    const readInput = syntheticInput({ col: -1000, row: -1000, width: 10, height: 10 });
    const { rasters: [{ raster }], statistics, voids } = await runOne(block!, red.card, await sessionOf(red.dir), readInput, lattice);
    expect(statistics.patchesRun).toBe(0);
    expect(statistics.sum).toBeNaN();
    expect(raster.mask.includes(1)).toBe(false);
    expect(voids).toEqual([{ source: 'red-density', reason: 'no valid image pixel', areaM2: raster.data.length * 4 }]);
  });
});

describe('seams', () => {
  test('blocks of 1, 3 and 8 patches give the same map, bit for bit', async () => {
    const maps = await Promise.all([1, 3, 8].map((n) => mapOf(box.card, box.dir, image, syntheticInput(image, [hole]), n)));
    expect(maps[0]!.mask.reduce((a, b) => a + b, 0)).toBeGreaterThan(1000);
    expect(maps[1]).toEqual(maps[0]);
    expect(maps[2]).toEqual(maps[0]);
  });

  test('with a margin of its reach a wide network sees no seam; with less it does', async () => {
    const field = { col: -200, row: -200, width: 400, height: 400 }, inner = { col: -10, row: -10, width: 24, height: 24 };
    const atMargin = async (marginPx: number, patchPx: number) => {
      const { card } = writeModel('box-density', boxDensity(), { marginPx, patchPx });
      return cropRaster(await mapOf(card, box.dir, { col: -48, row: -48, width: 112, height: 112 }, syntheticInput(field), 2), inner);
    };
    const whole = await atMargin(64, 320); // one patch sees it all
    const difference = (map: Raster) => map.data.reduce((most, value, i) => Math.max(most, Math.abs(value - whole.data[i]!)), 0);
    expect(whole.mask.includes(0)).toBe(false);
    expect(difference(await atMargin(16, 64))).toBeLessThan(1e-8);
    expect(difference(await atMargin(8, 48))).toBeGreaterThan(1e-3);
  });
});

describe('outputs are checked before they are used', () => {
  const run = async (model: { card: ModelCard; dir: string }, readInput: ReadInput = syntheticInput(image)) => {
    const [block] = planBlocks(image, model.card.input, 8);
    return runDensityBlock(block!, model.card, await sessionOf(model.dir), readInput, lattice);
  };

  test('NaN stops the task with the patch and the pixel', async () => {
    const nan = writeModel('nan-density', nanDensity());
    const black: ReadInput = async ({ width, height }) => ({ bands: [0, 1, 2, 3].map(() => new Float32Array(width * height)), mask: new Uint8Array(width * height).fill(1) });
    await expect(run(nan, black)).rejects.toThrow(/nan-density, patch \d+_-\d+: output density at its pixel \d+,-\d+: a value is NaN/);
    await expect(run(nan, black)).rejects.toThrow(ModelError);
  });

  test('NaN where the image is void is masked and stops nothing', async () => {
    const nan = writeModel('nan-density', nanDensity());
    const half: ReadInput = async ({ width, height }) => {
      const mask = Uint8Array.from({ length: width * height }, (_, i) => (i % width < width / 2 ? 0 : 1));
      return { bands: [new Float32Array(width * height).fill(7), ...[1, 2, 3].map(() => new Float32Array(width * height))], mask };
    };
    const { statistics } = await run(nan, half);
    expect([statistics.min, statistics.max]).toEqual([1, 1]);
    expect(statistics.voidPx).toBeGreaterThan(0);
  });

  test('a value outside the range of the card stops the task', async () => {
    const narrow = writeModel('red-density', redDensity(), { change: (card) => { card.outputs[0]!.range = [0, 0.01]; } });
    await expect(run(narrow)).rejects.toThrow(/stems\/px is outside the card's range \[0, 0.01\]; check scale/);
  });

  test('an output of another shape than the card promises is named', async () => {
    const coarse = writeModel('red-density', redDensity(), { change: (card) => { card.outputs[0]!.stride_px = 8; card.input.stride_px = 8; } });
    await expect(run(coarse)).rejects.toThrow(/output density is 1 x 1 x 16 x 16, the card promises 1 x 1 x 8 x 8/);
  });

  test('a pixel that is no number is a void, and does not spread', async () => {
    const base = syntheticInput(image);
    const readInput: ReadInput = async (window) => {
      const input = await base(window);
      if (contains(window, 904_000, -8_890_000)) input.bands[2]![indexIn(window, 904_000, -8_890_000)] = NaN;
      return input;
    };
    const map = await mapOf(box.card, box.dir, image, readInput, 2);
    const at = indexIn(map.window, 226_000, -2_222_500);
    expect([map.mask[at], map.mask[at + 1], map.mask[at - 1]]).toEqual([0, 1, 1]);
  });

  test('a damaged input file stops the task: it is no empty result', async () => {
    await expect(run(red, async () => { throw new Error('tile 3,4 is damaged'); })).rejects.toThrow('tile 3,4 is damaged');
  });
});
