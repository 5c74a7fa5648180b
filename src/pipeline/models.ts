// pipeline/models.ts: the models that a job names: found, read, checked against their inputs and licences. IO.
import { fileURLToPath } from 'node:url';
import type { Lattice, Window } from '../types.ts';
import { UsageError } from '../errors.ts';
import { unionBox } from '../geo/box.ts';
import { anchoredLattice, windowOfBox } from '../geo/lattice.ts';
import { checkCard } from '../infer/card-check.ts';
import { isTableCard, readAnyCard } from '../infer/card.ts';
import type { AnyCard } from '../infer/card.ts';
import { findModel } from '../infer/catalogue.ts';
import { licenceProblems } from '../infer/licence.ts';
import { outputLattice } from '../infer/patches.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import type { InputSource } from './model-inputs.ts';
import { settleInputs } from './model-inputs.ts';
import type { Job } from './job-schema.ts';
import type { RasterInput } from './read-rasters.ts';
import { layAt } from './read-rasters.ts';
import { readMatchFile } from './radiometry.ts';
import type { ImageLayer, MatchFile, Survey, SurveyModel } from './survey.ts';

/** Models that come with the package: models/, and dist/../models when it is built. */
export const SHIPPED_MODELS = ['../../models', '../../../models'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Names that stand beside those of models in the tables' `source` and in rasters/. */
const RESERVED_NAMES: readonly string[] = ['lidar', 'chm', 'dtm', 'valid_area', 'measure'];

/** A model of the job before its inputs are settled. */
export interface NamedModel {
  name: string;
  dir: string;
  primary: boolean;
  card: AnyCard;
  on: string[];
  match: MatchFile | null;
}

/**
 * The job's models with their cards, checked but for what they read.
 *
 * @throws {UsageError} when a model is not there, names clash, two of a task are primary, or a licence is not allowed; {ModelError} when a card does not fit its network
 */
export async function readModels(loaded: LoadedJob, identities: Fingerprints): Promise<NamedModel[]> {
  const models: NamedModel[] = [];
  for (const [i, { name, use, on = [], primary = false, match }] of loaded.job.models.entries()) {
    const dir = await modelDir(loaded, use, i), card = withThreshold(loaded, i, await readAnyCard(dir));
    await checkCard(card, dir);
    const model = { name: name ?? card.name, dir, primary, card, on: [on].flat(), match: match === undefined ? null : await readMatchFile(loaded, `models.${i}.match`, match, card, identities) };
    checkName(loaded, i, model, models);
    checkPrimary(loaded, i, model, models);
    if (isTableCard(card) && model.on.length > 0) throw wrong(loaded, i, 'on', `${card.name} reads the table ${card.post.per}, not an image; leave on out`);
    if (isTableCard(card) && card.post.per === 'tree' && !card.outputs.some(({ variable }) => variable === 'dbh_cm' || variable === 'agb_kg')) throw wrong(loaded, i, 'use', `${card.name} gives ${card.outputs.map(({ variable }) => variable).join(', ')} of trees; a tree takes dbh_cm and agb_kg of a table model`);
    models.push(model);
  }
  const unlicensed = licenceProblems(models, loaded.job.allow_licences);
  if (unlicensed.length > 0) throw new UsageError(`${loaded.at('allow_licences')}: ${unlicensed.join('\n')}`, { source: loaded.path, path: 'allow_licences' });
  return models.map((model) => ({ ...model, primary: model.primary || isAlone(model, models) }));
}

/** The card with the job's threshold in the place of its own. @throws {UsageError} for a task that has none */
function withThreshold(loaded: LoadedJob, index: number, card: AnyCard): AnyCard {
  const { threshold } = loaded.job.models[index]!;
  if (threshold === undefined) return card;
  if (card.task === 'density') return { ...card, post: { ...card.post, peak_threshold: threshold } };
  if (card.task === 'detect') return { ...card, post: { ...card.post, score_threshold: threshold } };
  if (card.task === 'segment') return { ...card, post: { ...card.post, threshold } };
  if (card.task === 'classify') return { ...card, post: { ...card.post, min_probability: threshold } };
  throw wrong(loaded, index, 'threshold', `task ${card.task} has no threshold; leave it out`);
}

/** What models may read beside one another: the survey's rasters before its models are known. */
export type ModelSurvey = Pick<Survey, 'lidar' | 'chm' | 'dtm' | 'images' | 'crs' | 'canopySource'>;

/** Settle what each model reads. @throws {ModelError} for a model that does not fit its inputs */
export function settleModels(models: readonly NamedModel[], survey: ModelSurvey, { job, rasters }: { job: Job; rasters: readonly RasterInput[] }): SurveyModel[] {
  const settled: SurveyModel[] = [];
  for (const { name, dir, primary, card, on, match } of models) {
    const own = { name, dir, primary, card, match };
    if (isTableCard(card)) settled.push({ ...own, inputs: [], grid: null, bands: [] });
    else settled.push({ ...own, ...settleInputs(card, on.map((input) => sourceOf(input, settled, survey, { job, rasters }))) });
  }
  return settled;
}

/** What a name after `on:` stands for: an image, a CHM or DTM (brought, else made from LiDAR), or an earlier model's map. */
function sourceOf(name: string, models: readonly SurveyModel[], survey: ModelSurvey, { job, rasters }: { job: Job; rasters: readonly RasterInput[] }): InputSource {
  const layer = survey.images.find((image) => image.name === name) ?? (name === 'chm' ? survey.chm : name === 'dtm' ? survey.dtm : null), input = rasters.find((raster) => raster.name === name);
  if (layer && input) {
    const isHeight = name === 'chm' || name === 'dtm', resamples = isHeight || job.inputs.images[name]!.lattice === 'crs';
    const lay = (gsdM: number): ImageLayer => layAt(input, layer, { gsdM, epsg: survey.crs.epsg, resample: isHeight ? 'auto' : job.inputs.images[name]!.resample });
    return { name, roles: isHeight ? [name] : layer.bands, lattice: layer.lattice, window: layer.window, layer, product: null, resamples, gsdM: input.gsdM, layAt: lay };
  }
  const index = models.findIndex((model) => model.name === name), model = models[index];
  if (model?.grid) {
    const output = model.card.outputs[0]!, lattice = outputLattice(model.grid.lattice, output.stridePx);
    const window = coarser(model.grid.window, output.stridePx);
    return { name, roles: [output.variable], lattice, window, layer: null, product: { of: index, raster: output.variable, lattice }, resamples: true, gsdM: lattice.resM };
  }
  return canopySourceOf(name as 'chm' | 'dtm', survey, job);
}

function canopySourceOf(name: 'chm' | 'dtm', { lidar, canopySource }: ModelSurvey, job: Job): InputSource {
  if (canopySource !== 'lidar' || lidar.length === 0) throw new UsageError(`models: on: ${name} is neither an input nor made from LiDAR; add inputs.${name}`, { path: 'models' });
  const lattice = anchoredLattice(job[name].resolution_m), window = windowOfBox(lattice, lidar.map(({ box }) => box).reduce(unionBox));
  return { name, roles: [name], lattice, window, layer: null, product: { of: 'canopy', raster: name, lattice }, resamples: true, gsdM: lattice.resM };
}

/** The output pixels that an image's pixels touch. */
export function coarser({ col, row, width, height }: Window, stridePx: number): Window {
  const first = { col: Math.floor(col / stridePx), row: Math.floor(row / stridePx) };
  return { ...first, width: Math.ceil((col + width) / stridePx) - first.col, height: Math.ceil((row + height) / stridePx) - first.row };
}

/** The pixels of a model's first map. */
export const mapLatticeOf = ({ grid, card }: SurveyModel): Lattice => outputLattice(grid!.lattice, card.outputs[0]!.stridePx);

/** The only model of its task fills the fixed columns. */
const isAlone = (model: NamedModel, models: readonly NamedModel[]): boolean => models.filter(({ card }) => kindOf(card) === kindOf(model.card)).length === 1;

/** What fixed columns are shared by: the task; for the regressions and classes also the variable, and whether a table is of cells or trees: biomass and volume stand side by side. */
function kindOf(card: AnyCard): string {
  const { variable } = card.outputs[0]!;
  if (isTableCard(card)) return `${card.task} of ${variable} per ${card.post.per}`;
  return card.task === 'regress-raster' || card.task === 'classify' ? `${card.task} of ${variable}` : card.task;
}

/** Tasks of several models of which none is primary: their fixed columns stay NULL. Each with what to say of it. */
export function tasksWithoutPrimary(models: readonly Pick<SurveyModel, 'name' | 'card' | 'primary'>[]): string[] {
  return [...new Set(models.map(({ card }) => kindOf(card)))].filter((task) => !models.some(({ card, primary }) => kindOf(card) === task && primary)).map((task) => {
    const names = models.filter(({ card }) => kindOf(card) === task).map(({ name }) => name);
    return `${names.join(', ')}: several models of task ${task}, none primary: the fixed columns of that task stay NULL; set primary: true on one`;
  });
}

function checkName(loaded: LoadedJob, index: number, { name, card }: NamedModel, before: readonly NamedModel[]): void {
  const from = loaded.job.models[index]!.name === undefined ? ` (so its card ${card.name} says)` : '';
  if (RESERVED_NAMES.includes(name)) throw wrong(loaded, index, 'name', `${name}${from} is the name of another source or raster of the survey; give the model another with name:`);
  if (before.some((each) => `${each.name}_sd` === name || each.name === `${name}_sd`)) throw wrong(loaded, index, 'name', `${name}${from}: <name>_sd is the raster of a model's deviations; give one of the two another name`);
  if (before.some((each) => each.name === name)) throw wrong(loaded, index, 'name', `two models are named ${name}${from}; give one a name of its own with name:`);
}

function checkPrimary(loaded: LoadedJob, index: number, { name, primary, card }: NamedModel, before: readonly NamedModel[]): void {
  const other = before.find((each) => primary && each.primary && kindOf(each.card) === kindOf(card));
  if (other) throw wrong(loaded, index, 'primary', `${other.name} and ${name} are both primary models of task ${kindOf(card)}; leave primary: true on one`);
}

function wrong(loaded: LoadedJob, index: number, key: string, message: string): UsageError {
  const path = `models.${index}.${key}`;
  return new UsageError(`${loaded.at(path)}: ${path}: ${message}`, { source: loaded.path, path });
}

async function modelDir(loaded: LoadedJob, use: string, index: number): Promise<string> {
  const { dir, tried } = await findModel(use, loaded.dir, SHIPPED_MODELS);
  if (dir !== null) return dir;
  throw new UsageError(`${loaded.at(`models.${index}.use`)}: models.${index}.use: no model ${use}: no card.json or network in ${tried.join(' or ')}`, { source: loaded.path, path: `models.${index}.use` });
}
