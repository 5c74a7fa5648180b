// cli/commands/run.ts: `understory run JOB...`: the nightly run.
import { join } from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { EXIT, UnderstoryError, messageOf } from '../../errors.ts';
import { FatalTaskError } from '../../pipeline/engines/engine.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import type { RunResult } from '../../pipeline/run.ts';
import { runSurvey } from '../../pipeline/run.ts';
import { databasePath } from '../../pipeline/tasks/merge.ts';
import type { GlobalOptions } from '../options.ts';
import { clock, progressLine } from '../progress.ts';
import { openRunLog } from '../run-log.ts';

/** Exit codes of several jobs, worst first. */
const WORST: readonly ExitCode[] = [EXIT.interrupted, EXIT.failed, EXIT.io, EXIT.engine, EXIT.locked, EXIT.usage, EXIT.gate, EXIT.voids, EXIT.ok];

export async function run(jobs: string[], options: GlobalOptions & { requireGpu?: boolean; verify?: boolean }): Promise<ExitCode> {
  const stop = stopOnSignals(), codes: ExitCode[] = [];
  for (const job of jobs) {
    if (stop.aborted) break;
    if (jobs.length === 1) return runJob(job, options, stop);
    codes.push(await runJob(job, options, stop).catch((error: unknown) => {
      console.error(`error: ${messageOf(error)}`);
      return error instanceof UnderstoryError ? error.exitCode : error instanceof FatalTaskError ? EXIT.io : EXIT.failed;
    }));
  }
  return WORST.find((code) => codes.includes(code)) ?? EXIT.ok;
}

/** The first Ctrl-C finishes what is in flight, the second stops now. */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      console.error('\nFinishing the tasks in flight; once more stops now. Nothing is lost: the next run goes on from here.');
      controller.abort();
    });
  }
  return controller.signal;
}

async function runJob(path: string, { requireGpu = false, verify = false, json }: GlobalOptions & { requireGpu?: boolean; verify?: boolean }, stop: AbortSignal): Promise<ExitCode> {
  const loaded = await loadJob(path), line = progressLine(), log = await openRunLog(loaded.output), started = performance.now();
  const result = await runSurvey(loaded, {
    requireGpu, verify, stop,
    watch: {
      notes: ({ faults, waiting, ground }) => {
        for (const { path: file, reason } of faults) console.error(`left out: ${file}: ${reason}`);
        if (waiting.length > 0) console.error(`${waiting.length} file(s) younger than settle_minutes wait for the next run`);
        if (ground) console.error(ground);
        log.info({ faults, waiting, ground }, 'inputs');
      },
      planned: (plan, due) => {
        console.error(due.tasks.length === 0 ? `${loaded.job.survey}: nothing to do, ${due.known} parts are up to date` : `${loaded.job.survey}: ${due.tasks.length} tasks due, ${due.known} parts up to date`);
        log.info({ run_id: plan.run_id, due: due.tasks.length, known: due.known }, 'planned');
      },
      progress: (progress) => line.show(progress),
      failed: (task, reason) => {
        line.end();
        console.error(`failed: ${task.kind}: ${reason}`);
        log.error({ key: task.key, kind: task.kind, step: task.step, reason }, 'task failed');
      },
    },
  }).finally(() => line.end());
  log.info({ exit_code: result.exitCode, tasks_run: result.tasksRun, failures: result.failures, seconds: (performance.now() - started) / 1000 }, 'finished');
  sayResult(result, (performance.now() - started) / 1000, json ?? false);
  return result.exitCode;
}

function sayResult({ exitCode, plan, tasksRun, failures, exported }: RunResult, seconds: number, json: boolean): void {
  const database = databasePath(plan.output), rasters = join(plan.output, 'rasters');
  if (json) {
    console.log(JSON.stringify({ run_id: plan.run_id, exit_code: exitCode, tasks_run: tasksRun, failures, seconds, database, rasters, exports: exported }));
    return;
  }
  const state = exitCode === EXIT.interrupted ? 'interrupted; run it again to go on' : failures > 0 ? `done with ${failures} failed task(s): see the table void and quarantine/` : 'done';
  console.error(`${plan.survey.name}: ${state}, ${tasksRun} tasks in ${clock(seconds)}`);
  if (exitCode === EXIT.interrupted) return;
  console.log([database, rasters, ...exported].join('\n'));
}
