// cli/target.ts: a job file, a run's folder or its database, as the commands take them. IO.
import { access, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { loadJob } from '../pipeline/job-file.ts';
import { databasePath } from '../pipeline/tasks/merge.ts';

export interface Target {
  /** the run's folder */
  output: string;
  database: string;
}

/** Find the inventory that a target names. @throws {UsageError} when there is none */
export async function findTarget(target: string): Promise<Target> {
  const output = await outputOf(target);
  const database = target.endsWith('.duckdb') ? target : databasePath(output);
  await access(database).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`${target}: no inventory at ${database}; make it with \`understory run JOB\`, then name the job file, the run's folder or its .duckdb file`, { source: target }, causeUnlessMissing(cause));
  });
  return { output, database };
}

async function outputOf(target: string): Promise<string> {
  if (target.endsWith('.duckdb')) return dirname(target);
  const info = await stat(target).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`${target}: nothing there; name a job file, a run's folder or a .duckdb file`, { source: target }, causeUnlessMissing(cause));
  });
  return info.isDirectory() ? join(target) : (await loadJob(target)).output;
}

/** That a file is not there is said already; other reasons (no permission ...) are worth a word. */
const causeUnlessMissing = (cause: NodeJS.ErrnoException): ErrorOptions => (cause.code === 'ENOENT' ? {} : { cause });
