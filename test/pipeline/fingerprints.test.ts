import { mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFile } from '../../src/files/byte-source.ts';
import { openFingerprints } from '../../src/pipeline/fingerprints.ts';

let root: string, dir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'understory-print-'));
  dir = join(root, 'survey');
  await writeLarge('a.las');
});
afterEach(() => rm(root, { recursive: true }));

const SIZE = 3 * 2 ** 20;
/** 16 pieces of 64 KiB stand 201,318 bytes apart in 3 MiB: byte 100,000 lies between the first two. */
const UNSEEN = 100_000, SEEN = 10;

async function writeLarge(name: string): Promise<void> {
  const bytes = Buffer.alloc(SIZE);
  for (let i = 0; i < SIZE; i += 4) bytes.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, name), bytes);
}

async function change(name: string, at: number, value: number): Promise<void> {
  const handle = await open(join(dir, name), 'r+');
  await handle.write(Uint8Array.of(value), 0, 1, at);
  await handle.close();
}

/** The identity of a file in a run of its own. */
async function identity(name: string, { verify = false } = {}): Promise<string> {
  const prints = await openFingerprints(join(dir, 'out'), dir, { verify }), source = await openFile(join(dir, name));
  try {
    return await prints.of(source);
  } finally {
    await source.close();
    await prints.save();
  }
}

test('verifying an unchanged file changes nothing: no part is computed again', async () => {
  const plain = await identity('a.las');
  expect(await identity('a.las', { verify: true })).toBe(plain);
  expect(await identity('a.las', { verify: true })).toBe(plain);
  expect(await identity('a.las')).toBe(plain);
});

test('a byte between the pieces is found by --verify alone, and later runs keep what it found', async () => {
  const plain = await identity('a.las', { verify: true });
  await change('a.las', UNSEEN, 7);
  expect(await identity('a.las'), 'not seen without --verify').toBe(plain);
  const changed = await identity('a.las', { verify: true });
  expect(changed).not.toBe(plain);
  expect(await identity('a.las')).toBe(changed);
  expect(await identity('a.las', { verify: true })).toBe(changed);
});

test('the file as it was is itself again', async () => {
  const plain = await identity('a.las', { verify: true });
  await change('a.las', UNSEEN, 7);
  await identity('a.las', { verify: true });
  await writeLarge('a.las');
  expect(await identity('a.las', { verify: true })).toBe(plain);
});

test('a byte in a piece is seen without --verify', async () => {
  const plain = await identity('a.las');
  await change('a.las', SEEN, 7);
  expect(await identity('a.las')).not.toBe(plain);
});

test('two files that differ between the pieces are two files once verified', async () => {
  await writeLarge('b.las');
  await change('b.las', UNSEEN, 7);
  expect(await identity('b.las')).toBe(await identity('a.las'));
  expect(await identity('b.las', { verify: true })).not.toBe(await identity('a.las', { verify: true }));
});

test('a survey that moves keeps its identities; one whose parts are deleted starts anew', async () => {
  await identity('a.las', { verify: true });
  await change('a.las', UNSEEN, 7);
  const changed = await identity('a.las', { verify: true });
  const moved = join(root, 'archive');
  await rename(dir, moved);
  dir = moved;
  expect(await identity('a.las')).toBe(changed);
  await rm(join(dir, 'out', 'parts'), { recursive: true });
  const first = await identity('a.las', { verify: true });
  expect(await identity('a.las')).toBe(first);
});
