// pipeline/due.ts: which tasks of a plan have to run, and which have their parts. IO.
import { join } from 'node:path';
import { exists } from '../files/exists.ts';
import type { Lookup } from './ledger.ts';
import { listedLookup, outcomeOf, tasksByKey } from './ledger.ts';
import type { Plan, Task } from './plan.ts';
import { readRunRecord } from './run-record.ts';
import type { TaskContext } from './tasks/context.ts';
import { databasePath, mergedKey } from './tasks/merge.ts';

export interface DueTasks {
  /** in the plan's order */
  tasks: Task[];
  /** tasks whose part exists, or whose failure stands */
  known: number;
}

/** What a run would find once it has forgotten the failures that it tries again. */
const retrying = (lookup: Lookup): Lookup => ({ ...lookup, failureOf: async (key) => lookup.failureOf(key).then((failure) => (failure?.fault === 'task' ? null : failure)) });

/**
 * Tasks without a part. A bucket is due only if a due canopy task needs it; the merge is due when anything else is,
 * or when the database does not stand on these very parts.
 *
 * @param again  as a run sees it: failed tasks are due again, but those whose input file itself is at fault
 */
export async function dueTasks(plan: Plan, { again = false } = {}): Promise<DueTasks> {
  const tasks = tasksByKey(plan), listed = await listedLookup(plan.output), lookup = again ? retrying(listed) : listed, due = new Set<string>();
  for (const task of plan.tasks) {
    if (task.kind === 'merge' || task.kind === 'bucket') continue;
    if ((await outcomeOf(task, tasks, lookup)).state === 'due') due.add(task.key);
  }
  for (const task of plan.tasks) {
    if (task.kind !== 'canopy' || !due.has(task.key)) continue;
    for (const need of task.needs) if ((await outcomeOf(tasks.get(need)!, tasks, lookup)).state === 'due') due.add(need);
  }
  const merge = plan.tasks.find(({ kind }) => kind === 'merge')!;
  if (due.size > 0 || !(await isMerged({ plan, tasks, lookup: listed, requireGpu: false }))) due.add(merge.key);
  return { tasks: plan.tasks.filter(({ key }) => due.has(key)), known: plan.tasks.filter(({ kind, key }) => kind !== 'bucket' && !due.has(key)).length };
}


async function isMerged(context: TaskContext): Promise<boolean> {
  const { plan } = context;
  const record = await readRunRecord(plan.output);
  if (!record) return false;
  if (!(await exists(databasePath(plan.output)))) return false;
  for (const name of Object.keys(record.canonical_rasters)) {
    const stem = join(plan.output, 'rasters', name);
    if (!(await exists(`${stem}.tif`)) && !(await exists(`${stem}.vrt`))) return false;
  }
  return record.merge_key === await mergedKey(context);
}
