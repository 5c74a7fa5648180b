// pipeline/tasks/context.ts: what every kind of task is given. Records only.
import type { PartInfo } from '../../store/parts.ts';
import type { Lookup } from '../ledger.ts';
import type { Plan, Task } from '../plan.ts';
import type { Stopwatch } from './stopwatch.ts';

export interface TaskContext {
  plan: Plan;
  tasks: ReadonlyMap<string, Task>;
  lookup: Lookup;
  requireGpu: boolean;
}

/** One task at work: `key` is the key it writes under. */
export interface TaskCall extends TaskContext {
  task: Task;
  key: string;
  watch: Stopwatch;
}

/** What a task adds to its part.json, beside kind, key, unit, version and seconds. */
export type PartNotes = Pick<PartInfo, 'inputs' | 'voids' | 'counts'> & Partial<Pick<PartInfo, 'provider'>>;
