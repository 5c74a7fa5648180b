// infer/density.ts: task `density`: stems per output pixel, summed at the network's own resolution. IO through session and reader.
import { emptyRaster, pixelCount } from '../geo/lattice.ts';
import type { Lattice, Raster, VoidArea } from '../types.ts';
import type { ModelCard } from './card.ts';
import type { ReadInput } from './input.ts';
import { copyCentre, outputMap, outputMask } from './output.ts';
import { runPatches } from './patch-runs.ts';
import { outputLattice, outputWindow } from './patches.ts';
import type { Block } from './patches.ts';
import type { BlockResult, BlockStatistics, ModelTask } from './registry.ts';
import type { Session } from './session.ts';

export { densityByCell, densityPeaks, peakHaloPx } from './density-map.ts';

/**
 * Run a density network over the patches of a block.
 *
 * An output pixel is valid only if all of its own input pixels (stride x stride) are valid; void pixels are given to the network
 * as the card's `fill` and what it says there is masked, never a density of zero. A patch without a valid pixel in its trusted
 * centre is not run.
 *
 * @param block      of `planBlocks`
 * @param readInput  bands of the card's input in its order, on the image's lattice
 * @param lattice    of the image
 * @returns density in stems per output pixel over the block's core: lattice of the image with pixels `stride_px` times as large
 * @throws {ModelError} when an output is missing, of another shape, NaN, or outside the card's range: the patch is named
 */
export async function runDensityBlock(block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice): Promise<BlockResult> {
  const { stridePx } = card.outputs[0]!;
  const raster = emptyRaster(outputLattice(lattice, stridePx), outputWindow(block.core, stridePx));
  let patchesRun = 0, patchesSkipped = 0;
  for await (const { patch: { name, window, centre }, mask, outputs } of runPatches(block, card, session, readInput)) {
    if (!outputs) {
      patchesSkipped++;
      continue;
    }
    const values = outputMap(card, outputs, 0, name), valid = outputMask(mask, window.width, stridePx);
    copyCentre(raster, values, valid, outputWindow(window, stridePx), outputWindow(centre, stridePx), card, 0, name);
    patchesRun++;
  }
  const statistics = { patchesRun, patchesSkipped, ...figuresOf(raster) };
  return { raster, voids: voidsOf(raster, statistics.voidPx, card), statistics };
}

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

function voidsOf({ lattice, window }: Raster, voidPx: number, card: ModelCard): VoidArea[] {
  if (voidPx === 0) return [];
  const reason = voidPx === pixelCount(window) ? 'no valid image pixel' : 'image pixels missing or masked';
  return [{ source: card.name, reason, areaM2: voidPx * lattice.resM ** 2 }];
}

export const density: ModelTask = { runBlock: runDensityBlock };
