// infer/card-check.ts: whether a model may run: its card holds together, is that of its network, and fits an image. IO in `checkCard`.
import { readFile } from 'node:fs/promises';
import { ModelError } from '../errors.ts';
import { SAME_GSD, modelPath } from './card.ts';
import type { AnyCard, ModelCard } from './card.ts';
import { cardProblems } from './card-rules.ts';
import { fileProblems } from './file-rules.ts';
import { graphProblems } from './graph-rules.ts';
import { modelTask } from './registry.ts';
import type { TensorInfo } from './session.ts';

/**
 * Check a card against itself, its task and its network's file: fields consistent, hash equal, no data outside the file,
 * versions and operators that the runtime knows.
 *
 * @param dir  the model's folder, which holds model.onnx
 * @throws {ModelError} with all lines that say what to change
 */
export async function checkCard(card: AnyCard, dir: string): Promise<void> {
  await modelTask(card);
  const path = modelPath(dir), problems = cardProblems(card);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ModelError(`${path}: cannot be read; a model is a folder with model.onnx and card.json`, { source: path }, { cause });
  });
  problems.push(...fileProblems(card, bytes, path));
  if (problems.length > 0) throw new ModelError(`model ${card.name} cannot run; change:\n  ${problems.join('\n  ')}`, { source: dir, problems });
}

/** What a model needs to know of an image layer. */
export interface ImageFacts {
  /** the input's name in the job file */
  name: string;
  gsdM: number;
  /** band roles that the job file gives */
  roles: string[];
}

/**
 * Check that an image has the bands and the pixel size that a card asks for.
 *
 * @throws {ModelError} naming the missing bands, or the pixel size and what is allowed
 */
export function checkModelFits(card: ModelCard, { name, gsdM, roles }: ImageFacts): void {
  const { bands, optionalBands, gsdM: own, gsdRangeM: [low, high] } = card.input;
  const missing = bands.filter((band) => !roles.includes(band) && !optionalBands.includes(band));
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`it needs ${missing.join(', ')}; inputs.images.${name}.bands gives ${roles.join(', ') || 'none'}: name the bands there, or use another model`);
  if (gsdM < low || gsdM > high) problems.push(`its pixels must be ${low} to ${high} m, those of ${name} are ${gsdM} m: use images of that size, or another model`);
  else if (Math.abs(gsdM / own - 1) > SAME_GSD) problems.push(`its pixels are ${own} m, those of ${name} are ${gsdM} m, more than 1 % off: resample the images to ${own} m (gdalwarp -tr ${own} ${own} -r average -tap)`);
  if (problems.length > 0) throw new ModelError(`model ${card.name} does not fit images ${name}: ${problems.join('; ')}`, { source: name });
}

/** Check the names, types and ranks of a loaded network against its card. @throws {ModelError} saying what to change */
export function checkGraph(card: AnyCard, inputs: TensorInfo[], outputs: TensorInfo[]): void {
  const problems = graphProblems(card, inputs, outputs);
  if (problems.length > 0) throw new ModelError(`model ${card.name} does not fit its network; change:\n  ${problems.join('\n  ')}`, { source: card.name, problems });
}
