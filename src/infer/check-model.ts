// infer/check-model.ts: everything that can be said of a model before it runs: card, file, graph and a warm-up patch. IO.
import { readFile } from 'node:fs/promises';
import { ModelError, messageOf } from '../errors.ts';
import { modelPath, readAnyCard } from './card.ts';
import type { AnyCard } from './card.ts';
import { cardProblems } from './card-rules.ts';
import { fileProblems } from './file-rules.ts';
import { openModel } from './open-model.ts';
import type { OpenModel, OpenModelOptions } from './open-model.ts';

export interface ModelCheck {
  /** null where card.json itself cannot be read */
  card: AnyCard | null;
  /** a line each for what to change; none: it can run */
  problems: string[];
  /** what the warm-up found; null where it was not run, since the file may not be loaded */
  ran: Pick<OpenModel, 'settled' | 'refused' | 'secondsPerPatch'> | null;
}

const problemsOf = (error: unknown): string[] => {
  if (!(error instanceof ModelError)) throw error;
  const { problems } = error.place;
  return Array.isArray(problems) ? problems.map(String) : [messageOf(error)];
};

/**
 * Check a model as a run does before it uses it, and say all that is wrong at once: the card's fields and the rules across them,
 * its task, the hash, weights outside the file, opset, format and operators, names, types, ranks and sizes of the graph, and a warm-up
 * patch on the session: shapes and NaN. A network whose file is at fault is not loaded.
 *
 * @param dir  the model's folder, or an ONNX file with metadata
 */
export async function checkModel(dir: string, options: OpenModelOptions = { providers: ['cpu'] }): Promise<ModelCheck> {
  const card = await readAnyCard(dir).catch(problemsOf);
  if (Array.isArray(card)) return { card: null, problems: card, ran: null };
  const path = modelPath(dir), problems = cardProblems(card);
  const bytes = await readFile(path).catch(() => null);
  if (!bytes) problems.push(`${path}: cannot be read; a model is a folder with model.onnx and card.json`);
  else {
    try {
      problems.push(...fileProblems(card, bytes, path));
    } catch (error) {
      problems.push(...problemsOf(error));
    }
  }
  if (problems.length > 0) return { card, problems, ran: null };
  try {
    const { session, ...ran } = await openModel(path, card, options);
    await session.close();
    return { card, problems, ran };
  } catch (error) {
    return { card, problems: problemsOf(error), ran: null };
  }
}
