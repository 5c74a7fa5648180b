// pipeline/run-record.ts: run.json: what was done, with which inputs, and what it cost. IO.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskKind } from '../types.ts';
import { writeFileAtomically } from '../files/atomic.ts';
import type { CanonicalHash } from '../store/canonical.ts';
import type { Part } from '../store/parts.ts';
import { VERSION } from '../version.ts';
import type { Domain } from '../infer/domain-report.ts';
import type { ModelDomain } from './domain.ts';
import { listFailures } from './ledger.ts';
import type { Failure } from './ledger.ts';
import type { Plan, Task } from './plan.ts';
import { inputsOf } from './plan.ts';
import { networkOf } from './plan-models.ts';
import type { TaskContext } from './tasks/context.ts';
import { partsOf } from './tasks/part-of.ts';
import type { RasterSummary } from './tasks/merge-rasters.ts';

/** What the processes of one run cost; the driver adds it when all is done. */
export interface RunCost {
  started_at: string;
  seconds: number;
  workers: number;
  engine: string;
  /** highest resident memory of all processes together, MB */
  peak_memory_mb: number;
  tasks_run: number;
  tasks_known: number;
}

export interface RunRecord {
  run_id: string;
  survey: string;
  version: string;
  node: string;
  crs: string;
  config_hash: string;
  merge_key: string;
  job: Plan['job'];
  inputs: { path: string; fingerprint: string }[];
  /** how the ground was found: what `auto` came to */
  ground: Plan['survey']['groundMethod'];
  models: { name: string; sha256: string; provider: string[]; domain?: Domain; warnings?: string[] }[];
  faults: Plan['survey']['faults'];
  waiting: string[];
  failures: Pick<Failure, 'kind' | 'unit' | 'reason' | 'attempts'>[];
  /** canonical hash of each table */
  canonical: Record<string, CanonicalHash>;
  /** canonical hash of each raster */
  canonical_rasters: Record<string, RasterSummary>;
  /** sums over the parts that this result stands on */
  counts: Record<string, number>;
  /** decoded points / input points of the buckets that were made: 1 when every file is read once */
  decoded_ratio: number | null;
  /** seconds by kind of task and stage, summed over parts */
  profile: Record<string, Record<string, number>>;
  cost?: RunCost;
}

const recordPath = (output: string): string => join(output, 'run.json');

/** The record of the last merge, or null. */
export async function readRunRecord(output: string): Promise<RunRecord | null> {
  const text = await readFile(recordPath(output), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as RunRecord);
}

interface Merged {
  canonical: Record<string, CanonicalHash>;
  canonicalRasters: Record<string, RasterSummary>;
  domains: readonly ModelDomain[];
  mergeKey: string;
  mergeSeconds: number;
}

/** Write run.json after a merge. */
export async function writeRunRecord(context: TaskContext, { canonical, canonicalRasters, domains, mergeKey, mergeSeconds }: Merged): Promise<void> {
  const { plan } = context, { survey } = plan;
  const sums = await sumParts(context), failures = await listFailures(plan.output);
  const planned = new Set(plan.tasks.map(({ key }) => key));
  const record: RunRecord = {
    run_id: plan.run_id, survey: survey.name, version: VERSION, node: process.version, crs: `EPSG:${survey.crs.epsg}`, config_hash: plan.config_hash, merge_key: mergeKey, job: plan.job,
    inputs: inputsOf(plan).map(({ path, fingerprint }) => ({ path, fingerprint })), ground: survey.groundMethod,
    models: survey.models.map(({ name, card }, i) => ({ name, sha256: card.sha256, provider: [...(sums.providers.get(networkOf(survey, i)) ?? [])].sort(), ...domains[i]! })),
    faults: survey.faults, waiting: survey.waiting,
    failures: failures.filter(({ key }) => planned.has(key)).map(({ kind, unit, reason, attempts }) => ({ kind, unit, reason, attempts })),
    canonical, canonical_rasters: canonicalRasters, counts: sums.counts, decoded_ratio: null, profile: { ...profileOf(sums), merge: { seconds: round(mergeSeconds) } },
  };
  await save(plan.output, record);
}

/** Say that run.json no longer describes what lies beside it, until the merge that is at work has ended. */
export async function markUnmerged(output: string): Promise<void> {
  const record = await readRunRecord(output);
  if (record) await save(output, { ...record, merge_key: '' });
}

/** What a driver knows beside the merge: buckets come and go with a run, so it counts what was decoded. */
export async function addRunCost(output: string, cost: RunCost, decoded: { points: number; input: number } | null, bucketProfile: Record<string, number>): Promise<void> {
  const record = await readRunRecord(output);
  if (!record) return;
  const profile = Object.keys(bucketProfile).length === 0 ? record.profile : { bucket: roundAll(bucketProfile), ...record.profile };
  await save(output, { ...record, cost, decoded_ratio: decoded && decoded.input > 0 ? decoded.points / decoded.input : record.decoded_ratio, profile });
}

const save = (output: string, record: RunRecord): Promise<void> => writeFileAtomically(recordPath(output), `${JSON.stringify(record, null, 2)}\n`);

/** Figures summed over the parts that a result stands on. */
interface PartSums {
  counts: Record<string, number>;
  profile: Partial<Record<TaskKind, Record<string, number>>>;
  /** execution providers by model's index */
  providers: Map<number, Set<string>>;
}

const PARTS_AT_ONCE = 1000;

/** Read part after part: memory holds the sums. */
async function sumParts(context: TaskContext): Promise<PartSums> {
  const sums: PartSums = { counts: {}, profile: {}, providers: new Map() };
  const tasks = context.plan.tasks.filter(({ kind }) => kind === 'canopy' || kind === 'model' || kind === 'measure');
  for (let i = 0; i < tasks.length; i += PARTS_AT_ONCE) {
    for (const { task, part } of await partsOf(context, tasks.slice(i, i + PARTS_AT_ONCE))) if (part) addPart(sums, task, part.info);
  }
  return sums;
}

function addPart({ counts, profile, providers }: PartSums, { unit }: Task, info: Part['info']): void {
  for (const [name, value] of Object.entries(info.counts)) counts[`${info.kind}_${name}`] = (counts[`${info.kind}_${name}`] ?? 0) + value;
  const stages = (profile[info.kind] ??= {});
  for (const [stage, seconds] of Object.entries(info.seconds)) stages[stage] = (stages[stage] ?? 0) + seconds;
  if (info.provider && 'model' in unit) providers.set(unit.model, (providers.get(unit.model) ?? new Set()).add(info.provider));
}

const profileOf = ({ profile }: PartSums): Record<string, Record<string, number>> => Object.fromEntries(Object.entries(profile).map(([kind, stages]) => [kind, roundAll(stages)]));

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
const roundAll = (stages: Record<string, number>): Record<string, number> => Object.fromEntries(Object.entries(stages).map(([stage, seconds]) => [stage, round(seconds)]));
