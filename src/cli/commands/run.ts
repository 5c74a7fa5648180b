// cli/commands/run.ts: `understory run JOB...`: the nightly run.
import { join } from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import type { RunResult } from '../../pipeline/run.ts';
import { runSurvey } from '../../pipeline/run.ts';
import { databasePath } from '../../pipeline/tasks/merge.ts';
import type { ErrorRecord } from '../fail.ts';
import { errorRecord, sayError } from '../fail.ts';
import { faultText, isWarning } from '../notes.ts';
import type { GlobalOptions } from '../options.ts';
import { clock, progressLine } from '../progress.ts';
import { openRunLog } from '../run-log.ts';

/** Exit codes of several jobs, worst first. */
const WORST: readonly ExitCode[] = [EXIT.interrupted, EXIT.failed, EXIT.io, EXIT.engine, EXIT.locked, EXIT.usage, EXIT.gate, EXIT.voids, EXIT.ok];

type RunCommandOptions = GlobalOptions & { requireGpu?: boolean; verify?: boolean };

/** Run surveys one after the other; with --json one record for one job, a list for several. */
export async function run(jobs: string[], options: RunCommandOptions): Promise<ExitCode> {
  const stop = stopOnSignals(), records: (RunReport | ErrorRecord)[] = [];
  for (const job of jobs) {
    if (stop.aborted) break;
    const record = await runJob(job, options, stop).catch((error: unknown) => {
      if (!options.json) sayError(error, options);
      return { job, ...errorRecord(error) };
    });
    records.push(record);
  }
  if (options.json) console.log(JSON.stringify(jobs.length === 1 ? records[0] : records));
  const codes: ExitCode[] = records.map(({ exit_code }) => exit_code);
  if (stop.aborted && records.length < jobs.length) codes.push(EXIT.interrupted);
  return worstOf(codes);
}

/** The worst of several exit codes, by the order of DESIGN section 7. */
export const worstOf = (codes: readonly ExitCode[]): ExitCode => WORST.find((code) => codes.includes(code)) ?? EXIT.ok;

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

async function runJob(path: string, { requireGpu = false, verify = false, json = false }: RunCommandOptions, stop: AbortSignal): Promise<RunReport> {
  const loaded = await loadJob(path), line = progressLine(), log = await openRunLog(loaded.output), started = performance.now();
  const result = await runSurvey(loaded, {
    requireGpu, verify, stop,
    watch: {
      warn: (text) => {
        line.end();
        console.error(`warning: ${text}`);
        log.warn(text);
      },
      notes: ({ faults, waiting, ground, inputs }) => {
        for (const fault of faults) console.error(`left out: ${faultText(fault)}`);
        for (const warning of inputs.filter(isWarning)) console.error(`warning: ${warning}`);
        if (waiting.length > 0) console.error(`${waiting.length} file(s) younger than settle_minutes wait for the next run`);
        if (ground && loaded.job.inputs.lidar) console.error(ground);
        log.info({ faults, waiting, ground, inputs }, 'inputs');
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
  const seconds = (performance.now() - started) / 1000;
  log.info({ exit_code: result.exitCode, tasks_run: result.tasksRun, failures: result.failures, seconds }, 'finished');
  if (!json) sayResult(result, seconds);
  return reportOf(path, result, seconds);
}

/** What `--json` prints of a run. */
interface RunReport {
  job: string;
  run_id: string;
  exit_code: ExitCode;
  tasks_run: number;
  failures: number;
  left_out: number;
  seconds: number;
  database: string;
  rasters: string;
  exports: string[];
}

const reportOf = (job: string, { exitCode, plan, tasksRun, failures, exported }: RunResult, seconds: number): RunReport => ({
  job, run_id: plan.run_id, exit_code: exitCode, tasks_run: tasksRun, failures, left_out: plan.survey.faults.length, seconds,
  database: databasePath(plan.output), rasters: join(plan.output, 'rasters'), exports: exported,
});

function sayResult({ exitCode, plan, tasksRun, failures, exported }: RunResult, seconds: number): void {
  const leftOut = plan.survey.faults.length;
  const wounds = [...(failures > 0 ? [`${failures} failed task(s): see the table void and quarantine/`] : []), ...(leftOut > 0 ? [`${leftOut} file(s) left out: see the table input_file`] : [])];
  const state = exitCode === EXIT.interrupted ? 'interrupted; run it again to go on' : `done${wounds.length > 0 ? ` with ${wounds.join(' and ')}` : ''}`;
  console.error(`${plan.survey.name}: ${state}, ${tasksRun} tasks in ${clock(seconds)}`);
  if (exitCode === EXIT.interrupted || exitCode === EXIT.failed) return;
  console.log([databasePath(plan.output), join(plan.output, 'rasters'), ...exported].join('\n'));
}
