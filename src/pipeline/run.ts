// pipeline/run.ts: a survey's nightly run: plan, work what is due, merge, export. IO.
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { ExitCode } from '../errors.ts';
import { EXIT } from '../errors.ts';
import { writeFileAtomically } from '../files/atomic.ts';
import { takeLock } from '../files/lock.ts';
import { listPartKeys, removePart, sweepTemporaries } from '../store/parts.ts';
import { autoWorkers, runLocal } from './engines/local.ts';
import { plannedFailures, surveyExitCode } from './exit-code.ts';
import { writeExports } from './exports.ts';
import type { LoadedJob } from './job-file.ts';
import { listFailures, removeFailure } from './ledger.ts';
import type { Plan, Task } from './plan.ts';
import { makePlan } from './plan.ts';
import type { SurveyNotes } from './read-survey.ts';
import { readSurvey } from './read-survey.ts';
import { addRunCost, readRunRecord } from './run-record.ts';
import type { DueTasks } from './due.ts';
import { dueTasks } from './due.ts';
import { RunTally } from './run-tally.ts';

export interface RunOptions {
  requireGpu?: boolean;
  /** read inputs whole, to find what changed where fingerprints do not look */
  verify?: boolean;
  /** told as the run goes on; for progress bars and logs */
  watch?: RunWatcher;
  /** aborted: finish what is in flight, then stop */
  stop?: AbortSignal;
}

export interface RunWatcher {
  planned?(plan: Plan, due: DueTasks): void;
  progress?(progress: Progress): void;
  failed?(task: Task, reason: string): void;
  notes?(notes: SurveyNotes): void;
  warn?(text: string): void;
}

export interface Progress {
  done: number;
  total: number;
  failed: number;
  /** kinds of the tasks at work */
  working: string[];
  seconds: number;
}

export interface RunResult {
  exitCode: ExitCode;
  plan: Plan;
  tasksRun: number;
  failures: number;
  exported: string[];
}

export const planFile = (output: string): string => join(output, 'plan.json');

/** Held by whoever may change plan.json or run tasks. */
export const lockFile = (output: string): string => join(output, 'run.lock');

/** Make a survey's plan from headers and write plan.json. */
export async function planSurvey(loaded: LoadedJob, { verify = false, watch }: Pick<RunOptions, 'verify' | 'watch'> = {}): Promise<Plan> {
  const { survey, notes } = await readSurvey(loaded, { verify });
  watch?.notes?.(notes);
  const plan = makePlan({ job: loaded.job, jobFile: loaded.path, output: loaded.output, survey, now: new Date() });
  await writeFileAtomically(planFile(loaded.output), JSON.stringify(plan));
  return plan;
}

/**
 * Run a survey to its end: what has a part is not computed again, and a run that was killed goes on where it was.
 *
 * @returns exit code 0, or 3 where something is void by failure
 * @throws {LockedError} when another run is at work; {FatalTaskError} when the disk is full
 */
export async function runSurvey(loaded: LoadedJob, options: RunOptions = {}): Promise<RunResult> {
  const unlock = await takeLock(lockFile(loaded.output));
  try {
    return await runLocked(loaded, options);
  } finally {
    await unlock();
  }
}

async function runLocked(loaded: LoadedJob, options: RunOptions): Promise<RunResult> {
  const started = new Date(), clock = performance.now();
  const plan = await planSurvey(loaded, options);
  await forgetTaskFailures(plan);
  await sweepTemporaries(plan.output);
  const due = await dueTasks(plan);
  await sweepBuckets(plan, due);
  options.watch?.planned?.(plan, due);
  const workers = autoWorkers(plan, cpus().length), tally = new RunTally(plan, due, options, clock);
  if (due.tasks.length > 0) {
    const stop = options.stop ?? new AbortController().signal;
    await runLocal({ plan, planPath: planFile(plan.output), due: due.tasks, workers, requireGpu: options.requireGpu ?? false, events: tally.events, stop });
    if (stop.aborted) return { exitCode: EXIT.interrupted, plan, tasksRun: tally.done, failures: tally.failed, exported: [] };
  }
  const failures = await plannedFailures(plan), exitCode = surveyExitCode(plan, failures);
  if (exitCode === EXIT.failed) return { exitCode, plan, tasksRun: tally.done, failures: failures.length, exported: [] };
  if (due.tasks.length > 0) {
    for (const { name, warnings } of (await readRunRecord(plan.output))?.models ?? []) for (const text of warnings ?? []) options.watch?.warn?.(`model ${name}: ${text}`);
    await addRunCost(plan.output, {
      started_at: started.toISOString(), seconds: Math.round(performance.now() - clock) / 1000, workers, engine: plan.job.run.engine,
      peak_memory_mb: tally.peakMb, tasks_run: tally.done, tasks_known: due.known,
    }, tally.decoded, tally.bucketSeconds);
  }
  if (plan.job.ground.method === 'auto' && plan.survey.groundMethod === 'smrf' && tally.groundReturns > 0) options.watch?.warn?.(`${tally.groundReturns} returns are of class 2, though none of those looked at first was: the ground is by SMRF; to use the classes, say ground: { method: classified }`);
  const exported = await writeExports(plan);
  return { exitCode, plan, tasksRun: tally.done, failures: failures.length, exported };
}

/** Buckets that a killed run left and no due task needs. */
async function sweepBuckets({ output }: Plan, due: DueTasks): Promise<void> {
  const needed = new Set(due.tasks.flatMap(({ needs }) => needs));
  for (const key of await listPartKeys(output, 'bucket')) if (!needed.has(key)) await removePart(output, 'bucket', key);
}

/** A failed task is tried again in the next run; a broken file only when it changes, and then its bucket has another key. */
async function forgetTaskFailures({ output }: Plan): Promise<void> {
  for (const failure of await listFailures(output)) if (failure.fault === 'task') await removeFailure(output, failure.key);
}
