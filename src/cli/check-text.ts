// cli/check-text.ts: what `check` found, laid out for people. Pure.
import { basename } from 'node:path';
import { maySell } from '../infer/licence.ts';
import { canopyParams } from '../pipeline/canopy-params.ts';
import type { Estimate, Range } from '../pipeline/estimate.ts';
import { canopyHalos } from '../pipeline/halo.ts';
import { tasksWithoutPrimary } from '../pipeline/models.ts';
import type { Plan } from '../pipeline/plan.ts';
import { surveyBox } from '../pipeline/plan.ts';
import type { SurveyNotes } from '../pipeline/read-survey.ts';
import { faultText, isWarning } from './notes.ts';
import { bytesText, columnsText, countText, section } from './text.ts';

/** What `--json` prints under `found`; the text is made of the same. */
export interface Found {
  crs: string;
  lidar_files: number;
  points: number;
  extent_m: ReturnType<typeof surveyBox>;
  inputs: { name: string; files: number; what: string }[];
  images: { name: string; files: number; bands: string[]; gsd_m: number }[];
  stands: number;
  models: { name: string; task: string; licence: string; primary: boolean }[];
  models_without_primary: string[];
  tiles: number;
  tasks: number;
  halo_m: number;
  /** null where no ground is looked for */
  ground: string | null;
  left_out: SurveyNotes['faults'];
  waiting: string[];
  /** how each input comes to the survey's CRS and metres, what was mended or chosen, whether outputs of the models may be sold */
  notes: string[];
  /** what may be wrong, though the job runs */
  warnings: string[];
}

export function foundOf(plan: Plan, notes: SurveyNotes): Found {
  const { survey, job } = plan, points = survey.lidar.reduce((sum, { pointCount }) => sum + pointCount, 0), withoutPrimary = tasksWithoutPrimary(survey.models);
  return {
    crs: `EPSG:${survey.crs.epsg} (${survey.crs.name}), from ${survey.crs.from}`, lidar_files: survey.lidar.length, points, extent_m: surveyBox(survey), inputs: inputsOf(plan, points),
    images: survey.images.map(({ name, files, bands, lattice }) => ({ name, files: files.length, bands, gsd_m: lattice.resM })), stands: survey.stands?.entries.length ?? 0,
    models: survey.models.map(({ name, card, primary }) => ({ name, task: card.task, licence: card.licence, primary })), models_without_primary: withoutPrimary,
    tiles: plan.tasks.filter(({ kind }) => kind === 'measure').length, tasks: plan.tasks.length, halo_m: canopyHalos(canopyParams(job, survey.groundMethod)).points, ground: survey.canopySource === 'lidar' ? survey.groundMethod : null,
    left_out: notes.faults, waiting: notes.waiting, notes: [...notes.inputs.filter((text) => !isWarning(text)), ...(notes.ground === null || survey.canopySource !== 'lidar' ? [] : [notes.ground]), ...(survey.models.length > 0 ? [maySell(survey.models)] : [])],
    warnings: [
      ...notes.inputs.filter(isWarning), ...withoutPrimary, ...notes.faults.map((fault) => `left out: ${faultText(fault)}`),
      ...(notes.waiting.length > 0 ? [`${notes.waiting.length} file(s) younger than settle_minutes: ${job.settle_minutes} wait for the next run: ${notes.waiting.slice(0, 3).map((path) => basename(path)).join(', ')}${notes.waiting.length > 3 ? ' ...' : ''}`] : []),
    ],
  };
}

function inputsOf({ survey, job }: Plan, points: number): Found['inputs'] {
  const rasters = [...(survey.chm ? [survey.chm] : []), ...(survey.dtm ? [survey.dtm] : []), ...survey.images];
  return [
    ...(survey.lidar.length > 0 ? [{ name: 'lidar', files: survey.lidar.length, what: `${countText(points)} points` }] : []),
    ...rasters.map(({ name, files, bands, lattice }) => ({ name, files: files.length, what: `${name === 'chm' || name === 'dtm' ? 'heights' : bands.join(', ')}, pixels of ${lattice.resM} m` })),
    ...(survey.area ? [{ name: 'area', files: 1, what: basename(survey.area.path) }] : []),
    ...survey.masks.map(({ path, entries }) => ({ name: 'mask', files: 1, what: `${basename(path)}, ${entries.length} polygon(s)` })),
    ...(survey.stands ? [{ name: 'stands', files: 1, what: `${survey.stands.entries.length} stand(s), by ${job.inputs.stands!.id}` }] : []),
    ...(survey.plots ? [{ name: 'plots', files: survey.plots.trees ? 2 : 1, what: [survey.plots.file, ...(survey.plots.trees ? [survey.plots.trees] : [])].map(({ path }) => basename(path)).join(', ') }] : []),
  ];
}

export function checkText(plan: Plan, found: Found, estimate: Estimate): string {
  const { survey, job } = plan, box = found.extent_m;
  const head = columnsText([['survey', survey.name], ['job file', plan.job_file], ['output', plan.output], ['CRS', found.crs]]);
  const area = [
    ['area', `${hectares(estimate.areaHa)} at most${box ? `, within ${Math.round(box.x1 - box.x0)} x ${Math.round(box.y1 - box.y0)} m` : ''}`],
    ['tiles', `${countText(found.tiles)} of ${job.tiles.size_m} m${survey.canopySource === 'lidar' ? `, each read with ${found.halo_m} m around it` : ''}; ${countText(found.tasks)} tasks`],
    ...(survey.canopySource === null ? [] : [['trees', survey.canopySource === 'lidar' ? `from the point clouds, ground: ${found.ground}` : 'from the canopy height rasters']]),
    ...found.models.map(({ name, task, licence, primary }) => ['model', `${name}: ${task}, ${licence}${primary ? ', primary' : ''}`]),
  ];
  return [
    `${head}\n`,
    section('Inputs', columnsText(found.inputs.map(({ name, files, what }) => [name, `${countText(files)} file${files === 1 ? '' : 's'}`, what]), '  ')),
    section('Work', columnsText(area, '  ')),
    section(`A full run, with ${estimate.workers} worker${estimate.workers === 1 ? '' : 's'} (estimated from measured runs; unchanged parts are not computed again)`, estimateText(estimate)),
    section('Warnings', found.warnings.map((text) => `  - ${text}`).join('\n')),
    section('Notes', found.notes.map((text) => `  - ${text}`).join('\n')),
  ].filter((part) => part !== '').join('\n');
}

function estimateText({ seconds, secondsNote, scratch, parts, database, rasters, peak }: Estimate): string {
  return columnsText([
    ['time', seconds === null ? `not known: ${secondsNote}` : `${durationText(seconds)}${secondsNote === '' ? '' : `, ${secondsNote}`}`],
    ['disk', `${rangeText(peak)} at the most, of which`],
    ['', `${rangeText(parts)} parts, ${bytesText(scratch)} buckets (freed during the run), ${rangeText(database)} a database (three while merging), ${rangeText(rasters)} rasters`],
  ], '  ');
}

const hectares = (ha: number): string => (ha >= 1000 ? `${countText(Math.round(ha / 100))} km2` : `${ha < 10 ? ha.toFixed(1) : Math.round(ha)} ha`);
const rangeText = ([low, high]: Range): string => (bytesText(low) === bytesText(high) ? bytesText(low) : `${bytesText(low)} to ${bytesText(high)}`);

/** Two ends of a range in one unit that suits the larger: `5 to 20 s`, `1 to 4 min`, `2 to 9 h`. */
export function durationText([low, high]: Range): string {
  const [unit, name] = high < 120 ? [1, 's'] : high < 7200 ? [60, 'min'] : [3600, 'h'];
  const text = (seconds: number): string => (seconds / unit < 10 && unit > 1 ? (seconds / unit).toFixed(1).replace(/\.0$/, '') : String(Math.round(seconds / unit)));
  return text(low) === text(high) ? `${text(high)} ${name}` : `${text(low)} to ${text(high)} ${name}`;
}
