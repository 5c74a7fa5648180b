// cli/commands/merge.ts: `understory merge --plan FILE`.
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { readPlan } from '../../pipeline/plan-file.ts';
import { openTaskRunner } from '../../pipeline/tasks/run-task.ts';
import type { GlobalOptions } from '../options.ts';

export async function merge({ plan: path }: GlobalOptions & { plan: string }): Promise<ExitCode> {
  const plan = await readPlan(path);
  await openTaskRunner(plan).run(plan.tasks.find(({ kind }) => kind === 'merge')!);
  return EXIT.ok;
}
