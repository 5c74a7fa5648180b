// cli/commands/status.ts: `understory status JOB`: what is done, due and failed.
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { dueTasks } from '../../pipeline/due.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import { listFailures } from '../../pipeline/ledger.ts';
import { readPlan } from '../../pipeline/plan-file.ts';
import { planFile } from '../../pipeline/run.ts';
import { readRunRecord } from '../../pipeline/run-record.ts';
import type { GlobalOptions } from '../options.ts';

export async function status(job: string, { json }: GlobalOptions): Promise<ExitCode> {
  const { output, job: { survey } } = await loadJob(job), plan = await readPlan(planFile(output)).catch(() => null);
  if (!plan) {
    console.log(json ? JSON.stringify({ survey, planned: false }) : `${survey}: not planned yet; start with \`understory run ${job}\``);
    return EXIT.ok;
  }
  const due = await dueTasks(plan), planned = new Set(plan.tasks.map(({ key }) => key));
  const failures = (await listFailures(output)).filter(({ key }) => planned.has(key)), record = await readRunRecord(output);
  if (json) {
    console.log(JSON.stringify({ survey, planned: true, due: due.tasks.length, done: due.known - failures.length, failures, last_run: record && { run_id: record.run_id, cost: record.cost ?? null } }));
    return EXIT.ok;
  }
  console.log(`${survey}: ${due.tasks.length} tasks due, ${due.known - failures.length} parts up to date, ${failures.length} failed`);
  for (const { kind, unit, reason } of failures) console.log(`  failed: ${kind} ${unit}: ${reason}`);
  if (record) console.log(`  last merged: run ${record.run_id}${record.cost ? `, ${record.cost.seconds} s, peak ${record.cost.peak_memory_mb} MB` : ''}`);
  return EXIT.ok;
}
