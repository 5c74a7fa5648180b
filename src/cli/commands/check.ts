// cli/commands/check.ts: `understory check JOB`: the whole job with its defaults, and what its inputs are.
import { stringify } from 'yaml';
import type { ExitCode } from '../../errors.ts';
import { EXIT } from '../../errors.ts';
import { canopyHalos } from '../../pipeline/halo.ts';
import { canopyParams } from '../../pipeline/canopy-params.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import { tasksWithoutPrimary } from '../../pipeline/models.ts';
import { makePlan, surveyBox } from '../../pipeline/plan.ts';
import { readSurvey } from '../../pipeline/read-survey.ts';
import type { GlobalOptions } from '../options.ts';

export async function check(path: string, { json }: GlobalOptions): Promise<ExitCode> {
  const loaded = await loadJob(path), { survey, notes } = await readSurvey(loaded);
  const plan = makePlan({ job: loaded.job, jobFile: loaded.path, output: loaded.output, survey, now: new Date() });
  const points = survey.lidar.reduce((sum, { pointCount }) => sum + pointCount, 0), box = surveyBox(survey);
  const found = {
    crs: `EPSG:${survey.crs.epsg} (${survey.crs.name}), from ${survey.crs.from}`, lidar_files: survey.lidar.length, points, extent_m: box,
    images: survey.images.map(({ name, files, bands, lattice }) => ({ name, files: files.length, bands, gsd_m: lattice.resM })), stands: survey.stands?.entries.length ?? 0,
    models: survey.models.map(({ name, card, primary }) => ({ name, task: card.task, licence: card.licence, primary })),
    models_without_primary: tasksWithoutPrimary(survey.models),
    tiles: plan.tasks.filter(({ kind }) => kind === 'canopy').length, tasks: plan.tasks.length, halo_m: canopyHalos(canopyParams(loaded.job, survey.groundMethod)).points,
    ground: survey.groundMethod, left_out: notes.faults, waiting: notes.waiting,
  };
  if (json) console.log(JSON.stringify({ job: loaded.job, found }));
  else console.log(`# ${loaded.path} with its defaults\n${stringify(loaded.job)}\n# found\n${stringify(found)}`);
  return notes.faults.length > 0 ? EXIT.voids : EXIT.ok;
}
