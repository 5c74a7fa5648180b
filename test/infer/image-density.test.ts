import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STEMS_PER_RED } from '../../data-samples/make/onnx.ts';
import { modelPath, readCard } from '../../src/infer/card.ts';
import type { ModelCard } from '../../src/infer/card.ts';
import { densityByCell, runDensityBlock } from '../../src/infer/density.ts';
import { inputReader } from '../../src/infer/input.ts';
import { planBlocks } from '../../src/infer/patches.ts';
import { openSession } from '../../src/infer/session.ts';
import type { Session } from '../../src/infer/session.ts';
import { openImage, planImage, readRasterHeader } from '../../src/ingest/image-source.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import type { Window } from '../../src/types.ts';
import { lattice, redAt } from './fixtures.ts';

// 180 x 150 m at 0.5 m: 360 x 300 px, south-west corner on whole cells of 20 m
const image: Window = { col: 904_000, row: -8_890_320, width: 360, height: 320 };
const cuts: Window[][] = [
  [image],
  [{ ...image, width: 131 }, { ...image, col: image.col + 131, width: 229, height: 77 }, { ...image, col: image.col + 131, row: image.row + 77, width: 229, height: 243 }],
];
let folder = '', card: ModelCard, session: Session;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'understory-density-'));
  const dir = new URL('../../data-samples/models/box-density', import.meta.url).pathname;
  card = await readCard(dir);
  session = await openSession(modelPath(dir), { providers: ['cpu'] });
});
afterAll(async () => {
  await session.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, window: Window, bandCount: number): string {
  const red = Uint8Array.from({ length: window.width * window.height }, (_, i) => redAt(window.col + (i % window.width), window.row + Math.floor(i / window.width)));
  const bands = [red, ...Array.from({ length: bandCount - 1 }, () => new Uint8Array(red.length).fill(9))];
  writeFileSync(join(folder, name), encodeGeoTiff({ lattice, window, bands, epsg: 32611, tileSize: 128 }));
  return join(folder, name);
}

async function blocksOf(paths: string[], roles: string[], blockPatches: number) {
  const source = openImage(planImage(await Promise.all(paths.map(readRasterHeader))), roles), { plan } = source;
  const results = [];
  for (const block of planBlocks(plan.window, card.input, blockPatches)) results.push(await runDensityBlock(block, card, session, inputReader(source, card.input), plan.lattice));
  await source.close();
  return results;
}

/** Values of all valid output pixels by place. */
const pixels = (results: Awaited<ReturnType<typeof blocksOf>>) => new Map(results.flatMap(({ rasters }) => rasters.map(({ raster }) => raster)).flatMap(({ window, data, mask }) =>
  [...data].flatMap((value, i) => (mask[i] ? [[`${window.col + (i % window.width)}_${window.row + Math.floor(i / window.width)}`, value] as const] : []))));

test('files cut along other lines, and blocks of 1, 2 and 5 patches, give one map, bit for bit', async () => {
  const [whole, cut] = cuts.map((windows, c) => windows.map((window, i) => write(`${c}-${i}.tif`, window, 4)));
  const roles = ['red', 'green', 'blue', 'nir'];
  const first = pixels(await blocksOf(whole!, roles, 1));
  expect(first.size).toBe(90 * 80);
  const byPlace = (a: [string, number], b: [string, number]) => (a[0] < b[0] ? -1 : 1);
  for (const [paths, n] of [[cut!, 2], [whole!, 5], [cut!, 5]] as const) {
    expect([...pixels(await blocksOf(paths, roles, n))].sort(byPlace)).toEqual([...first].sort(byPlace));
  }
});

test('an optional band may be missing; the count is the sum of the red band smoothed by hand', async () => {
  const results = await blocksOf([write('rgb.tif', image, 3)], ['red', 'green', 'blue'], 8);
  // a box filter spreads each pixel over 31 x 31: what falls outside the image is lost there, as the fill is 0
  let expected = 0;
  for (let row = 0; row < image.height; row++) for (let col = 0; col < image.width; col++) {
    const across = Math.min(col + 15, image.width - 1) - Math.max(col - 15, 0) + 1, down = Math.min(row + 15, image.height - 1) - Math.max(row - 15, 0) + 1;
    expected += redAt(image.col + col, image.row + row) * (across * down / 961);
  }
  expected = (expected / 16) * STEMS_PER_RED;
  const sum = results.reduce((total, { statistics }) => total + statistics.sum, 0);
  expect(expected).toBeGreaterThan(150);
  expect(Math.abs(sum - expected)).toBeLessThan(1e-4);
  const cells = results.flatMap(({ rasters }) => densityByCell(rasters[0]!.raster, 20, { col: 22_600, row: -222_258, width: 9, height: 8 }));
  expect(Math.abs(cells.reduce((total, { stems }) => total + stems, 0) - expected)).toBeLessThan(1e-4);
});
