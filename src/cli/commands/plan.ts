// cli/commands/plan.ts: `understory plan JOB`: what a run would compute.
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { dueTasks } from '../../pipeline/due.ts';
import { BUCKET_BYTES } from '../../pipeline/estimate.ts';
import { takeLock } from '../../files/lock.ts';
import type { LoadedJob } from '../../pipeline/job-file.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import { lockFile, planFile, planSurvey } from '../../pipeline/run.ts';
import { readRunRecord } from '../../pipeline/run-record.ts';
import type { InputFault } from '../../pipeline/survey.ts';
import { reasonsDue } from '../../pipeline/why.ts';
import type { TaskKind } from '../../types.ts';
import { faultText } from '../notes.ts';
import type { GlobalOptions } from '../options.ts';

const KINDS: readonly TaskKind[] = ['bucket', 'canopy', 'model', 'measure', 'merge'];

export async function plan(job: string, { verify = false, json }: GlobalOptions & { verify?: boolean }): Promise<ExitCode> {
  const loaded = await loadJob(job), unlock = await takeLock(lockFile(loaded.output)); // plan.json must not change under a run
  try {
    return await sayPlan(loaded, { verify, json });
  } finally {
    await unlock();
  }
}

async function sayPlan(loaded: LoadedJob, { verify, json }: { verify: boolean; json: boolean | undefined }): Promise<ExitCode> {
  const faults: InputFault[] = [];
  const made = await planSurvey(loaded, { verify, watch: { notes: (notes) => { faults.push(...notes.faults); } } }), due = await dueTasks(made, { again: true });
  const why = due.tasks.length === 0 ? [] : reasonsDue(made, await readRunRecord(loaded.output)), exitCode = faults.length > 0 ? EXIT.voids : EXIT.ok;
  const count = (kind: TaskKind, tasks: readonly { kind: TaskKind }[]) => tasks.filter((task) => task.kind === kind).length;
  const scratchMb = Math.round(due.tasks.reduce((sum, { unit }) => sum + ('file' in unit ? made.survey.lidar[unit.file]!.pointCount * BUCKET_BYTES : 0), 0) / 2 ** 20);
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, { planned: count(kind, made.tasks), due: count(kind, due.tasks) }]));
  if (json) {
    console.log(JSON.stringify({ plan: planFile(loaded.output), run_id: made.run_id, kinds, why, left_out: faults, scratch_mb_at_most: scratchMb }));
    return exitCode;
  }
  console.log(`${made.survey.name}: ${made.tasks.length} tasks, ${due.tasks.length} due`);
  for (const [kind, { planned, due: wanted }] of Object.entries(kinds)) if (planned > 0) console.log(`  ${kind.padEnd(8)} ${String(planned).padStart(7)} planned ${String(wanted).padStart(7)} due`);
  for (const reason of why) console.log(`  why      ${reason}`);
  for (const fault of faults) console.log(`  left out ${faultText(fault)}`);
  console.log(`  scratch  at most ${scratchMb} MB of buckets\n  plan     ${planFile(loaded.output)}`);
  return exitCode;
}
