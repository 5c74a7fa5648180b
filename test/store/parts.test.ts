import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeAtomically } from '../../src/files/atomic.ts';
import { sha256 } from '../../src/files/hash.ts';
import { sharedConnection } from '../../src/store/duck.ts';
import { findPart, listPartKeys, partDir, removePart, sweepTemporaries, writePart, type PartInfo } from '../../src/store/parts.ts';
import { readTable } from '../../src/store/table-io.ts';
import { treeRow } from './rows.ts';

let root: string;
beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'understory-parts-')); });
afterAll(async () => { await rm(root, { recursive: true }); });

const info = (key: string): PartInfo => ({ kind: 'measure', key, unit: '0_0', stageVersion: 1, inputs: [], voids: [], counts: { trees: 1 }, seconds: {} });
const place = (key: string) => ({ kind: 'measure' as const, key });

test('a part holds its tables and files with their hashes, and is found under its key', async () => {
  const written = await writePart(root, () => info('ab01'), async (part) => {
    await part.table('tree', [treeRow({ treeId: 't' })]);
    await part.file('note.txt', new TextEncoder().encode('hello'));
    await writeFile(part.path('raw.bin'), 'raw');
  }, place('ab01'));
  expect(written.dir).toBe(join(root, 'parts', 'measure', 'ab', 'ab01'));
  expect(written.info.files.map((file) => file.name)).toEqual(['note.txt', 'raw.bin', 'tree.parquet']);
  expect(written.info.files[0]).toEqual({ name: 'note.txt', sha256: sha256('hello'), bytes: 5 });
  const found = await findPart(root, 'measure', 'ab01');
  expect(found!.info).toEqual(written.info);
  expect(await readTable(await sharedConnection(), 'tree', found!.path('tree.parquet'))).toHaveLength(1);
});

test('the same rows give the same bytes, whenever they are written', async () => {
  const fill = (key: string) => writePart(root, () => info(key), (part) => part.table('tree', [treeRow({ treeId: 't' })]), place(key));
  expect((await fill('aa01')).info.files[0]!.sha256).toBe((await fill('aa02')).info.files[0]!.sha256);
});

test('a task that fails leaves no part and no temporary folder', async () => {
  await expect(writePart(root, () => info('cd01'), async (part) => {
    await part.file('half', new Uint8Array(3));
    throw new Error('killed');
  }, place('cd01'))).rejects.toThrow('killed');
  expect(await findPart(root, 'measure', 'cd01')).toBeNull();
  expect(await readdir(join(root, 'parts', 'measure', 'cd'))).toEqual([]);
});

test('of two workers on one key the first to finish wins, and the other returns its part', async () => {
  const fill = (text: string, wait: Promise<unknown>) => writePart(root, () => info('ef01'), async (part) => {
    await part.file('who', new TextEncoder().encode(text));
    await wait;
  }, place('ef01'));
  const first = fill('first', Promise.resolve()), second = fill('second', first);
  expect((await second).info).toEqual((await first).info);
  expect(await readFile((await second).path('who'), 'utf8')).toBe('first');
  let ran = false;
  await writePart(root, () => info('ef01'), async () => { ran = true; }, place('ef01'));
  expect(ran).toBe(false);
});

test('keys are listed by kind, without what a killed worker left', async () => {
  await writePart(root, () => ({ ...info('0f01'), kind: 'canopy' }), async () => {}, { kind: 'canopy', key: '0f01' });
  await writePart(root, () => ({ ...info('0f02'), kind: 'canopy' }), async () => {}, { kind: 'canopy', key: '0f02' });
  await writeFile(`${partDir(root, 'canopy', '0f03')}.12.ab.tmp`, '');
  expect(await listPartKeys(root, 'canopy')).toEqual(new Set(['0f01', '0f02']));
  expect(await listPartKeys(root, 'bucket')).toEqual(new Set());
});

test('what killed workers left is swept away, and the parts stay', async () => {
  const own = join(root, 'swept'), whole = await writePart(own, () => info('1a01'), (part) => part.file('a', new Uint8Array(1)), place('1a01'));
  expect(await sweepTemporaries(own)).toBe(0);
  for (const dir of [`${whole.dir}.99.abcd.tmp`, `${partDir(own, 'bucket', '77aa')}.98.ef01.tmp`]) {
    await mkdir(join(dir, 'below'), { recursive: true });
    await writeFile(join(dir, 'below', 'half.bin'), 'half');
  }
  await writeFile(`${partDir(own, 'bucket', '77bb')}.98.ef02.tmp`, '');
  await writeFile(join(own, 'parts', 'exports.json'), '{}');
  expect(await sweepTemporaries(own)).toBe(3);
  expect(await readdir(join(own, 'parts', 'bucket', '77'))).toEqual([]);
  expect((await findPart(own, 'measure', '1a01'))!.info).toEqual(whole.info);
  expect(await readdir(join(own, 'parts', 'measure', '1a'))).toEqual(['1a01']);
  expect(await sweepTemporaries(join(root, 'nothing yet'))).toBe(0);
});

test('a part is made where a killed deletion left half of another', async () => {
  const dir = partDir(root, 'measure', '2b01');
  await mkdir(join(dir, 'below'), { recursive: true });
  await writeFile(join(dir, 'below', 'left.bin'), 'left');
  expect(await findPart(root, 'measure', '2b01')).toBeNull();
  const { info: { files } } = await writePart(root, () => info('2b01'), (part) => part.file('new', new Uint8Array(1)), place('2b01'));
  expect(files.map(({ name }) => name)).toEqual(['new']);
  expect(await readdir(dir)).toEqual(['new', 'part.json']);
  expect(await readdir(join(root, 'parts', 'measure', '2b'))).toEqual(['2b01']);
});

test('a removed part is gone with all that it held, and can be made again; one that is not there is no error', async () => {
  const fill = () => writePart(root, () => info('3c01'), (part) => part.file('a', new Uint8Array(1)), place('3c01'));
  await fill();
  await removePart(root, 'measure', '3c01');
  expect(await findPart(root, 'measure', '3c01')).toBeNull();
  expect(await readdir(join(root, 'parts', 'measure', '3c'))).toEqual([]);
  await removePart(root, 'measure', '3c01');
  expect((await fill()).info.key).toBe('3c01');
});

test('a deletion that is killed midway leaves no key behind, only what is swept', async () => {
  const own = join(root, 'killed'), { dir } = await writePart(own, () => info('4d01'), (part) => part.file('a', new Uint8Array(1)), place('4d01'));
  await expect(removeAtomically(dir, async () => { throw new Error('killed'); })).rejects.toThrow('killed');
  expect(await listPartKeys(own, 'measure')).toEqual(new Set());
  expect(await readdir(join(own, 'parts', 'measure', '4d'))).toHaveLength(1);
  expect(await sweepTemporaries(own)).toBe(1);
});
