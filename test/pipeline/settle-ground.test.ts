import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settleGround } from '../../src/pipeline/settle-ground.ts';
import { makeLas } from '../ingest/make-las.ts';
import { box, jobOf, lidarFile } from './plans.ts';

let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-ground-')); });
afterAll(() => rm(scratch, { recursive: true }));

/** A file of `count` returns of class 5, of which those from `groundFrom` on are ground. */
async function cloud(name: string, count: number, groundFrom = Infinity) {
  const path = join(scratch, name);
  await writeFile(path, makeLas({ version: '1.2', pointFormat: 1, points: Array.from({ length: count }, (_, i) => ({ x: i, y: 0, z: 0, classification: i >= groundFrom ? 2 : 5 })) }));
  return { ...lidarFile(name, box(0, 0, 100, 100)), path, pointCount: count };
}

test('ground is by class where the first returns of any file carry it, else by SMRF, whatever the order of the files', async () => {
  const bare = await cloud('a-bare.las', 100), classified = await cloud('b-classified.las', 100, 50);
  expect((await settleGround(jobOf(), [classified])).method).toBe('classified');
  expect((await settleGround(jobOf(), [bare])).method).toBe('smrf');
  const large = { ...bare, pointCount: 1_000_000 }; // the survey is large, so more than the first file may be looked at
  expect((await settleGround(jobOf(), [large, classified])).method).toBe('classified');
  expect((await settleGround(jobOf(), [classified, large])).method).toBe('classified');
});

test('a method that the job names is not looked up, and heights need none', async () => {
  const bare = await cloud('bare.las', 10);
  expect(await settleGround(jobOf({ ground: { method: 'classified' } }), [bare])).toEqual({ method: 'classified', note: null });
  expect(await settleGround(jobOf({ ground: { method: 'pmf' } }), [bare])).toEqual({ method: 'pmf', note: null });
  expect((await settleGround(jobOf({ inputs: { lidar: { files: ['*.las'], z: 'height' } } }), [bare])).method).toBe('classified');
});

test('returns beyond 3 % of the survey are not looked at, and the note says how many were', async () => {
  const late = await cloud('late.las', 60_000, 55_000); // a chunk is 50,000 returns
  const { method, note } = await settleGround(jobOf(), [late]);
  expect(method).toBe('smrf');
  expect(note).toMatch(/none of the 50000 returns looked at/);
});
