// pipeline/failure.ts: what a thrown error says about a task. Pure.
import { InvalidInput, IoError, messageOf } from '../errors.ts';
import type { Failure } from './ledger.ts';
import type { Plan, Task } from './plan.ts';
import { unitName } from './unit.ts';

/** A bucket that fails on its file's own bytes is the file's fault: it is not tried again until the file changes. A file that cannot be opened may be there tomorrow. */
export function failureOf(plan: Plan, task: Task, error: unknown): Failure {
  const isOfBytes = error instanceof InvalidInput || (error instanceof IoError && error.cause === undefined);
  const fault = task.kind === 'bucket' && isOfBytes ? 'file' : 'task';
  return { key: task.key, kind: task.kind, unit: unitName(task, plan), reason: messageOf(error), fault, attempts: 1 };
}
