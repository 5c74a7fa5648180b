import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeOnce } from '../../src/files/atomic.ts';

let dir: string;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'understory-atomic-')); });
afterAll(() => rm(dir, { recursive: true }));

test('of many that write a file once, one wins and all read what it wrote', async () => {
  const path = join(dir, 'settled', 'provider.json'), read = await Promise.all(Array.from({ length: 20 }, (_, i) => writeOnce(path, `writer ${i}`)));
  expect(new Set(read).size).toBe(1);
  expect(await writeOnce(path, 'too late')).toBe(read[0]);
  expect(await readdir(join(dir, 'settled'))).toEqual(['provider.json']); // nothing temporary is left
});
