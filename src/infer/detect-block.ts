// infer/detect-block.ts: detections of a network over the patches of a block, and where it has looked: what detect and instances share. IO through session and reader.
import { indexIn, pixelCount } from '../geo/lattice.ts';
import type { Lattice } from '../types.ts';
import { voidsOf } from './block-maps.ts';
import { byScore } from './boxes.ts';
import type { ImageBox } from './boxes.ts';
import type { ModelCard } from './card.ts';
import type { ReadInput } from './input.ts';
import { runPatches } from './patch-runs.ts';
import type { Patch } from './patch-runs.ts';
import type { Block } from './patches.ts';
import type { BlockResult, ValidPixels } from './registry.ts';
import type { Session, Tensor } from './session.ts';

/** A patch that was run: its outputs, and the valid pixels of its input. */
export interface PatchOutputs {
  patch: Patch;
  /** row-major over `patch.window` */
  mask: Uint8Array;
  tensors: Record<string, Tensor>;
}

/**
 * Run a network over the patches of a block and gather the detections that `find` makes of each.
 *
 * @param find  the detections that belong to a patch, in any order
 * @returns detections in the order of patches, in each by score, x, y; no map, but the input pixels of the core that are valid
 * @throws {ModelError} when a run fails; what `find` and `readInput` throw
 */
export async function runDetections(block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice, find: (outputs: PatchOutputs) => ImageBox[]): Promise<BlockResult> {
  const valid = { lattice, window: block.core, mask: new Uint8Array(pixelCount(block.core)) }, boxes: ImageBox[] = [];
  let patchesRun = 0, patchesSkipped = 0;
  for await (const { patch, mask, outputs } of runPatches(block, card, session, readInput)) {
    if (!outputs) {
      patchesSkipped++;
      continue;
    }
    copyMask(valid, mask, patch);
    boxes.push(...find({ patch, mask, tensors: outputs }).sort(byScore));
    patchesRun++;
  }
  const validPx = valid.mask.reduce((sum, each) => sum + each, 0), voidPx = valid.mask.length - validPx;
  const statistics = { patchesRun, patchesSkipped, validPx, voidPx, ...scoresOf(boxes) };
  return { rasters: [], boxes, valid, voids: voidsOf(valid, voidPx, card.name, 'image pixels missing or masked'), statistics };
}

/** Copy the mask of a patch's trusted centre into the block's. */
function copyMask(valid: ValidPixels, mask: Uint8Array, { window, centre }: Patch): void {
  for (let row = centre.row; row < centre.row + centre.height; row++) {
    const from = indexIn(window, centre.col, row);
    valid.mask.set(mask.subarray(from, from + centre.width), indexIn(valid.window, centre.col, row));
  }
}

function scoresOf(boxes: readonly ImageBox[]): { sum: number; min: number; max: number } {
  let sum = 0, min = Infinity, max = -Infinity;
  for (const { score } of boxes) {
    sum += score;
    min = Math.min(min, score);
    max = Math.max(max, score);
  }
  return boxes.length === 0 ? { sum: NaN, min: NaN, max: NaN } : { sum, min, max };
}
