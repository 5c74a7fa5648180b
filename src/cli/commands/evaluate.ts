// cli/commands/evaluate.ts: `understory evaluate TARGET --reference FILE [--of MODEL]`, `understory evaluate MODEL --pictures DIR`.
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { writeFileAtomically } from '../../files/atomic.ts';
import { exists } from '../../files/exists.ts';
import { crsFromEpsg } from '../../geo/crs.ts';
import { evaluateReference } from '../../pipeline/evaluation.ts';
import type { EvaluationRow, ReferenceFiles } from '../../pipeline/evaluation.ts';
import { openInventory, validAreaFile } from '../../pipeline/inventory-source.ts';
import { evaluateModelMap, isMaskPath } from '../../pipeline/mask-survey.ts';
import { kindOfReference } from '../../pipeline/reference-files.ts';
import { openDuck } from '../../store/duck.ts';
import { ROW_FORMATS } from '../../store/formats.ts';
import { surveyEpsg } from '../../store/survey-info.ts';
import { evaluatePictures } from '../../pipeline/pictures.ts';
import type { PictureRow } from '../../pipeline/pictures.ts';
import { evaluateModelTrees } from '../../pipeline/pictures-survey.ts';
import { evaluationText, modelScoresText } from '../evaluation-text.ts';
import type { GlobalOptions } from '../options.ts';
import { findTarget } from '../target.ts';

interface EvaluateCommandOptions extends GlobalOptions {
  reference?: string;
  plots?: string;
  trees?: string;
  area?: string;
  crs?: string;
  minDbh?: string;
  output?: string;
  format?: string;
  pictures?: string;
  split?: string;
  radius?: string;
  gsd?: string;
  bands?: string;
  match?: string;
  of?: string;
}

type Row = EvaluationRow | PictureRow;

const COLUMNS = ['reference', 'of', 'stratum', 'metric', 'value', 'lo', 'hi', 'n'] as const;
/** Formats by the ending of the file that is written. */
const ENDINGS = new Map([['csv', 'csv'], ['json', 'json'], ['md', 'markdown']]);

export async function evaluate(target: string, options: EvaluateCommandOptions): Promise<ExitCode> {
  const { json = false, output } = options, format = options.format ?? formatOf(output) ?? 'table';
  const { rows, notes } = await (options.pictures === undefined ? scoresOf(target, options) : scoresOfPictures(target, options.pictures, options));
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

/** Options that belong to pictures, and those that belong to a survey. */
const OF_PICTURES = ['split', 'gsd', 'bands', 'match'] as const, OF_SURVEYS = ['plots', 'trees', 'area', 'crs', 'minDbh', 'of'] as const;

function refuse(options: EvaluateCommandOptions, keys: readonly (keyof EvaluateCommandOptions)[], why: string): void {
  const wrong = keys.find((key) => options[key] !== undefined);
  if (wrong !== undefined) throw new UsageError(`--${wrong === 'minDbh' ? 'min-dbh' : wrong} ${why}`);
}

async function scoresOfPictures(model: string, pictures: string, options: EvaluateCommandOptions): Promise<{ rows: Row[]; notes: string[] }> {
  refuse(options, OF_SURVEYS, 'is for a survey; with --pictures a model is scored on pictures: leave it out');
  const { split, reference, match, gsd, bands, radius, json = false } = options, gsdM = gsd === undefined ? undefined : positive(gsd, '--gsd', 'metres, as 0.6');
  let told = Date.now();
  const { model: scored, pictures: count, rows, notes } = await evaluatePictures(model, pictures, {
    split, reference, match, gsdM, bands: bands?.split(',').map((band) => band.trim()), ...(radius === undefined ? {} : { radiusM: radiiOf(radius) }),
    onPicture: (done, of) => {
      if (json || Date.now() - told < PROGRESS_MS) return;
      told = Date.now();
      console.error(`${done} of ${of} pictures`);
    },
  });
  return { rows, notes: [`${scored.name} ${scored.version} (${scored.task}, ${scored.gsdM} m) on ${count} pictures`, ...notes] };
}

const PROGRESS_MS = 30_000;

const radiiOf = (text: string): number[] => text.split(',').map((each) => positive(each, '--radius', 'metres, as 6 or 6,2.4'));

function positive(text: string, option: string, how: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new UsageError(`${option} ${text}: give ${how}`);
  return value;
}

async function scoresOf(target: string, options: EvaluateCommandOptions): Promise<{ rows: Row[]; notes: string[] }> {
  refuse(options, OF_PICTURES, 'is for pictures: name their folder with --pictures, and a model in the place of the survey');
  const { database, output } = await findTarget(target), surveyCrs = crsFromEpsg(await surveyEpsg(database)), { reference, of, area } = options;
  if (reference === undefined) throw new UsageError('evaluate needs --reference FILE (mapped trees or plots of a survey), or --pictures DIR (pictures for a model)');
  const crs = options.crs === undefined ? {} : { statedCrs: crsFromEpsg(epsgOf(options.crs)) };
  const duck = await openDuck(database, { readOnly: true });
  try {
    if (of !== undefined) {
      refuse(options, ['plots', 'trees', 'minDbh'], 'is for the inventory as a whole; --of MODEL compares one model with points, boxes or a mask: leave it out');
      if (isMaskPath(reference)) {
        refuse(options, ['area', 'crs', 'radius'], 'is for points and crowns; a mask (GeoTIFF) says itself where it lies: leave it out');
        return await evaluateModelMap(duck.connection, of, reference, { output, surveyCrs });
      }
      return await evaluateModelTrees(duck.connection, of, reference, { surveyCrs, ...crs, area, ...(options.radius === undefined ? {} : { radiusM: radiiOf(options.radius) }) });
    }
    refuse(options, ['radius'], 'is for points of a model (--of) or pictures; mapped trees are matched by distance and height');
    const files = await referenceFiles(reference, options), minDbhCm = Number(options.minDbh ?? 0);
    if (!(minDbhCm >= 0)) throw new UsageError(`--min-dbh ${options.minDbh}: give centimetres, as 7`);
    const raster = validAreaFile(output), hasRaster = await exists(raster);
    const source = await openInventory(duck.connection, { validArea: hasRaster ? raster : null });
    try {
      const evaluation = await evaluateReference(source, files, { surveyCrs, minDbhCm, ...crs });
      return hasRaster ? evaluation : { ...evaluation, notes: [...evaluation.notes, `${raster} is missing: what is valid was taken from the cells, as if voids were spread evenly in each`] };
    } finally {
      await source.close();
    }
  } finally {
    duck.close();
  }
}

/** Which of the files are trees and which plots: that of --reference by its columns. */
async function referenceFiles(reference: string, { plots, trees, area }: EvaluateCommandOptions): Promise<ReferenceFiles> {
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

const isOfModel = (row: Row): row is PictureRow => row.of !== 'trees' && row.of !== 'plots';

/** People get a line a stratum or figure; programs every score as a row. */
function textOf(rows: readonly Row[], name: string): string {
  const make = ROW_FORMATS.get(name);
  if (!make) throw new UsageError(`no format ${name}; use table, csv, json or markdown`);
  if (name === 'table' || name === 'markdown') return rows.some(isOfModel) ? modelScoresText(rows.filter(isOfModel), make) : evaluationText(rows.filter((row) => !isOfModel(row)), make);
  const format = make();
  return format.head([...COLUMNS]) + rows.map((row) => format.row(COLUMNS.map((column) => row[column]))).join('') + format.tail();
}
