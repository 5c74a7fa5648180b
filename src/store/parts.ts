// store/parts.ts: the result of one task as a folder that is either whole or absent. IO.
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../errors.ts';
import { TEMPORARY, removeAtomically, syncPath, writeAtomically, writeFileAtomically } from '../files/atomic.ts';
import { exists } from '../files/exists.ts';
import type { TaskKind, VoidArea } from '../types.ts';
import type { TableName } from './columns.ts';
import { sharedConnection } from './duck.ts';
import { writeTable } from './table-io.ts';

/** What a task says about its part; with the files it is `part.json`. */
export interface PartInfo {
  kind: TaskKind;
  key: string;
  /** tile, file, or model and block */
  unit: string;
  stageVersion: number;
  /** inputs with their fingerprints, and parts with their keys */
  inputs: Record<string, unknown>[];
  voids: VoidArea[];
  counts: Record<string, number>;
  seconds: Record<string, number>;
  provider?: string;
  peakRssMb?: number;
}

export interface PartFile {
  /** relative to the part's folder, `/` between folders */
  name: string;
  sha256: string;
  bytes: number;
}

export interface Part {
  dir: string;
  info: PartInfo & { files: PartFile[] };
  path(name: string): string;
}

/** What the task fills its part with; every path lies in the temporary folder. */
export interface PartWriter {
  /** one Parquet file, `<name>.parquet` */
  table(name: TableName, rows: readonly object[]): Promise<void>;
  file(name: string, bytes: Uint8Array): Promise<void>;
  /** a path that the caller writes by itself; it is hashed and synced with the others */
  path(name: string): string;
}

const INFO = 'part.json';

/** The folder of a part: `<root>/parts/<kind>/<key 0-1>/<key>`. */
export const partDir = (root: string, kind: TaskKind, key: string): string => join(root, 'parts', kind, key.slice(0, 2), key);

/** The Parquet file of a table in a part. */
export const tableFile = (name: TableName): string => `${name}.parquet`;

const partAt = (dir: string, info: Part['info']): Part => ({ dir, info, path: (name) => join(dir, name) });

const isWhole = (dir: string): Promise<boolean> => exists(join(dir, INFO));

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
const isTaken = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');

/** Hash a file and flush it to disk, in one pass. */
async function sealFile(dir: string, name: string): Promise<PartFile> {
  const handle = await open(join(dir, name), 'r');
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    await handle.sync();
    return { name, sha256: hash.digest('hex'), bytes };
  } finally {
    await handle.close();
  }
}

/** Every file below a folder in order of name; folders below it are synced on the way. */
async function filesBelow(dir: string, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(dir, prefix), { withFileTypes: true })) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (!entry.isDirectory()) names.push(name);
    else {
      names.push(...await filesBelow(dir, name));
      await syncPath(join(dir, name));
    }
  }
  return names.sort();
}

function writerIn(dir: string): PartWriter {
  return {
    table: async (name, rows) => writeTable(await sharedConnection(), name, rows, join(dir, tableFile(name))),
    file: (name, bytes) => writeFileAtomically(join(dir, name), bytes),
    path: (name) => join(dir, name),
  };
}

/**
 * Write a part: fill a temporary folder, hash and sync its files, write part.json last, rename the folder into place.
 * A part that is there already, or that another worker finishes meanwhile, stays and is returned.
 *
 * @param root  the output folder of the survey
 * @param info  called once `fill` is done
 * @throws what `fill` throws; nothing stays then
 */
export async function writePart(
  root: string, info: () => PartInfo, fill: (writer: PartWriter) => Promise<void>, { kind, key }: { kind: TaskKind; key: string },
): Promise<Part> {
  const there = await findPart(root, kind, key);
  if (there) return there;
  const dir = partDir(root, kind, key);
  await removeAtomically(dir, isWhole); // half deleted, it would stand in the way; unless another has put a whole one there meanwhile
  try {
    return await writeAtomically(dir, async (temporary) => {
      await mkdir(temporary);
      await fill(writerIn(temporary));
      const files: PartFile[] = [];
      for (const name of await filesBelow(temporary)) files.push(await sealFile(temporary, name));
      const whole = { ...info(), files };
      await writeFileAtomically(join(temporary, INFO), `${JSON.stringify(whole, null, 1)}\n`);
      return partAt(dir, whole);
    });
  } catch (error) {
    const winner = isTaken(error) ? await findPart(root, kind, key) : null;
    if (winner) return winner;
    throw error;
  }
}

/** The part of a key, or null when there is none. @throws {IoError} when its part.json cannot be read */
export async function findPart(root: string, kind: TaskKind, key: string): Promise<Part | null> {
  const dir = partDir(root, kind, key), path = join(dir, INFO);
  try {
    return partAt(dir, JSON.parse(await readFile(path, 'utf8')) as Part['info']);
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw new IoError(`${path}: cannot be read; delete the folder ${dir} and run again`, { source: path }, { cause });
  }
}

async function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

/** Delete a part: at no moment does half of it stand under its name. */
export const removePart = (root: string, kind: TaskKind, key: string): Promise<void> => removeAtomically(partDir(root, kind, key));

/**
 * Delete what killed workers left beside the parts. The caller holds the survey's lock: nobody is writing.
 *
 * @returns how many there were
 */
export async function sweepTemporaries(root: string): Promise<number> {
  const parts = join(root, 'parts');
  let swept = 0;
  for (const kind of await namesIn(parts)) {
    for (const prefix of await namesIn(join(parts, kind))) {
      for (const name of await namesIn(join(parts, kind, prefix))) {
        if (!name.endsWith(TEMPORARY)) continue;
        await rm(join(parts, kind, prefix, name), { recursive: true, force: true });
        swept++;
      }
    }
  }
  return swept;
}

/** Keys of all parts of a kind: one reading of each of at most 256 folders, whatever the number of parts. */
export async function listPartKeys(root: string, kind: TaskKind): Promise<Set<string>> {
  const kindDir = join(root, 'parts', kind), keys = new Set<string>();
  for (const prefix of await namesIn(kindDir)) {
    for (const name of await namesIn(join(kindDir, prefix))) if (!name.endsWith(TEMPORARY)) keys.add(name);
  }
  return keys;
}
