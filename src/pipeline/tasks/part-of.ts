// pipeline/tasks/part-of.ts: the part of a task, or why there is none. IO.
import { UnderstoryError } from '../../errors.ts';
import { inParallel } from '../../files/in-parallel.ts';
import type { Part } from '../../store/parts.ts';
import { findPart } from '../../store/parts.ts';
import { outcomeOf } from '../ledger.ts';
import type { Task } from '../plan.ts';
import { unitName } from '../unit.ts';
import type { TaskContext } from './context.ts';

export interface PartOrFailure {
  task: Task;
  part: Part | null;
  /** the reason, where the task failed */
  failure: string | null;
}

const AT_ONCE = 16;

/** @throws {UnderstoryError} when the task has been neither done nor tried */
export async function partOf({ plan, tasks, lookup }: TaskContext, task: Task): Promise<PartOrFailure> {
  const outcome = await outcomeOf(task, tasks, lookup);
  if (outcome.state === 'failed') return { task, part: null, failure: outcome.failure.reason };
  const part = outcome.state === 'done' ? await findPart(plan.output, task.kind, outcome.key) : null;
  if (!part) throw new UnderstoryError(`${task.kind} ${unitName(task, plan)} (${task.key}) is needed and has not been made; run its tasks first`);
  return { task, part, failure: null };
}

/** As `partOf`, of many tasks, in their order. */
export const partsOf = (context: TaskContext, tasks: readonly Task[]): Promise<PartOrFailure[]> => inParallel(tasks, AT_ONCE, (task) => partOf(context, task));
