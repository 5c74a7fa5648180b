// pipeline/ledger.ts: what is done, what failed and what is due, by the parts and the quarantine on disk. IO.
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskKind } from '../types.ts';
import { writeFileAtomically } from '../files/atomic.ts';
import { exists } from '../files/exists.ts';
import { contentKey } from '../files/hash.ts';
import { listPartKeys, partDir } from '../store/parts.ts';
import type { Plan, Task } from './plan.ts';

/** A task without a part: why, and whether the input file itself is at fault. */
export interface Failure {
  key: string;
  kind: TaskKind;
  unit: string;
  reason: string;
  /** file: stays until the file's fingerprint changes; task: tried again in the next run */
  fault: 'file' | 'task';
  attempts: number;
}

/** Where parts and failures are looked up: on disk each time, or in a list read once. */
export interface Lookup {
  hasPart(kind: TaskKind, key: string): Promise<boolean>;
  failureOf(key: string): Promise<Failure | null>;
}

/** Done under a key (another than the task's own when needs failed), failed, or neither yet. */
export type Outcome = { state: 'done'; key: string } | { state: 'failed'; failure: Failure } | { state: 'due' };

const quarantineFile = (output: string, key: string): string => join(output, 'quarantine', `${key}.json`);

export const writeFailure = (output: string, failure: Failure): Promise<void> =>
  writeFileAtomically(quarantineFile(output, failure.key), `${JSON.stringify(failure, null, 1)}\n`);

export const removeFailure = (output: string, key: string): Promise<void> => rm(quarantineFile(output, key), { force: true });

async function readFailure(output: string, key: string): Promise<Failure | null> {
  try {
    return JSON.parse(await readFile(quarantineFile(output, key), 'utf8')) as Failure;
  } catch {
    return null;
  }
}

/** Every failure that a survey's folder holds. */
export async function listFailures(output: string): Promise<Failure[]> {
  const names = await readdir(join(output, 'quarantine')).catch(() => []);
  const failures = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => readFailure(output, name.slice(0, -5))));
  return failures.filter((failure) => failure !== null).sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Look on disk at every question: for a worker, whose needs change while it lives. */
export const diskLookup = (output: string): Lookup => ({
  hasPart: (kind, key) => exists(join(partDir(output, kind, key), 'part.json')),
  failureOf: (key) => readFailure(output, key),
});

/** Read the folders once: for a driver that asks about every task. */
export async function listedLookup(output: string): Promise<Lookup> {
  const kinds: TaskKind[] = ['bucket', 'canopy', 'model', 'measure'];
  const parts = new Map(await Promise.all(kinds.map(async (kind) => [kind, await listPartKeys(output, kind)] as const)));
  const failures = new Map((await listFailures(output)).map((failure) => [failure.key, failure]));
  return {
    hasPart: async (kind, key) => parts.get(kind)?.has(key) ?? false,
    failureOf: async (key) => failures.get(key) ?? null,
  };
}

export const tasksByKey = (plan: Plan): Map<string, Task> => new Map(plan.tasks.map((task) => [task.key, task]));

/** What became of a task. */
export async function outcomeOf(task: Task, tasks: ReadonlyMap<string, Task>, lookup: Lookup): Promise<Outcome> {
  if (await lookup.hasPart(task.kind, task.key)) return { state: 'done', key: task.key };
  const failure = await lookup.failureOf(task.key);
  if (failure) return { state: 'failed', failure };
  const key = await writtenKey(task, tasks, lookup);
  return key !== task.key && await lookup.hasPart(task.kind, key) ? { state: 'done', key } : { state: 'due' };
}

/**
 * The key under which a task writes: its own, or, beside failed needs, a hash of it with them, so that only a merge
 * with the same failures looks there and the healed survey computes it again.
 */
export async function writtenKey(task: Task, tasks: ReadonlyMap<string, Task>, lookup: Lookup): Promise<string> {
  const wounds: string[] = [];
  for (const need of task.needs) {
    const outcome = await outcomeOf(tasks.get(need)!, tasks, lookup);
    if (outcome.state === 'failed') wounds.push(`failed ${need}`);
    if (outcome.state === 'done' && outcome.key !== need) wounds.push(outcome.key);
  }
  return wounds.length === 0 ? task.key : contentKey([task.key, wounds.sort()]);
}
