// cli/commands/merge.ts: `understory merge --plan FILE`.
import type { ExitCode } from '../../errors.ts';
import { takeLock } from '../../files/lock.ts';
import { plannedFailures, surveyExitCode } from '../../pipeline/exit-code.ts';
import { removeFailure } from '../../pipeline/ledger.ts';
import { readPlan } from '../../pipeline/plan-file.ts';
import { lockFile } from '../../pipeline/run.ts';
import { databasePath } from '../../pipeline/tasks/merge.ts';
import { openTaskRunner } from '../../pipeline/tasks/run-task.ts';
import type { GlobalOptions } from '../options.ts';

export async function merge({ plan: path, json }: GlobalOptions & { plan: string }): Promise<ExitCode> {
  const plan = await readPlan(path), task = plan.tasks.find(({ kind }) => kind === 'merge')!;
  const unlock = await takeLock(lockFile(plan.output)); // two merges would delete each other's temporary files
  try {
    await removeFailure(plan.output, task.key);
    await openTaskRunner(plan).run(task);
    const failures = await plannedFailures(plan), exitCode = surveyExitCode(plan, failures);
    if (json) console.log(JSON.stringify({ run_id: plan.run_id, exit_code: exitCode, failures: failures.length, left_out: plan.survey.faults.length, database: databasePath(plan.output) }));
    return exitCode;
  } finally {
    await unlock();
  }
}
