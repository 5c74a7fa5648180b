// store/swap.ts: put a finished database in the place of yesterday's, which stays beside it. IO.
import { copyFile, link, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** `survey.duckdb` to `survey.previous.duckdb`. */
export const previousPath = (path: string): string => path.replace(/(\.duckdb)?$/, '.previous$1');

/**
 * Keep what is at `path` under its previous name too, without taking it away: readers find a database at any moment.
 * The file itself is replaced by the caller's rename.
 */
export async function keepPrevious(path: string): Promise<void> {
  const previous = previousPath(path), temporary = `${previous}.tmp`;
  await rm(temporary, { force: true });
  try {
    await link(path, temporary);
  } catch (error) {
    if (isMissing(error)) return;
    await copyFile(path, temporary); // a file system without hard links
  }
  await rename(temporary, previous);
}

/** Remove what a killed merge left beside `path`. The caller holds the survey's lock. */
export async function sweepLeftovers(path: string): Promise<void> {
  const dir = dirname(path), prefix = `${basename(path)}.`;
  const names = await readdir(dir).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const name of names) {
    if (name.startsWith(prefix) && /\.tmp(\.wal)?$/.test(name)) await rm(join(dir, name), { recursive: true, force: true });
  }
}
