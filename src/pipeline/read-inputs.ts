// pipeline/read-inputs.ts: the files that an input names, those that wait, and those that cannot be read. IO.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidInput, IoError, UsageError, messageOf } from '../errors.ts';
import type { LoadedJob } from './job-file.ts';
import { matchFiles } from './job-file.ts';
import type { InputFault } from './survey.ts';

/** Files whose headers are read at a time. */
export const AT_ONCE = 16;

/** The faults among what was read. */
export const faultsOf = (entries: readonly (object | InputFault)[]): InputFault[] => entries.flatMap((entry) => ('reason' in entry ? [entry] : []));

/** What a file gives, or the fault that it is. */
export async function orFault<T>(input: string, path: string, read: () => Promise<T>): Promise<T | InputFault> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof IoError) return { input, path, reason: messageOf(error) };
    throw error;
  }
}

/** The files of a list of patterns. Younger ones may still be growing: they wait for the next run. */
export async function settledFiles(loaded: LoadedJob, patterns: readonly string[], key: string, waiting: string[]): Promise<string[]> {
  const paths = await matchFiles(loaded, patterns, key), minutes = loaded.job.settle_minutes;
  if (minutes === 0) return paths;
  const oldest = Date.now() - minutes * 60_000, settled: string[] = [];
  for (const path of paths) ((await stat(path)).mtimeMs > oldest ? waiting : settled).push(path);
  return settled;
}

/** The one file that a key names. @throws {UsageError} when the pattern matches several */
export async function onlyFile(loaded: LoadedJob, pattern: string, key: string): Promise<string> {
  const [path, second] = await matchFiles(loaded, [pattern], key);
  if (second !== undefined) throw new UsageError(`${loaded.at(key)}: ${key}: ${pattern} matches several files; name one`, { source: loaded.path, path: key });
  return resolve(path!);
}
