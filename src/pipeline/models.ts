// pipeline/models.ts: the models that a job names: found, read, checked against their images and licences. IO.
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors.ts';
import { checkCard, checkModelFits } from '../infer/card-check.ts';
import { readCard } from '../infer/card.ts';
import type { LoadedJob } from './job-file.ts';
import type { ImageLayer, SurveyModel } from './survey.ts';

/** Models that come with the package: models/, and dist/../models when it is built. */
const SHIPPED = ['../../models', '../../../models'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Names that stand beside those of models in the tables' `source` and in rasters/. */
const RESERVED_NAMES: readonly string[] = ['lidar', 'chm', 'dtm', 'valid_area', 'measure'];

/**
 * The job's models with their cards.
 *
 * @throws {UsageError} when a model is not there, names clash, or two of a task are primary; {ModelError} when its card does not fit the network or the image
 */
export async function resolveModels(loaded: LoadedJob, images: readonly ImageLayer[]): Promise<SurveyModel[]> {
  const models: SurveyModel[] = [];
  for (const [i, { name, use, on, primary = false }] of loaded.job.models.entries()) {
    const dir = await modelDir(loaded, use, i), card = await readCard(dir), image = images.find((each) => each.name === on)!;
    await checkCard(card, dir);
    checkModelFits(card, { name: on, gsdM: image.lattice.resM, roles: image.bands });
    const model = { name: name ?? card.name, dir, on, primary, card };
    checkName(loaded, i, model, models);
    checkPrimary(loaded, i, model, models);
    models.push(model);
  }
  return models.map((model) => ({ ...model, primary: model.primary || isAlone(model, models) }));
}

/** The only model of its task fills the fixed columns. */
const isAlone = (model: SurveyModel, models: readonly SurveyModel[]): boolean => models.filter(({ card }) => card.task === model.card.task).length === 1;

/** Tasks of several models of which none is primary: their fixed columns stay NULL. Each with what to say of it. */
export function tasksWithoutPrimary(models: readonly SurveyModel[]): string[] {
  return [...new Set(models.map(({ card }) => card.task))].filter((task) => !models.some(({ card, primary }) => card.task === task && primary)).map((task) => {
    const names = models.filter(({ card }) => card.task === task).map(({ name }) => name);
    return `${names.join(', ')}: several models of task ${task}, none primary: the fixed columns of that task stay NULL; set primary: true on one`;
  });
}

function checkName(loaded: LoadedJob, index: number, { name, card }: SurveyModel, before: readonly SurveyModel[]): void {
  const from = loaded.job.models[index]!.name === undefined ? ` (so its card ${card.name} says)` : '';
  if (RESERVED_NAMES.includes(name)) throw wrong(loaded, index, 'name', `${name}${from} is the name of another source or raster of the survey; give the model another with name:`);
  if (before.some((each) => each.name === name)) throw wrong(loaded, index, 'name', `two models are named ${name}${from}; give one a name of its own with name:`);
}

function checkPrimary(loaded: LoadedJob, index: number, { name, primary, card }: SurveyModel, before: readonly SurveyModel[]): void {
  const other = before.find((each) => primary && each.primary && each.card.task === card.task);
  if (other) throw wrong(loaded, index, 'primary', `${other.name} and ${name} are both primary models of task ${card.task}; leave primary: true on one`);
}

function wrong(loaded: LoadedJob, index: number, key: string, message: string): UsageError {
  const path = `models.${index}.${key}`;
  return new UsageError(`${loaded.at(path)}: ${path}: ${message}`, { source: loaded.path, path });
}

async function modelDir(loaded: LoadedJob, use: string, index: number): Promise<string> {
  const tried = [resolve(loaded.dir, use), ...(/^[a-z0-9][a-z0-9.-]*$/.test(use) ? SHIPPED.map((dir) => join(dir, use)) : [])];
  for (const dir of tried) if (await access(join(dir, 'card.json')).then(() => true, () => false)) return dir;
  throw new UsageError(`${loaded.at(`models.${index}.use`)}: models.${index}.use: no model ${use}: no card.json in ${tried.join(' or ')}`, { source: loaded.path, path: `models.${index}.use` });
}
