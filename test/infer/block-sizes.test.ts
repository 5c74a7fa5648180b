// Maps of segment and regress-raster in blocks of three sizes; density and detect have the same in density.test.ts, image-density.test.ts and detect.test.ts.
import { afterAll, expect, test } from 'vitest';
import { contains } from '../../src/geo/lattice.ts';
import type { ModelCard } from '../../src/infer/card.ts';
import { patchTask } from '../../src/infer/registry.ts';
import type { BlockResult } from '../../src/infer/registry.ts';
import { outputLattice, planBlocks } from '../../src/infer/patches.ts';
import { mosaicOf } from '../../src/pipeline/tasks/part-rasters.ts';
import type { Raster, Window } from '../../src/types.ts';
import { closeSessions, imageOf, sampleCardOf, sessionOf } from './detect-fixtures.ts';
import type { Json } from './detect-fixtures.ts';
import { lattice, redAt } from './fixtures.ts';

afterAll(closeSessions);

const image: Window = { col: 904_003, row: -8_890_317, width: 411, height: 389 }, hole: Window = { col: 904_150, row: -8_890_200, width: 70, height: 33 };
const readInput = imageOf((col, row, band) => (contains(image, col, row) && !contains(hole, col, row) ? redAt(col + 31 * band, row) : null));
const small = (card: Json): void => { Object.assign(card.input, { patch_px: 64, margin_px: 16 }); };

/** Every map of a model, laid together from its blocks. */
async function mapsOf(card: ModelCard, name: string, blockPatches: number): Promise<{ name: string; raster: Raster }[]> {
  const session = await sessionOf(name), { runBlock } = await patchTask(card), results: BlockResult[] = [];
  for (const block of planBlocks(image, card.input, blockPatches)) results.push(await runBlock(block, card, session, readInput, lattice));
  const names = [...new Set(results.flatMap(({ rasters }) => rasters.map((map) => map.name)))].sort();
  return names.map((map) => ({ name: map, raster: mosaicOf(results.flatMap(({ rasters }) => rasters.filter((each) => each.name === map).map(({ raster }) => raster)), outputLattice(lattice, 1), image) }));
}

test.each([['red-probability', 'segment', 1], ['band-height', 'regress-raster', 2]] as const)('%s: blocks of 1, 3 and 8 patches give the same maps, bit for bit, and voids where the image has them', async (name, task, count) => {
  const card = sampleCardOf(name, task, small), [one, three, eight] = [await mapsOf(card, name, 1), await mapsOf(card, name, 3), await mapsOf(card, name, 8)];
  expect(one).toHaveLength(count);
  expect(three).toEqual(one);
  expect(eight).toEqual(one);
  const { mask, data } = one[0]!.raster;
  expect(mask.reduce((sum, each) => sum + each, 0)).toBe(image.width * image.height - hole.width * hole.height);
  expect(new Set(data).size).toBeGreaterThan(100); // a map that says something
});
