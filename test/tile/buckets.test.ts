import { mkdtemp, rm, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Box } from '../../src/types.ts';
import type { PointChunk } from '../../src/tile/bucket-write.ts';
import { writeBuckets } from '../../src/tile/bucket-write.ts';
import type { BucketFolder } from '../../src/tile/tile-points.ts';
import { readTilePoints } from '../../src/tile/tile-points.ts';

let scratch: string;
let folders = 0;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-buckets-')); });
afterAll(() => rm(scratch, { recursive: true }));

interface Return { x: number; y: number; z: number; time: number; returns: number }

const chunkOf = (points: readonly Return[]): PointChunk => ({
  count: points.length,
  x: Float64Array.from(points, (p) => p.x), y: Float64Array.from(points, (p) => p.y), z: Float64Array.from(points, (p) => p.z),
  time: Float64Array.from(points, (p) => p.time), intensity: new Uint16Array(points.length),
  returns: Uint8Array.from(points, (p) => p.returns), classification: new Uint8Array(points.length).fill(2), flags: new Uint8Array(points.length),
});

async function bucketsOf(points: readonly Return[], sizeM: number, pointsInMemory?: number): Promise<BucketFolder & { duplicates: number }> {
  const dir = join(scratch, String(folders++));
  await mkdir(dir);
  const chunks = async function* () {
    for (let i = 0; i < points.length; i += 97) yield chunkOf(points.slice(i, i + 97));
  };
  const { tiles, duplicates } = await writeBuckets(chunks(), sizeM, dir, pointsInMemory === undefined ? {} : { pointsInMemory });
  return { dir, tiles: new Set(tiles.map(({ id }) => id)), duplicates };
}

/** Returns on a coarse raster of units across the corner of four tiles, so that ties and equal records are common. */
const cloud = fc.array(fc.record({
  x: fc.integer({ min: -30, max: 30 }).map((v) => v * 100_000), y: fc.integer({ min: 4_999_970, max: 5_000_030 }).map((v) => v * 100_000),
  z: fc.integer({ min: 0, max: 2 }), time: fc.constantFrom(0, 1, Number.NaN), returns: fc.constantFrom(0x11, 0x21, 0x22),
}), { minLength: 1, maxLength: 400 });

const window: Box = { x0: -17, y0: 4_999_985, x1: 23, y1: 5_000_021 };

test('a window holds the same points in the same order whatever the tile size, the cut into files, the order and the memory', async () => {
  await fc.assert(fc.asyncProperty(cloud, fc.integer({ min: 0, max: 400 }), async (points, cut) => {
    const whole = await readTilePoints([await bucketsOf(points, 100)], window, 100);
    const shuffled = points.toReversed();
    const small = await readTilePoints([await bucketsOf(shuffled, 20, 50)], window, 20);
    const odd = await readTilePoints([await bucketsOf(shuffled.slice(cut), 25), await bucketsOf(shuffled.slice(0, cut), 25)], window, 25);
    expect(small).toEqual(whole);
    expect(odd).toEqual(whole);
  }), { numRuns: 25, seed: 11 });
});

test('equal records are one point, within a file and between overlapping deliveries', async () => {
  const twice = { x: 100_000, y: 500_000_000_000, z: 5, time: 1, returns: 0x11 };
  const other = { ...twice, time: 2 }; // another flight line over the same spot stays
  const first = await bucketsOf([twice, other, twice], 100);
  expect(first.duplicates).toBe(1);
  const both = await readTilePoints([first, await bucketsOf([twice], 100)], window, 100);
  expect(both.count).toBe(2);
});

test('a point on a border belongs to the tile that starts there, and to the half-open window', async () => {
  const border = { x: 0, y: 500_000_000_000, z: 1, time: 0, returns: 0x11 };
  const folder = await bucketsOf([border], 100);
  expect([...folder.tiles]).toEqual(['0_5000000']);
  expect((await readTilePoints([folder], { x0: -10, y0: 4_999_990, x1: 0, y1: 5_000_010 }, 100)).count).toBe(0);
  expect((await readTilePoints([folder], { x0: 0, y0: 5_000_000, x1: 1, y1: 5_000_001 }, 100)).count).toBe(1);
});
