// infer/catalogue.ts: models by name: folders with a card, and ONNX files with metadata. IO.
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ModelError, messageOf } from '../errors.ts';
import { modelPath, readAnyCard } from './card.ts';
import type { AnyCard } from './card.ts';

/** A model that lies somewhere: with its card, or with why it has none. */
export interface CatalogueEntry {
  /** the card's name, else the folder's */
  name: string;
  dir: string;
  card: AnyCard | null;
  /** of the network, bytes; null where there is none */
  bytes: number | null;
  problem: string | null;
}

const sizeOf = (path: string): Promise<number | null> => stat(path).then((found) => (found.isFile() ? found.size : null), () => null);
const exists = async (path: string): Promise<boolean> => (await sizeOf(path)) !== null;

/** True for a folder with a card or a network, and for an ONNX file. */
export const isModel = async (dir: string): Promise<boolean> => (await exists(modelPath(dir))) || (!dir.endsWith('.onnx') && (await exists(join(dir, 'card.json'))));

/** One model, whole or not. */
async function entryOf(dir: string): Promise<CatalogueEntry> {
  const bytes = await sizeOf(modelPath(dir));
  try {
    const card = await readAnyCard(dir);
    return { name: card.name, dir, card, bytes, problem: null };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { name: basename(dir), dir, card: null, bytes, problem: messageOf(error) };
  }
}

/**
 * The models that lie in folders, sorted by name within each; a folder that is not there has none, and one named twice counts once.
 * @param folders  folders of models: models/ of the package, of a job ...
 */
export async function listModels(folders: readonly string[]): Promise<CatalogueEntry[]> {
  const found: CatalogueEntry[] = [];
  for (const folder of new Set(folders.map((each) => resolve(each)))) {
    const names = await readdir(folder).catch(() => [] as string[]);
    for (const name of names.sort()) if (await isModel(join(folder, name))) found.push(await entryOf(join(folder, name)));
  }
  return found;
}

/**
 * Find a model as a job's `use:` names it.
 *
 * @param use      a path to a folder or an ONNX file, relative to `from`, or a name in one of `folders`
 * @returns its folder or file; null where there is none: `tried` says where it was looked for
 */
export async function findModel(use: string, from: string, folders: readonly string[]): Promise<{ dir: string | null; tried: string[] }> {
  const tried = [resolve(from, use), ...(/^[a-z0-9][a-z0-9.-]*$/.test(use) ? folders.map((folder) => join(folder, use)) : [])];
  for (const dir of tried) if (await isModel(dir)) return { dir, tried };
  return { dir: null, tried };
}
