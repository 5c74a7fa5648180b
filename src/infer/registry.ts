// infer/registry.ts: the tasks that a model may have: one file and one line each.
import { ModelError } from '../errors.ts';
import type { Lattice, Raster, VoidArea } from '../types.ts';
import type { AnyCard, ModelCard } from './card.ts';
import type { ReadInput } from './input.ts';
import type { Block } from './patches.ts';
import type { Session } from './session.ts';

/** Figures of one block: counts of patches and output pixels, and sums over the valid ones. */
export interface BlockStatistics {
  patchesRun: number;
  /** patches without a valid pixel in their trusted centre: nothing to run on */
  patchesSkipped: number;
  validPx: number;
  voidPx: number;
  /** over valid output pixels; NaN where there is none */
  sum: number;
  min: number;
  max: number;
}

export interface BlockResult {
  /** first output's map over the block's core, on the output's lattice */
  raster: Raster;
  voids: VoidArea[];
  statistics: BlockStatistics;
}

/** What a task's file exports: the work on one block. The schema of its `post` is in post.ts, the rules of its card in card-rules.ts. */
export interface ModelTask {
  runBlock(block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice): Promise<BlockResult>;
}

export const modelTasks = new Map<string, () => Promise<ModelTask>>([
  ['density', () => import('./density.ts').then((m) => m.density)],
]);

/** The task of a card. @throws {ModelError} when this version cannot run it */
export async function modelTask(card: Pick<AnyCard, 'name' | 'task'>): Promise<ModelTask> {
  const load = modelTasks.get(card.task);
  if (load) return load();
  throw new ModelError(`model ${card.name}: task ${card.task} cannot be run by this version; it runs ${[...modelTasks.keys()].join(', ')}`, { source: card.name });
}
