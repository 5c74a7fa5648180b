// infer/registry.ts: the tasks that a model may have, by what its network reads: one file and one line each.
import { ModelError } from '../errors.ts';
import type { Lattice, Raster, VoidArea, Window } from '../types.ts';
import type { ImageBox } from './boxes.ts';
import type { AnyCard, ModelCard } from './card.ts';
import type { CropResult, CrownPlace } from './classify.ts';
import type { ReadInput } from './input.ts';
import type { Block } from './patches.ts';
import type { RowColumn, RowResults } from './regress-table.ts';
import type { Session } from './session.ts';

/** Figures of one block: counts of patches and pixels, and sums over the valid ones. */
export interface BlockStatistics {
  patchesRun: number;
  /** patches without a valid pixel in their trusted centre: nothing to run on */
  patchesSkipped: number;
  /** of the first map; input pixels of the block's core where there is none */
  validPx: number;
  voidPx: number;
  /** over valid pixels of the first map, or over the scores of the detections; NaN where there is none */
  sum: number;
  min: number;
  max: number;
}

/** One map of a block. */
export interface BlockMap {
  /** `variable` of the output: stems, height_m, height_m_sd ... */
  name: string;
  raster: Raster;
  unit: string;
}

/** Where a detector has looked: input pixels of a block's core, 1 = valid. */
export interface ValidPixels {
  lattice: Lattice;
  window: Window;
  mask: Uint8Array;
}

export interface BlockResult {
  /** maps over the block's core, each on its output's lattice: the card's measures in their order, then standard deviations; none for detections */
  rasters: BlockMap[];
  /** detections that belong to the block: each comes once in the survey. In the order of patches, then by score, x, y */
  boxes: ImageBox[];
  /** what is valid where there is no map to say it; null: the masks of the maps say it */
  valid: ValidPixels | null;
  voids: VoidArea[];
  statistics: BlockStatistics;
}

/** Tasks on whole patches, block by block: density, detect, segment, regress-raster. */
export interface PatchTask {
  reads: 'patches';
  runBlock(block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice): Promise<BlockResult>;
}

/** The task on a crop of the image a crown: classify. */
export interface CropTask {
  reads: 'crops';
  runCrops(card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice, crowns: readonly CrownPlace[], table?: readonly RowColumn[]): Promise<(CropResult | null)[]>;
}

/** The task on rows of a table: regress-table. */
export interface RowTask {
  reads: 'rows';
  runRows(card: AnyCard, session: Session, columns: readonly RowColumn[]): Promise<RowResults>;
}

/** What a task's file exports. The schema of its `post` is in post.ts, the rules of its card in card-rules.ts. */
export type ModelTask = PatchTask | CropTask | RowTask;

export const modelTasks = new Map<string, () => Promise<ModelTask>>([
  ['density', () => import('./density.ts').then((m) => m.density)],
  ['detect', () => import('./detect.ts').then((m) => m.detect)],
  ['segment', () => import('./segment.ts').then((m) => m.segment)],
  ['regress-raster', () => import('./regress-raster.ts').then((m) => m.regressRaster)],
  ['classify', () => import('./classify.ts').then((m) => m.classify)],
  ['regress-table', () => import('./regress-table.ts').then((m) => m.regressTable)],
]);

/** The task of a card. @throws {ModelError} when this version cannot run it */
export async function modelTask(card: Pick<AnyCard, 'name' | 'task'>): Promise<ModelTask> {
  const load = modelTasks.get(card.task);
  if (load) return load();
  throw new ModelError(`model ${card.name}: task ${card.task} cannot be run by this version; it runs ${[...modelTasks.keys()].join(', ')}`, { source: card.name });
}

/** The task of a card that runs on patches. @throws {ModelError} when it reads crops or rows */
export async function patchTask(card: Pick<AnyCard, 'name' | 'task'>): Promise<PatchTask> {
  const task = await modelTask(card);
  if (task.reads === 'patches') return task;
  throw new ModelError(`model ${card.name}: task ${card.task} reads ${task.reads}, not patches; it has no blocks`, { source: card.name });
}
