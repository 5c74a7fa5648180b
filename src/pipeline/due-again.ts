// pipeline/due-again.ts: what a run would do now: it forgets failed tasks and tries them again. IO.
import type { DueTasks } from './due.ts';
import { dueTasks } from './due.ts';
import { plannedFailures } from './exit-code.ts';
import type { Lookup } from './ledger.ts';
import { listedLookup, outcomeOf, tasksByKey } from './ledger.ts';
import type { Plan } from './plan.ts';

/** As `dueTasks`, as though every failure that a run tries again were forgotten already; nothing is. */
export async function dueAgain(plan: Plan): Promise<DueTasks> {
  const { tasks: first, known } = await dueTasks(plan), again = (await plannedFailures(plan)).filter(({ fault }) => fault === 'task');
  if (again.length === 0) return { tasks: first, known };
  const tasks = tasksByKey(plan), listed = await listedLookup(plan.output), due = new Set(first.map(({ key }) => key));
  const lookup: Lookup = { ...listed, failureOf: async (key) => listed.failureOf(key).then((failure) => (failure?.fault === 'task' ? null : failure)) };
  const isDue = async (key: string): Promise<boolean> => (await outcomeOf(tasks.get(key)!, tasks, lookup)).state === 'due';
  for (const { kind, key } of plan.tasks) if (kind === 'merge' || (kind !== 'bucket' && await isDue(key))) due.add(key);
  for (const { kind, key, needs } of plan.tasks) {
    if (kind !== 'canopy' || !due.has(key)) continue;
    for (const need of needs) if (await isDue(need)) due.add(need);
  }
  return { tasks: plan.tasks.filter(({ key }) => due.has(key)), known: plan.tasks.filter(({ kind, key }) => kind !== 'bucket' && !due.has(key)).length };
}
