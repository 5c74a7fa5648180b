// pipeline/failure.ts: what a thrown error says about a task. Pure.
import { InvalidInput, IoError, messageOf } from '../errors.ts';
import type { Failure } from './ledger.ts';
import type { Plan, Task } from './plan.ts';
import { unitName } from './unit.ts';

/** A bucket that fails on its file's own bytes is the file's fault: it is not tried again until the file changes. */
export function failureOf(plan: Plan, task: Task, error: unknown): Failure {
  const fault = task.kind === 'bucket' && (error instanceof InvalidInput || error instanceof IoError) ? 'file' : 'task';
  return { key: task.key, kind: task.kind, unit: unitName(task, plan), reason: messageOf(error), fault, attempts: 1 };
}
