// pipeline/clean.ts: what a survey's folder holds that no plan needs any more: parts, quarantine, leftovers, old logs. IO.
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskKind } from '../types.ts';
import { TEMPORARY, removeAtomically } from '../files/atomic.ts';
import { exists } from '../files/exists.ts';
import { dueTasks } from './due.ts';
import { listedLookup, outcomeOf, tasksByKey } from './ledger.ts';
import { readPlan } from './plan-file.ts';
import type { Plan } from './plan.ts';
import { planFile } from './run.ts';

export type LitterKind = 'part' | 'quarantine' | 'leftover' | 'log' | 'plan';

/** A file or folder that may go. */
export interface Litter {
  kind: LitterKind;
  path: string;
  bytes: number;
}

export interface CleanOptions {
  /** parts and leftovers only */
  partsOnly?: boolean;
  /** all that a run makes again by itself: parts, quarantine, logs and the plan */
  allParts?: boolean;
  now: Date;
}

/** Logs are kept for this long. */
const LOG_DAYS = 30;
const DAY_MS = 24 * 3600_000;

/** Kinds whose parts the plan names; other folders of parts/ hold layers by keys that the plan mentions. */
const TASK_KINDS: readonly string[] = ['bucket', 'canopy', 'model', 'measure'] satisfies TaskKind[];

/**
 * Find what may go. The inventory (also the previous and the rejected one), rasters/, exports/, report/ and run.json are never among it,
 * but for temporary files that a killed run left beside them. The caller holds the survey's lock.
 *
 * Without a plan only leftovers and old logs are known to be needed by nobody.
 */
export async function findLitter(output: string, { partsOnly = false, allParts = false, now }: CleanOptions): Promise<Litter[]> {
  const leftovers = await findLeftovers(output);
  if (allParts) return [...await wholeFolders(output), ...leftovers.filter(({ path }) => !path.startsWith(join(output, 'parts')))];
  const plan = await readPlan(planFile(output)).catch(() => null);
  const parts = plan === null ? [] : await findParts(plan, output);
  if (partsOnly) return [...parts, ...leftovers];
  return [...parts, ...(plan === null ? [] : await findQuarantine(plan, output)), ...leftovers, ...await findLogs(output, now)];
}

/** Remove what was found. A part is renamed first, so that it is whole or absent if this is killed. */
export async function removeLitter(litter: readonly Litter[]): Promise<void> {
  for (const { kind, path } of litter) await (kind === 'part' ? removeAtomically(path) : rm(path, { recursive: true, force: true }));
}

async function wholeFolders(output: string): Promise<Litter[]> {
  const names: [LitterKind, string][] = [['part', 'parts'], ['quarantine', 'quarantine'], ['log', 'log'], ['plan', 'plan.json']], found: Litter[] = [];
  for (const [kind, name] of names) if (await exists(join(output, name))) found.push(await litter(kind, join(output, name)));
  return found;
}

/** Parts of other keys than the plan's. Buckets are scratch: they stay only while a due task needs them. */
async function findParts(plan: Plan, output: string): Promise<Litter[]> {
  const kept = await keptKeys(plan), text = await readFile(planFile(output), 'utf8'), found: Litter[] = [];
  for (const kind of await namesIn(join(output, 'parts'))) {
    for (const prefix of await namesIn(join(output, 'parts', kind))) {
      for (const key of await namesIn(join(output, 'parts', kind, prefix))) {
        if (key.endsWith(TEMPORARY) || !key.startsWith(prefix)) continue; // a leftover, or nothing that we know
        const isKept = TASK_KINDS.includes(kind) ? kept.has(`${kind} ${key}`) : text.includes(key);
        if (!isKept) found.push(await litter('part', join(output, 'parts', kind, prefix, key)));
      }
    }
  }
  return found;
}

async function keptKeys(plan: Plan): Promise<Set<string>> {
  const tasks = tasksByKey(plan), lookup = await listedLookup(plan.output), kept = new Set<string>();
  for (const task of plan.tasks) {
    if (task.kind === 'bucket' || task.kind === 'merge') continue;
    const outcome = await outcomeOf(task, tasks, lookup);
    kept.add(`${task.kind} ${task.key}`);
    if (outcome.state === 'done') kept.add(`${task.kind} ${outcome.key}`); // written beside failed needs, under another key
  }
  for (const { kind, needs } of (await dueTasks(plan, { again: true })).tasks) if (kind === 'canopy') for (const need of needs) kept.add(`bucket ${need}`);
  return kept;
}

async function findQuarantine(plan: Plan, output: string): Promise<Litter[]> {
  const planned = new Set(plan.tasks.map(({ key }) => key)), names = await namesIn(join(output, 'quarantine'));
  return Promise.all(names.filter((name) => name.endsWith('.json') && !planned.has(name.slice(0, -5))).map((name) => litter('quarantine', join(output, 'quarantine', name))));
}

/** Names that `files/` gives to what is not whole: a user's own .tmp files are left alone. */
const LEFTOVER = /(\.\d+\.[0-9a-f]{8}|\.staged|\.duckdb)\.tmp(\.wal)?$/;
const FOLDERS = ['parts', 'quarantine', 'rasters', 'exports', 'report', 'log'];

/** Temporary files and folders that killed processes left. The folder itself may be the user's: below it only our own are looked through. */
async function findLeftovers(output: string): Promise<Litter[]> {
  const found: Litter[] = [];
  const look = async (dir: string, isDeep: boolean): Promise<void> => {
    for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
      const path = join(dir, entry.name);
      if (LEFTOVER.test(entry.name)) found.push(await litter('leftover', path));
      else if (isDeep && entry.isDirectory()) await look(path, true);
    }
  };
  await look(output, false);
  for (const name of FOLDERS) await look(join(output, name), true);
  return found;
}

async function findLogs(output: string, now: Date): Promise<Litter[]> {
  const dir = join(output, 'log'), names = await namesIn(dir), oldest = now.getTime() - LOG_DAYS * DAY_MS;
  const isOld = (name: string): boolean => Date.parse(/^(\d{4}-\d\d-\d\d)\.ndjson$/.exec(name)?.[1] ?? '') < oldest;
  return Promise.all(names.filter(isOld).map((name) => litter('log', join(dir, name))));
}

const namesIn = async (dir: string): Promise<string[]> => (await readdir(dir).catch(() => [])).sort();
const litter = async (kind: LitterKind, path: string): Promise<Litter> => ({ kind, path, bytes: await bytesBelow(path) });

async function bytesBelow(path: string): Promise<number> {
  const info = await stat(path).catch(() => null);
  if (!info) return 0;
  if (!info.isDirectory()) return info.size;
  let bytes = 0;
  for (const name of await namesIn(path)) bytes += await bytesBelow(join(path, name));
  return bytes;
}
