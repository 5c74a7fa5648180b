// pipeline/fits.ts: equations that come from files: read and checked for a job, and fitted to its plots. IO.
import { extname, relative } from 'node:path';
import type { PlotTree } from '../types.ts';
import { InvalidInput, UnderstoryError, UsageError, messageOf } from '../errors.ts';
import { writeFileAtomically } from '../files/atomic.ts';
import { openFile, type ByteSource } from '../files/byte-source.ts';
import { hashFile } from '../files/hash.ts';
import { roundTo } from '../geo/units.ts';
import { openCsv } from '../ingest/csv.ts';
import { allometryOf, fileOf, namesOf, type Allometry } from '../measure/allometry/registry.ts';
import { EquationTable, setsOfTable, tableOfRows } from '../measure/allometry/table.ts';
import { fitHeightDiameter, MIN_STEMS, type HeightDiameterFit, type MeasuredStem } from '../measure/fits/height-diameter.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import type { Job } from './job-schema.ts';
import { onlyFile } from './read-inputs.ts';
import type { EquationFile } from './survey.ts';

/** The equations of a plan's trees. */
export const allometryOfPlan = ({ job, survey }: { job: Pick<Job, 'allometry'>; survey: { name: string; equations: readonly EquationFile[] } }): Allometry =>
  allometryOf(job.allometry, Object.fromEntries(survey.equations.map(({ name, table }) => [name, table])));

/**
 * Read the files of equations that a job names, and check that every equation that it names exists.
 *
 * @throws {UsageError} naming the line of the job file; {InvalidInput} for a file that holds no equations
 */
export async function readEquationFiles(loaded: LoadedJob, identities: Fingerprints): Promise<EquationFile[]> {
  const { allometry } = loaded.job, files: EquationFile[] = [];
  for (const key of ['dbh', 'agb'] as const) {
    for (const name of new Set(namesOf(allometry[key]).flatMap((each) => fileOf(each) ?? []))) {
      if (files.some((file) => file.name === name)) continue;
      files.push(await readEquationFile(await onlyFile(loaded, name, `allometry.${key}`), name, identities));
    }
  }
  try {
    allometryOfPlan({ job: loaded.job, survey: { name: loaded.job.survey, equations: files } });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const path = String(error.place.path ?? 'allometry');
    throw new UsageError(`${loaded.at(path)}: ${error.message}`, { ...error.place, source: loaded.path }, { cause: error.cause });
  }
  return files;
}

async function readEquationFile(path: string, name: string, identities: Fingerprints): Promise<EquationFile> {
  const source = await openFile(path);
  try {
    const table = EquationTable.safeParse(extname(path).toLowerCase() === '.csv' ? tableOfRows(await rowsOf(source)) : await jsonOf(source));
    if (!table.success) throw new InvalidInput(table.error.issues.map(({ path: at, message }) => `${path}: ${at.join('.')}: ${message}`).join('\n'), { source: path });
    setsOfTable(name, table.data); // says what is wrong with the file before any tree asks for it
    return { name, path, fingerprint: await identities.of(source), bytes: source.size, table: table.data };
  } finally {
    await source.close();
  }
}

async function jsonOf(source: ByteSource): Promise<unknown> {
  const bytes = await source.read(0, source.size);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new InvalidInput(`${source.name}: no valid JSON: ${messageOf(cause)}`, { source: source.name }, { cause });
  }
}

async function rowsOf(source: ByteSource): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  for await (const { values } of (await openCsv(source)).rows()) rows.push(Object.fromEntries(values));
  return rows;
}

/** What `understory fit JOB height-diameter` made. */
export interface FittedFile {
  fit: HeightDiameterFit;
  /** trees that were read, and why the others were left out */
  read: number;
  leftOut: { dead: number; unmeasured: number };
  table: object;
}

/**
 * Fit the height-diameter curve of a job's plot trees and write it as a file that `allometry.dbh` may name.
 * Dead trees and trees without height or diameter are left out.
 *
 * @param trees   the trees, from their reader
 * @param output  the file to write, JSON
 * @throws {InvalidInput} naming the file for too few or degenerate trees
 */
export async function writeHeightDiameterFit(loaded: LoadedJob, { path, trees, output }: { path: string; trees: AsyncIterable<PlotTree>; output: string }): Promise<FittedFile> {
  const stems: MeasuredStem[] = [], leftOut = { dead: 0, unmeasured: 0 };
  for await (const { plotId, dbhCm, heightM, status } of trees) {
    if (status === 'dead') leftOut.dead++;
    else if (dbhCm === null || heightM === null) leftOut.unmeasured++;
    else stems.push({ plotId, dbhCm, heightM });
  }
  const fit = namingFile(path, () => fitHeightDiameter(stems)), source = await openFile(path);
  try {
    const table = tableOfFit(fit, { file: relative(loaded.dir, path).split('\\').join('/'), sha256: await hashFile(source), leftOut });
    await writeFileAtomically(output, `${JSON.stringify(table, null, 2)}\n`);
    return { fit, read: stems.length + leftOut.dead + leftOut.unmeasured, leftOut, table };
  } finally {
    await source.close();
  }
}

function namingFile<T>(path: string, fit: () => T): T {
  try {
    return fit();
  } catch (cause) {
    if (cause instanceof UnderstoryError) throw new InvalidInput(`${path}: ${cause.message}`, { ...cause.place, source: path }, { cause: cause.cause });
    throw cause;
  }
}

/** The fit as a table of one equation. Errors are rounded up, so that rounding never makes an interval narrower. */
function tableOfFit(fit: HeightDiameterFit, of: { file: string; sha256: string; leftOut: object }): object {
  const up = (value: number | null): number | null => (value === null ? null : Math.ceil(value * 1e4) / 1e4);
  const { asym, k, p, correction, sigma, tau, squareFactor, n, plots, heightRangeM, rmseCm, isPower } = fit;
  const where = plots === 0 ? 'outside plots' : `in ${plots} plots`;
  return {
    source: `height-diameter curve D = asym (1 - exp(-k H))^p, least squares on ln D of ${n} trees ${where} of ${of.file}`,
    units: { height: 'm', dbh: 'cm' },
    fit: {
      method: 'height-diameter', made_by: 'understory fit', input: of, trees: n, plots, rmse_cm: roundTo(rmseCm, 3), least_trees: MIN_STEMS,
      notes: [
        ...(isPower ? ['no bend within the data: the curve is a power of the height'] : []),
        ...(tau === null ? ['tau is unknown: fewer than 5 plots, or trees outside plots, do not tell how much places differ; stand intervals will be NULL'] : []),
      ],
    },
    equations: [{
      gives: 'dbh', form: 'chapman-richards', coefficients: { asym: Number(asym.toPrecision(9)), k: Number(k.toPrecision(9)), p: Number(p.toPrecision(9)) }, correction: roundTo(correction, 6),
      range: { height: heightRangeM }, sigma: up(sigma), tau: up(tau), square_factor: roundTo(squareFactor, 4),
    }],
  };
}
