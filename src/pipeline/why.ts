// pipeline/why.ts: what changed since the last merge: why tasks of a plan are due. Pure.
import { basename } from 'node:path';
import { canonicalJson } from '../files/hash.ts';
import type { Plan } from './plan.ts';
import { inputsOf } from './plan.ts';
import type { RunRecord } from './run-record.ts';

type Merged = Pick<RunRecord, 'job' | 'inputs' | 'models' | 'failures'>;

/** Names that are listed before the rest is counted. */
const LISTED = 5;

/**
 * Reasons in words, most general first; empty when nothing that a run reads has changed.
 *
 * @param merged  the record of the last merge, null when there is none
 */
export function reasonsDue(plan: Plan, merged: Merged | null): string[] {
  if (merged === null) return ['nothing has been merged yet'];
  const files = inputsOf(plan);
  const before = new Map(merged.inputs.map(({ path, fingerprint }) => [basename(path), fingerprint]));
  const now = new Map(files.map(({ path, fingerprint }) => [basename(path), fingerprint]));
  const only = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>) => [...a.keys()].filter((name) => !b.has(name));
  return [
    ...changedKeys(merged.job, plan.job).map((key) => `${key} changed in the job file`),
    ...listed('new', only(now, before)), ...listed('gone', only(before, now)),
    ...listed('changed', [...now].filter(([name, fingerprint]) => before.has(name) && before.get(name) !== fingerprint).map(([name]) => name)),
    ...plan.survey.models.filter(({ name, card }) => merged.models.some((model) => model.name === name && model.sha256 !== card.sha256)).map(({ name }) => `model ${name} changed`),
    ...(merged.failures.length > 0 ? [`${merged.failures.length} task(s) failed before and are tried again where their input allows it`] : []),
  ];
}

const listed = (what: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`${what}: ${names.slice(0, LISTED).join(', ')}${names.length > LISTED ? ` and ${names.length - LISTED} more` : ''}`];

/** Paths of the keys that differ, down to the first list or value; what decides no result is left out. */
function changedKeys(before: unknown, now: unknown, path = ''): string[] {
  if (SILENT.has(path) || canonicalJson(before) === canonicalJson(now)) return [];
  if (!isRecord(before) || !isRecord(now)) return [path];
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) => changedKeys(before[key], now[key], path === '' ? key : `${path}.${key}`));
}

const SILENT = new Set(['output', 'roots', 'settle_minutes', 'run', 'exports']);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
