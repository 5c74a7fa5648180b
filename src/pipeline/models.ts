// pipeline/models.ts: the models that a job names: found, read, checked against their images and licences. IO.
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors.ts';
import { checkCard, checkModelFits } from '../infer/card-check.ts';
import { readCard } from '../infer/card.ts';
import { modelTask } from '../infer/registry.ts';
import type { LoadedJob } from './job-file.ts';
import type { ImageLayer, SurveyModel } from './survey.ts';

/** Models that come with the package: models/, and dist/../models when it is built. */
const SHIPPED = ['../../models', '../../../models'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/**
 * The job's models with their cards.
 *
 * @throws {UsageError} when a model is not there, or names repeat; {ModelError} when its card does not fit the network or the image
 */
export async function resolveModels(loaded: LoadedJob, images: readonly ImageLayer[]): Promise<SurveyModel[]> {
  const models: SurveyModel[] = [];
  for (const [i, { name, use, on, primary }] of loaded.job.models.entries()) {
    const dir = await modelDir(loaded, use, i), card = await readCard(dir), image = images.find((each) => each.name === on)!;
    await checkCard(card, dir);
    await modelTask(card);
    checkModelFits(card, { name: on, gsdM: image.lattice.resM, roles: image.bands });
    if (models.some((each) => each.name === (name ?? card.name))) {
      throw new UsageError(`${loaded.at(`models.${i}`)}: models.${i}: two models are named ${name ?? card.name}; give one a name of its own`, { source: loaded.path, path: `models.${i}.name` });
    }
    models.push({ name: name ?? card.name, dir, on, primary: primary ?? false, card });
  }
  return models.map((model) => ({ ...model, primary: model.primary || isAlone(model, models) }));
}

/** The only model of its task fills the fixed columns. */
const isAlone = (model: SurveyModel, models: readonly SurveyModel[]): boolean => models.filter(({ card }) => card.task === model.card.task).length === 1;

async function modelDir(loaded: LoadedJob, use: string, index: number): Promise<string> {
  const tried = [resolve(loaded.dir, use), ...(/^[a-z0-9][a-z0-9.-]*$/.test(use) ? SHIPPED.map((dir) => join(dir, use)) : [])];
  for (const dir of tried) if (await access(join(dir, 'card.json')).then(() => true, () => false)) return dir;
  throw new UsageError(`${loaded.at(`models.${index}.use`)}: models.${index}.use: no model ${use}: no card.json in ${tried.join(' or ')}`, { source: loaded.path, path: `models.${index}.use` });
}
