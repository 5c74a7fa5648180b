// cli/commands/check.ts: `understory check JOB`: what the inputs are, what a run would take, and the whole job with its defaults.
import { cpus } from 'node:os';
import { stringify } from 'yaml';
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { autoWorkers } from '../../pipeline/engines/local.ts';
import { estimateRun } from '../../pipeline/estimate.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import { makePlan } from '../../pipeline/plan.ts';
import { readSurvey } from '../../pipeline/read-survey.ts';
import { checkText, foundOf } from '../check-text.ts';
import type { GlobalOptions } from '../options.ts';

export async function check(path: string, { json }: GlobalOptions): Promise<ExitCode> {
  const loaded = await loadJob(path), { survey, notes } = await readSurvey(loaded);
  const plan = makePlan({ job: loaded.job, jobFile: loaded.path, output: loaded.output, survey, now: new Date() });
  const found = foundOf(plan, notes), estimate = estimateRun(plan, autoWorkers(plan, cpus().length));
  if (json) console.log(JSON.stringify({ job: loaded.job, found, estimate: snake(estimate) }));
  else console.log(`${checkText(plan, found, estimate)}\n# the whole job with its defaults\n${stringify(loaded.job)}`);
  return notes.faults.length > 0 ? EXIT.voids : EXIT.ok;
}

function snake({ workers, areaHa, seconds, secondsNote, scratch, parts, database, rasters, peak }: ReturnType<typeof estimateRun>): Record<string, unknown> {
  return { workers, area_ha_at_most: areaHa, seconds, seconds_note: secondsNote, scratch_bytes: scratch, parts_bytes: parts, database_bytes: database, rasters_bytes: rasters, peak_bytes: peak };
}
