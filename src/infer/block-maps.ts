// infer/block-maps.ts: the maps of a network over the patches of a block: what density, segment and regress-raster share. IO through session and reader.
import { emptyRaster, pixelCount } from '../geo/lattice.ts';
import type { Lattice, Raster, VoidArea } from '../types.ts';
import type { CardOutput, ModelCard } from './card.ts';
import type { ReadInput } from './input.ts';
import { copyCentre, outputMap, outputMask } from './output.ts';
import { runPatches } from './patch-runs.ts';
import { outputLattice, outputWindow } from './patches.ts';
import type { Block } from './patches.ts';
import type { BlockResult, BlockStatistics } from './registry.ts';
import type { Session, Tensor } from './session.ts';

export interface MapOptions {
  /** Void more output pixels than the image does: changes `valid`, the mask of one output of a patch, in place. */
  voidMore?: (valid: Uint8Array, output: CardOutput, tensors: Record<string, Tensor>) => void;
  /** the reason of voids that are not the whole block */
  reason?: string;
}

/**
 * Run a network over the patches of a block and lay the trusted centres of its maps together.
 *
 * An output pixel is valid only if all of its own input pixels (stride x stride) are valid; void pixels are given to the network
 * as the card's `fill` and what it says there is masked, never a value of zero. A patch without a valid pixel in its trusted
 * centre is not run.
 *
 * @param block      of `planBlocks`
 * @param readInput  bands of the card's input in its order, on the image's lattice
 * @param lattice    of the image
 * @returns maps over the block's core: lattice of the image with pixels `stride_px` times as large
 * @throws {ModelError} when an output is missing, of another shape, NaN, or outside the card's range: the patch is named
 */
export async function runMaps(block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice, { voidMore, reason = 'image pixels missing or masked' }: MapOptions = {}): Promise<BlockResult> {
  const order = measuresFirst(card.outputs);
  const rasters = order.map((index) => {
    const { variable, unit, stridePx } = card.outputs[index]!;
    return { name: variable, unit, raster: emptyRaster(outputLattice(lattice, stridePx), outputWindow(block.core, stridePx)) };
  });
  let patchesRun = 0, patchesSkipped = 0;
  for await (const { patch: { name, window, centre }, mask, outputs } of runPatches(block, card, session, readInput)) {
    if (!outputs) {
      patchesSkipped++;
      continue;
    }
    order.forEach((index, i) => {
      const output = card.outputs[index]!, { stridePx } = output;
      const values = outputMap(card, outputs, index, name), valid = outputMask(mask, window.width, stridePx);
      voidMore?.(valid, output, outputs);
      copyCentre(rasters[i]!.raster, values, valid, outputWindow(window, stridePx), outputWindow(centre, stridePx), card, index, name);
    });
    patchesRun++;
  }
  const { raster } = rasters[0]!, statistics = { patchesRun, patchesSkipped, ...figuresOf(raster) };
  return { rasters, boxes: [], valid: null, voids: voidsOf(raster, statistics.voidPx, card.name, reason), statistics };
}

/** Indices of outputs: measures in the card's order, then their standard deviations. */
const measuresFirst = (outputs: readonly CardOutput[]): number[] =>
  outputs.map((_, i) => i).sort((a, b) => Number(outputs[a]!.sdOf !== null) - Number(outputs[b]!.sdOf !== null) || a - b);

function figuresOf({ data, mask }: Raster): Omit<BlockStatistics, 'patchesRun' | 'patchesSkipped'> {
  let validPx = 0, sum = 0, min = Infinity, max = -Infinity;
  for (let i = 0; i < data.length; i++) {
    if (!mask[i]) continue;
    const value = data[i]!;
    validPx++;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const figures = validPx === 0 ? { sum: NaN, min: NaN, max: NaN } : { sum, min, max };
  return { validPx, voidPx: data.length - validPx, ...figures };
}

/** The void of a block by area, with its reason; none where every pixel is valid. */
export function voidsOf({ lattice, window }: Pick<Raster, 'lattice' | 'window'>, voidPx: number, source: string, reason: string): VoidArea[] {
  if (voidPx === 0) return [];
  return [{ source, reason: voidPx === pixelCount(window) ? 'no valid image pixel' : reason, areaM2: voidPx * lattice.resM ** 2 }];
}
