// cli/commands/fit.ts: `understory fit JOB height-diameter -o FILE`: fits what a job's own plots can tell.
import { isAbsolute, relative, resolve } from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { crsFromEpsg } from '../../geo/crs.ts';
import { readPlotTrees } from '../../ingest/plots.ts';
import { writeHeightDiameterFit } from '../../pipeline/fits.ts';
import { loadJob, type LoadedJob } from '../../pipeline/job-file.ts';
import { onlyFile } from '../../pipeline/read-inputs.ts';
import { readSurvey } from '../../pipeline/read-survey.ts';
import type { GlobalOptions } from '../options.ts';

/** What can be fitted, as the command line names it. */
export const FITS = ['height-diameter'] as const;

const epsgOf = (code: string): number => Number(code.slice('EPSG:'.length));

export async function fit(job: string, what: string, { output, json }: GlobalOptions & { output: string }): Promise<ExitCode> {
  if (!(FITS as readonly string[]).includes(what)) throw new UsageError(`fit ${what}: nothing of that name can be fitted; use ${FITS.join(', ')}`);
  if (!/\.json$/i.test(output)) throw new UsageError(`-o ${output}: a fit is JSON; write -o fits/${what}.json`);
  const loaded = await loadJob(job), { plots } = loaded.job.inputs;
  if (plots?.trees === undefined) throw new UsageError(`${loaded.at('inputs')}: inputs.plots.trees: a ${what} fit needs trees with dbh_cm and height_m; add plots: { file: plots.csv, trees: plot_trees.csv }`, { source: loaded.path, path: 'inputs.plots.trees' });
  const path = await onlyFile(loaded, plots.trees, 'inputs.plots.trees'), notes: string[] = [];
  const surveyCrs = crsFromEpsg(loaded.job.crs === undefined ? (await readSurvey(withoutEquations(loaded))).survey.crs.epsg : epsgOf(loaded.job.crs));
  const trees = readPlotTrees(path, { surveyCrs, ...(plots.crs === undefined ? {} : { statedCrs: crsFromEpsg(epsgOf(plots.crs)) }), onNote: (note: string) => void notes.push(note) });
  const made = await writeHeightDiameterFit(loaded, { path, trees, output });
  if (json) console.log(JSON.stringify({ output, ...made.table, notes }));
  else for (const line of [...notes, ...linesOf(made, nameIn(loaded.dir, output))]) console.error(line);
  return EXIT.ok;
}

/** The job may name the very file that is to be fitted. */
const withoutEquations = (loaded: LoadedJob): LoadedJob => ({ ...loaded, job: { ...loaded.job, allometry: { ...loaded.job.allometry, dbh: 'none', agb: 'none' } } });

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
