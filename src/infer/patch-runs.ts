// infer/patch-runs.ts: the patches of a block, each read, prepared and run once, in batches, reading ahead of the network. IO through session and reader.
import type { Window } from '../types.ts';
import type { ModelCard } from './card.ts';
import { readFinite, toTensor } from './input.ts';
import type { InputWindow, ReadInput } from './input.ts';
import { patchGrid, patchWindow, trustedCentre } from './patches.ts';
import type { Block, PatchGrid } from './patches.ts';
import { pipelined } from './pipelined.ts';
import type { Session, Tensor } from './session.ts';

/** Batches whose input is read and prepared while the network works on the one before. */
const READ_AHEAD = 2;
/** Batches that the network has in hand: one that it runs, one that waits, so that it never idles while outputs are used. */
const IN_FLIGHT = 2;

export interface Patch {
  /** `col_row` on the lattice of patches */
  name: string;
  /** pixels that it reads, and those whose output counts */
  window: Window;
  centre: Window;
}

/** A patch after its run. */
export interface PatchRun {
  patch: Patch;
  /** valid input pixels: row-major over `patch.window` */
  mask: Uint8Array;
  /** outputs of this patch, batch 1; null: its trusted centre has no valid pixel, so it was not run */
  outputs: Record<string, Tensor> | null;
}

function* patchesOf(block: Block, grid: PatchGrid): Generator<Patch> {
  const { col, row, width, height } = block.patches;
  for (let r = row; r < row + height; r++) {
    for (let c = col; c < col + width; c++) yield { name: `${c}_${r}`, window: patchWindow(grid, c, r), centre: trustedCentre(grid, c, r) };
  }
}

interface Prepared {
  patch: Patch;
  mask: Uint8Array;
  tensor: Float32Array<ArrayBuffer> | null;
}

async function prepare(patch: Patch, card: ModelCard, readInput: ReadInput): Promise<Prepared> {
  const input = await readFinite(readInput, patch.window);
  return { patch, mask: input.mask, tensor: centreIsVoid(input, patch) ? null : toTensor(input, card.input) };
}

function centreIsVoid({ mask }: InputWindow, { window, centre }: Patch): boolean {
  for (let row = centre.row - window.row; row < centre.row - window.row + centre.height; row++) {
    const from = row * window.width + centre.col - window.col;
    for (let i = from; i < from + centre.width; i++) if (mask[i]) return false;
  }
  return true;
}

/** Patches in groups that hold `batch` patches to run each; the last may hold fewer. Patches that are not run ride along in their order. */
async function* grouped(prepared: AsyncIterable<Prepared>, batch: number): AsyncGenerator<Prepared[]> {
  let group: Prepared[] = [], toRun = 0;
  for await (const each of prepared) {
    group.push(each);
    if (each.tensor) toRun++;
    if (toRun < batch && group.length < 8 * batch) continue; // a stretch of void must not hold the masks of a whole block
    yield group;
    group = [];
    toRun = 0;
  }
  if (group.length > 0) yield group;
}

async function runGroup(group: Prepared[], { input }: ModelCard, session: Session): Promise<PatchRun[]> {
  const tensors = group.flatMap(({ tensor }) => tensor ?? []), outputs = tensors.length === 0 ? [] : await runBatch(tensors, [input.bands.length, input.patchPx, input.patchPx], session);
  let next = 0;
  return group.map(({ patch, mask, tensor }) => ({ patch, mask, outputs: tensor ? outputs[next++]! : null }));
}

/**
 * Run patches as one batch of the session's size; missing ones are zeros, so that the batch, and with it every bit, is always the same.
 *
 * @param tensors  at most `session.batch`, of `dims` each; moved to the session
 * @returns outputs of each patch with a first axis of 1
 */
export async function runBatch(tensors: Float32Array<ArrayBuffer>[], dims: number[], session: Pick<Session, 'batch' | 'run'>): Promise<Record<string, Tensor>[]> {
  const { batch } = session;
  if (batch === 1) return [await session.run(tensors[0]!, [1, ...dims])];
  const size = tensors[0]!.length, input = new Float32Array(batch * size);
  tensors.forEach((tensor, i) => input.set(tensor, i * size));
  const outputs = await session.run(input, [batch, ...dims]);
  return tensors.map((_, i) => rowOfBatch(outputs, i));
}

/** The outputs of one item of a batch, with a first axis of 1: views, no copies. */
export const rowOfBatch = (outputs: Record<string, Tensor>, i: number): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data, dims: [rows = 1, ...rest] }]) => [name, { data: data.subarray((i * data.length) / rows, ((i + 1) * data.length) / rows), dims: [1, ...rest] }]));

/**
 * Run a network over the patches of a block, in raster order. Void pixels are given to it as the card's `fill`.
 * Reading and preparing the next patches, the network's work and the use of its last output overlap; the queues are bounded.
 *
 * @param block      of `planBlocks`
 * @param readInput  bands of the card's input in its order, on the image's lattice
 * @throws {ModelError} when a run fails; what `readInput` throws
 */
export async function* runPatches(block: Block, card: ModelCard, session: Session, readInput: ReadInput): AsyncGenerator<PatchRun> {
  const prepared = pipelined(patchesOf(block, patchGrid(card.input)), (patch) => prepare(patch, card, readInput), READ_AHEAD * session.batch);
  for await (const runs of pipelined(grouped(prepared, session.batch), (group) => runGroup(group, card, session), IN_FLIGHT)) yield* runs;
}
