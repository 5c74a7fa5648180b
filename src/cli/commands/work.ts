// cli/commands/work.ts: `understory work --plan FILE (--task KEY | --step STEP --chunk I/N)`: idempotent.
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { takeLock } from '../../files/lock.ts';
import { isFatal } from '../../pipeline/engines/engine.ts';
import { failureOf } from '../../pipeline/failure.ts';
import { removeFailure, writeFailure } from '../../pipeline/ledger.ts';
import { readPlan } from '../../pipeline/plan-file.ts';
import type { Plan, Task } from '../../pipeline/plan.ts';
import { lockFile } from '../../pipeline/run.ts';
import type { TaskRunner } from '../../pipeline/tasks/run-task.ts';
import { openTaskRunner } from '../../pipeline/tasks/run-task.ts';
import type { GlobalOptions } from '../options.ts';

interface WorkOptions extends GlobalOptions {
  plan: string;
  task?: string;
  step?: string;
  chunk?: string;
  requireGpu?: boolean;
}

export async function work(options: WorkOptions): Promise<ExitCode> {
  const plan = await readPlan(options.plan), tasks = chosen(plan, options), runner = openTaskRunner(plan, { requireGpu: options.requireGpu ?? false });
  // many workers may be at work at once, but two merges would delete each other's temporary files
  const unlock = tasks.some(({ kind }) => kind === 'merge') ? await takeLock(lockFile(plan.output)) : null;
  try {
    const failures = await runTasks(plan, tasks, runner);
    if (options.json) console.log(JSON.stringify({ run_id: plan.run_id, tasks: tasks.length, failures }));
    return failures.length === 0 ? EXIT.ok : EXIT.voids;
  } finally {
    await runner.close();
    await unlock?.();
  }
}

async function runTasks(plan: Plan, tasks: readonly Task[], runner: TaskRunner): Promise<{ key: string; kind: string; reason: string }[]> {
  const failures: { key: string; kind: string; reason: string }[] = [];
  for (const task of tasks) {
    try {
      await removeFailure(plan.output, task.key);
      await runner.run(task);
    } catch (error) {
      if (isFatal(error) || task.kind === 'merge') throw error; // the disk's fault, or nothing goes on beside it
      const failure = failureOf(plan, task, error);
      await writeFailure(plan.output, failure);
      failures.push({ key: task.key, kind: task.kind, reason: failure.reason });
      console.error(`failed: ${task.kind} ${failure.unit}: ${failure.reason}`);
    }
  }
  return failures;
}

function chosen(plan: Plan, { task, step, chunk = '1/1' }: WorkOptions): Task[] {
  if (task !== undefined) {
    const found = plan.tasks.find(({ key }) => key === task);
    if (!found) throw new UsageError(`--task ${task}: no such task in the plan`);
    return [found];
  }
  if (step === undefined) throw new UsageError('name a task with --task KEY, or a step with --step STEP');
  const tasks = plan.tasks.filter((each) => each.step === step);
  if (tasks.length === 0) throw new UsageError(`--step ${step}: no task has this step; there are ${[...new Set(plan.tasks.map((each) => each.step))].slice(0, 20).join(', ')} ...`);
  const [index, count] = chunk.split('/').map(Number);
  if (!index || !count || index < 1 || index > count) throw new UsageError(`--chunk ${chunk}: write I/N with I from 1 to N`);
  return tasks.filter((_, i) => i % count === index - 1);
}
