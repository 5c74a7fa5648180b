// pipeline/engines/engine.ts: what every engine is given and tells back. Engines hand out task keys; plan and parts are the truth.
import type { Plan, Task } from '../plan.ts';
import type { Failure } from '../ledger.ts';

/** What a worker says of a finished task. */
export interface TaskReport {
  seconds: number;
  /** peak resident memory of the worker so far, MB */
  peakMb: number;
}

export interface EngineEvents {
  started(task: Task): void;
  done(task: Task, report: TaskReport): Promise<void>;
  failed(task: Task, failure: Failure): Promise<void>;
  /** resident memory of all processes together, MB */
  memory(mb: number): void;
}

export interface EngineRequest {
  plan: Plan;
  planPath: string;
  /** tasks to run, in the plan's order */
  due: readonly Task[];
  workers: number;
  requireGpu: boolean;
  events: EngineEvents;
  /** aborted: start nothing more and return when what is in flight has finished */
  stop: AbortSignal;
}

/** Runs every due task once its needs are done or failed. */
export type Engine = (request: EngineRequest) => Promise<void>;

/** Errors of the machine, not of a task: the run ends. */
export class FatalTaskError extends Error {}

const FATAL_CODES = new Set(['ENOSPC', 'EROFS', 'EDQUOT', 'EMFILE']);

/** True when an error, or one that caused it, says that the disk is full or cannot be written. */
export function isFatal(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && FATAL_CODES.has(String(at.code))) return true;
    if (/no space left on device/i.test(at.message)) return true;
  }
  return false;
}
