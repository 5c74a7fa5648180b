// cli/commands/plan.ts: `understory plan JOB`: what a run would compute.
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { dueTasks } from '../../pipeline/due.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import { planFile, planSurvey } from '../../pipeline/run.ts';
import type { TaskKind } from '../../types.ts';
import type { GlobalOptions } from '../options.ts';

const KINDS: readonly TaskKind[] = ['bucket', 'canopy', 'model', 'measure', 'merge'];
/** Bytes that a point takes in a bucket. */
const SCRATCH_BYTES = 25;

export async function plan(job: string, { verify = false, json }: GlobalOptions & { verify?: boolean }): Promise<ExitCode> {
  const loaded = await loadJob(job), made = await planSurvey(loaded, { verify }), due = await dueTasks(made);
  const count = (kind: TaskKind, tasks: readonly { kind: TaskKind }[]) => tasks.filter((task) => task.kind === kind).length;
  const scratchMb = Math.round(due.tasks.reduce((sum, { unit }) => sum + ('file' in unit ? made.survey.lidar[unit.file]!.pointCount * SCRATCH_BYTES : 0), 0) / 2 ** 20);
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, { planned: count(kind, made.tasks), due: count(kind, due.tasks) }]));
  if (json) {
    console.log(JSON.stringify({ plan: planFile(loaded.output), run_id: made.run_id, kinds, scratch_mb_at_most: scratchMb }));
    return EXIT.ok;
  }
  console.log(`${made.survey.name}: ${made.tasks.length} tasks, ${due.tasks.length} due`);
  for (const [kind, { planned, due: wanted }] of Object.entries(kinds)) if (planned > 0) console.log(`  ${kind.padEnd(8)} ${String(planned).padStart(7)} planned ${String(wanted).padStart(7)} due`);
  console.log(`  scratch  at most ${scratchMb} MB of buckets\n  plan     ${planFile(loaded.output)}`);
  return EXIT.ok;
}
