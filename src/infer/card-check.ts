// infer/card-check.ts: whether a model may run: its card holds together, and is that of its network. IO in `checkCard`.
import { readFile } from 'node:fs/promises';
import { ModelError } from '../errors.ts';
import { modelPath } from './card.ts';
import type { AnyCard } from './card.ts';
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

/** Check the names, types and ranks of a loaded network against its card. @throws {ModelError} saying what to change */
export function checkGraph(card: AnyCard, inputs: TensorInfo[], outputs: TensorInfo[]): void {
  const problems = graphProblems(card, inputs, outputs);
  if (problems.length > 0) throw new ModelError(`model ${card.name} does not fit its network; change:\n  ${problems.join('\n  ')}`, { source: card.name, problems });
}
