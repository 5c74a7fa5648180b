// infer/card-check.ts: whether a card holds together, fits its network, and fits an image. IO in `checkCard`.
import { readFile } from 'node:fs/promises';
import { ModelError } from '../errors.ts';
import { sha256 } from '../files/hash.ts';
import { modelPath } from './card.ts';
import type { AnyCard, ModelCard } from './card.ts';
import { cardProblems } from './card-rules.ts';
import { readOnnxFacts } from './onnx-file.ts';
import { modelTask } from './registry.ts';
import type { TensorInfo } from './session.ts';

/** Pixel sizes that count as the card's own: within 1 %, as DESIGN law 1 says. */
const SAME_GSD = 0.01;

/**
 * Check a card against itself, its task and its network's file: fields consistent, hash equal, no data outside the file.
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
  const hash = sha256(bytes);
  if (hash !== card.sha256) problems.push(`sha256: the card says ${card.sha256}, model.onnx is ${hash}; it is another file: get the one that belongs to the card, or set sha256`);
  const { externalData } = readOnnxFacts(bytes, path);
  if (externalData.length > 0) problems.push(`model.onnx: keeps weights outside the file (${externalData.join(', ')}), which the hash does not cover; save it with the weights inside`);
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
export function checkGraph(card: ModelCard, inputs: TensorInfo[], outputs: TensorInfo[]): void {
  const problems: string[] = [], { bands, name } = card.input, input = inputs[0];
  const names = (infos: TensorInfo[]) => infos.map((info) => info.name).join(', ');
  if (inputs.length !== 1 || input?.name !== name) problems.push(`input.name: the graph's inputs are ${names(inputs)}, the card says ${name}`);
  else if (input.type !== 'float32') problems.push(`the graph's input is ${input.type}; cast it from float32 in the graph`);
  else if (input.dims.length !== 4) problems.push(`the graph's input has ${input.dims.length} axes; NCHW has 4`);
  else problems.push(...dimProblems(card, input.dims, bands.length));
  for (const output of card.outputs) {
    if (!outputs.some((info) => info.name === output.name)) problems.push(`outputs: the graph gives ${names(outputs)}, the card says ${output.name}`);
  }
  if (problems.length > 0) throw new ModelError(`model ${card.name} does not fit its network; change:\n  ${problems.join('\n  ')}`, { source: card.name, problems });
}

function dimProblems(card: ModelCard, dims: (number | string)[], bandCount: number): string[] {
  const { patchPx } = card.input, expected = [1, bandCount, patchPx, patchPx], fields = ['batch', 'input.bands', 'input.patch_px', 'input.patch_px'];
  // a free size is a name, or -1 where it has none
  return dims.flatMap((dim, axis) => (typeof dim === 'number' && dim > 0 && dim !== expected[axis] ? [`${fields[axis]}: the graph's axis ${axis} is ${dim}, the card says ${expected[axis]}`] : []));
}
