// cli/commands/evaluate.ts: `understory evaluate TARGET --reference FILE`.
import { access } from 'node:fs/promises';
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { writeFileAtomically } from '../../files/atomic.ts';
import { crsFromEpsg } from '../../geo/crs.ts';
import { evaluateReference } from '../../pipeline/evaluation.ts';
import type { Evaluation, EvaluationRow, ReferenceFiles } from '../../pipeline/evaluation.ts';
import { openInventory, validAreaFile } from '../../pipeline/inventory-source.ts';
import { kindOfReference } from '../../pipeline/reference-files.ts';
import { openDuck } from '../../store/duck.ts';
import { ROW_FORMATS } from '../../store/formats.ts';
import { surveyEpsg } from '../../store/survey-info.ts';
import { evaluationText } from '../evaluation-text.ts';
import type { GlobalOptions } from '../options.ts';
import { findTarget } from '../target.ts';

interface EvaluateCommandOptions extends GlobalOptions {
  reference: string;
  plots?: string;
  trees?: string;
  area?: string;
  crs?: string;
  minDbh?: string;
  output?: string;
  format?: string;
}

const COLUMNS = ['reference', 'of', 'stratum', 'metric', 'value', 'lo', 'hi', 'n'] as const;
/** Formats by the ending of the file that is written. */
const ENDINGS = new Map([['csv', 'csv'], ['json', 'json'], ['md', 'markdown']]);

export async function evaluate(target: string, options: EvaluateCommandOptions): Promise<ExitCode> {
  const { json = false, output } = options, format = options.format ?? formatOf(output) ?? 'table';
  const { rows, notes } = await scoresOf(target, options);
  for (const note of notes) console.error(note);
  const text = json && output === undefined ? `${JSON.stringify({ rows, notes })}\n` : textOf(rows, format);
  if (output === undefined) process.stdout.write(text);
  else {
    await writeFileAtomically(output, text);
    if (json) console.log(JSON.stringify({ output, rows: rows.length, notes }));
    else console.error(`${output}: ${rows.length} rows`);
  }
  return EXIT.ok;
}

async function scoresOf(target: string, options: EvaluateCommandOptions): Promise<Evaluation> {
  const { database, output } = await findTarget(target), files = await referenceFiles(options), surveyCrs = crsFromEpsg(await surveyEpsg(database));
  const minDbhCm = Number(options.minDbh ?? 0);
  if (!(minDbhCm >= 0)) throw new UsageError(`--min-dbh ${options.minDbh}: give centimetres, as 7`);
  const raster = validAreaFile(output), hasRaster = await access(raster).then(() => true, () => false);
  const duck = await openDuck(database, { readOnly: true });
  try {
    const source = await openInventory(duck.connection, { validArea: hasRaster ? raster : null });
    try {
      const evaluation = await evaluateReference(source, files, { surveyCrs, minDbhCm, ...(options.crs === undefined ? {} : { statedCrs: crsFromEpsg(epsgOf(options.crs)) }) });
      return hasRaster ? evaluation : { ...evaluation, notes: [...evaluation.notes, `${raster} is missing: what is valid was taken from the cells, as if voids were spread evenly in each`] };
    } finally {
      await source.close();
    }
  } finally {
    duck.close();
  }
}

/** Which of the files are trees and which plots: that of --reference by its columns. */
async function referenceFiles({ reference, plots, trees, area }: EvaluateCommandOptions): Promise<ReferenceFiles> {
  const kind = await kindOfReference(reference), twice = kind === 'plots' ? plots : trees;
  if (twice !== undefined) throw new UsageError(`--reference ${reference} lists ${kind} already; leave --${kind} ${twice} out, or name a list of ${kind === 'plots' ? 'trees' : 'plots'} with --reference`);
  return { [kind]: reference, ...(plots === undefined ? {} : { plots }), ...(trees === undefined ? {} : { trees }), ...(area === undefined ? {} : { area }) };
}

function epsgOf(text: string): number {
  const code = /^EPSG:(\d{4,6})$/i.exec(text)?.[1];
  if (code === undefined) throw new UsageError(`--crs ${text}: write it as EPSG:32611`);
  return Number(code);
}

const formatOf = (output: string | undefined): string | undefined => ENDINGS.get(/\.([^./]+)$/.exec(output ?? '')?.[1]?.toLowerCase() ?? '');

/** People get a line a stratum or figure; programs every score as a row. */
function textOf(rows: readonly EvaluationRow[], name: string): string {
  const make = ROW_FORMATS.get(name);
  if (!make) throw new UsageError(`no format ${name}; use table, csv, json or markdown`);
  if (name === 'table' || name === 'markdown') return evaluationText(rows, make);
  const format = make();
  return format.head([...COLUMNS]) + rows.map((row) => format.row(COLUMNS.map((column) => row[column]))).join('') + format.tail();
}
