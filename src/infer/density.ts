// infer/density.ts: task `density`: stems per output pixel, summed at the network's own resolution. IO through session and reader.
import { emptyRaster, pixelCount } from '../geo/lattice.ts';
import type { Lattice, Raster, VoidArea, Window } from '../types.ts';
import type { ModelCard } from './card.ts';
import { readAhead, toTensor, voidNonFinite } from './input.ts';
import type { InputWindow, ReadInput } from './input.ts';
import { copyCentre, outputMask, outputTensor } from './output.ts';
import { outputLattice, outputWindow, patchGrid, patchWindow, trustedCentre } from './patches.ts';
import type { Block, PatchGrid } from './patches.ts';
import type { BlockResult, BlockStatistics, ModelTask } from './registry.ts';
import type { Session } from './session.ts';

export { densityByCell, densityPeaks, peakHaloPx } from './density-map.ts';

/** Patches whose input is read and prepared while the network works on the one before. */
const READ_AHEAD = 2;

interface Patch {
  name: string;
  window: Window;
  centre: Window;
}

function* patchesOf(block: Block, grid: PatchGrid): Generator<Patch> {
  const { col, row, width, height } = block.patches;
  for (let r = row; r < row + height; r++) {
    for (let c = col; c < col + width; c++) yield { name: `${c}_${r}`, window: patchWindow(grid, c, r), centre: trustedCentre(grid, c, r) };
  }
}

/** Input of a patch, ready to run; null where its trusted centre has no valid pixel. */
interface Prepared {
  patch: Patch;
  valid: Uint8Array;
  tensor: Float32Array<ArrayBuffer> | null;
}

async function prepare(patch: Patch, card: ModelCard, readInput: ReadInput): Promise<Prepared> {
  const input = await readInput(patch.window);
  voidNonFinite(input);
  const { stridePx } = card.outputs[0]!;
  const valid = outputMask(input.mask, patch.window.width, stridePx);
  return { patch, valid, tensor: centreIsVoid(input, patch) ? null : toTensor(input, card.input) };
}

function centreIsVoid({ mask }: InputWindow, { window, centre }: Patch): boolean {
  for (let row = centre.row - window.row; row < centre.row - window.row + centre.height; row++) {
    const from = row * window.width + centre.col - window.col;
    for (let i = from; i < from + centre.width; i++) if (mask[i]) return false;
  }
  return true;
}

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
  const { stridePx } = card.outputs[0]!, grid = patchGrid(card.input), side = card.input.patchPx;
  const raster = emptyRaster(outputLattice(lattice, stridePx), outputWindow(block.core, stridePx));
  let patchesRun = 0, patchesSkipped = 0;
  for await (const { patch, valid, tensor } of readAhead(patchesOf(block, grid), (patch) => prepare(patch, card, readInput), READ_AHEAD)) {
    if (!tensor) {
      patchesSkipped++;
      continue;
    }
    const outputs = await session.run(tensor, [1, card.input.bands.length, side, side]);
    const { data } = outputTensor(card, outputs, 0, patch.name);
    copyCentre(raster, data, valid, outputWindow(patch.window, stridePx), outputWindow(patch.centre, stridePx), card, 0, patch.name);
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
