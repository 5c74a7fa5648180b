// cli/commands/merge.ts: `understory merge --plan FILE`.
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { readPlan } from '../../pipeline/plan-file.ts';
import { databasePath } from '../../pipeline/tasks/merge.ts';
import { openTaskRunner } from '../../pipeline/tasks/run-task.ts';
import type { GlobalOptions } from '../options.ts';

export async function merge({ plan: path, json }: GlobalOptions & { plan: string }): Promise<ExitCode> {
  const plan = await readPlan(path);
  await openTaskRunner(plan).run(plan.tasks.find(({ kind }) => kind === 'merge')!);
  if (json) console.log(JSON.stringify({ run_id: plan.run_id, database: databasePath(plan.output) }));
  return EXIT.ok;
}
