// cli/commands/fit.ts: `understory fit JOB height-diameter|radiometry -o FILE`: fits what a job's own plots and images can tell.
import { isAbsolute, relative, resolve } from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { crsFromEpsg, epsgOfCode } from '../../geo/crs.ts';
import type { MatchMethod } from '../../infer/radiometry.ts';
import { readPlotTrees } from '../../ingest/plots.ts';
import { writeHeightDiameterFit } from '../../pipeline/fits.ts';
import { loadJob, type LoadedJob } from '../../pipeline/job-file.ts';
import { onlyFile } from '../../pipeline/read-inputs.ts';
import { writeMatchFit, type FittedMatch } from '../../pipeline/radiometry.ts';
import { readSurvey } from '../../pipeline/read-survey.ts';
import type { GlobalOptions } from '../options.ts';

/** What can be fitted, as the command line names it. */
const fits = new Map<string, (loaded: LoadedJob, options: FitOptions) => Promise<void>>([['height-diameter', fitPlots], ['radiometry', fitImages]]);

export type FitOptions = GlobalOptions & { output: string; model?: string; method?: MatchMethod };

export async function fit(job: string, what: string, options: FitOptions): Promise<ExitCode> {
  const make = fits.get(what);
  if (!make) throw new UsageError(`fit ${what}: nothing of that name can be fitted; use ${[...fits.keys()].join(' or ')}`);
  if (!/\.json$/i.test(options.output)) throw new UsageError(`-o ${options.output}: a fit is JSON; write -o fits/${what}.json`);
  await make(await loadJob(job), options);
  return EXIT.ok;
}

async function fitPlots(loaded: LoadedJob, { output, json, model }: FitOptions): Promise<void> {
  const { plots } = loaded.job.inputs;
  if (model !== undefined) throw new UsageError('--model: belongs to fit radiometry; leave it out');
  if (plots?.trees === undefined) throw new UsageError(`${loaded.at('inputs')}: inputs.plots.trees: a height-diameter fit needs trees with dbh_cm and height_m; add plots: { file: plots.csv, trees: plot_trees.csv }`, { source: loaded.path, path: 'inputs.plots.trees' });
  const path = await onlyFile(loaded, plots.trees, 'inputs.plots.trees'), notes: string[] = [];
  const surveyCrs = crsFromEpsg(loaded.job.crs === undefined ? (await readSurvey(withoutFits(loaded))).survey.crs.epsg : epsgOfCode(loaded.job.crs));
  const trees = readPlotTrees(path, { surveyCrs, ...(plots.crs === undefined ? {} : { statedCrs: crsFromEpsg(epsgOfCode(plots.crs)) }), onNote: (note: string) => void notes.push(note) });
  const made = await writeHeightDiameterFit(loaded, { path, trees, output });
  if (json) console.log(JSON.stringify({ output, ...made.table, notes }));
  else for (const line of [...notes, ...linesOf(made, nameIn(loaded.dir, output))]) console.error(line);
}

async function fitImages(loaded: LoadedJob, { output, json, model, method = 'mean-sd' }: FitOptions): Promise<void> {
  const { survey } = await readSurvey(withoutFits(loaded)), made = await writeMatchFit(loaded, survey, { method, model: model ?? null, output });
  if (json) console.log(JSON.stringify({ output, model: made.model, ...made.match, left: made.left }));
  else for (const line of matchLines(made, nameIn(loaded.dir, output))) console.error(line);
}

/** The job may name the very file that is to be fitted. */
const withoutFits = (loaded: LoadedJob): LoadedJob =>
  ({ ...loaded, job: { ...loaded.job, allometry: { ...loaded.job.allometry, dbh: 'none', agb: 'none' }, models: loaded.job.models.map(({ match: _, ...model }) => model) } });

/** How the job file may name a file. */
function nameIn(dir: string, file: string): string {
  const way = relative(dir, resolve(file));
  return isAbsolute(way) ? file : way.split('\\').join('/');
}

function linesOf({ fit: curve, read, leftOut }: Awaited<ReturnType<typeof writeHeightDiameterFit>>, name: string): string[] {
  const { asym, k, p, correction, sigma, tau, squareFactor, n, plots, heightRangeM, rmseCm, isPower } = curve, digits = (value: number): string => value.toPrecision(4);
  return [
    `${n} of ${read} trees${plots > 0 ? ` in ${plots} plots` : ''} (${leftOut.dead} dead, ${leftOut.unmeasured} without height or diameter left out), heights ${heightRangeM[0]} to ${heightRangeM[1]} m`,
    `D = ${digits(correction * asym)} (1 - exp(-${digits(k)} H))^${digits(p)} cm; RMSE ${rmseCm.toFixed(1)} cm${isPower ? '; no bend within the data, so it is a power of the height' : ''}`,
    `sigma ${sigma.toFixed(3)} (one tree), tau ${tau === null ? 'unknown: fewer than 5 plots, or trees outside plots; stand intervals will be NULL' : `${tau.toFixed(3)} (a plot)`}, square factor ${squareFactor.toFixed(3)}`,
    `name it in the job file: allometry: { dbh: ${name} }`,
  ];
}

function matchLines({ match: { sample, images, bands }, model, left }: FittedMatch, name: string): string[] {
  const digits = (value: number): string => String(Number(value.toPrecision(4)));
  return [
    `${model}: ${sample!.pixels} valid pixels of ${images.length} image file(s)${sample!.one_in > 1 ? `, one block of ${sample!.block_px} px in ${sample!.one_in}` : ''}`,
    ...Object.entries(bands).map(([band, match]) => (match.method === 'mean-sd' ? `${band}: x ${digits(match.gain)} ${match.offset < 0 ? '-' : '+'} ${digits(Math.abs(match.offset))}` : `${band}: a table of ${match.from.length} values, ${digits(match.from[0]!)} to ${digits(match.from.at(-1)!)} become ${digits(match.to[0]!)} to ${digits(match.to.at(-1)!)}`)),
    ...left.map((line) => `left as it is: ${line}`),
    `name it in the job file, at the model ${model}: match: ${name}`,
  ];
}
