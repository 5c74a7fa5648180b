// infer/regress-raster.ts: task `regress-raster`: a map of height, biomass ... and perhaps of its standard deviation. IO through session and reader.
import { ModelError } from '../errors.ts';
import type { Lattice } from '../types.ts';
import { runMaps } from './block-maps.ts';
import type { CardOf, CardOutput, ModelCard } from './card.ts';
import type { ReadInput } from './input.ts';
import type { Block } from './patches.ts';
import type { BlockResult, PatchTask } from './registry.ts';
import type { Session, Tensor } from './session.ts';

/**
 * Run a regression network over the patches of a block: `runMaps`.
 *
 * Floats stay as the network gives them, after activation and factor. Where its raw output is the card's `nodata` the pixel is
 * a void, in the map and in its standard deviation; a NaN is refused, as everywhere.
 *
 * @returns the map, then its standard deviation `<variable>_sd` if the card names one
 * @throws {ModelError} as `runMaps`
 */
export async function runRegressRasterBlock(block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice): Promise<BlockResult> {
  if (card.task !== 'regress-raster') throw new ModelError(`model ${card.name}: is of task ${card.task}, not regress-raster`, { source: card.name });
  const { nodata } = card.post;
  if (nodata === undefined) return runMaps(block, card, session, readInput, lattice);
  return runMaps(block, card, session, readInput, lattice, { voidMore: nodataRule(card, Math.fround(nodata)), reason: 'image pixels missing or masked, or nodata of the model' });
}

/** Where the raw value is nodata, its map and the map of its deviation are void; where the raw deviation is, that map alone. */
function nodataRule({ outputs }: CardOf<'regress-raster'>, nodata: number): (valid: Uint8Array, output: CardOutput, tensors: Record<string, Tensor>) => void {
  return (valid, output, tensors) => {
    const measure = outputs.find(({ variable }) => variable === output.sdOf);
    for (const { name, channels, channel } of measure ? [output, measure] : [output]) {
      const data = tensors[name]?.data, size = (data?.length ?? 0) / channels, from = channel * size;
      if (!data || size !== valid.length) continue; // its shape is refused when its own turn comes
      for (let i = 0; i < size; i++) if (data[from + i] === nodata) valid[i] = 0;
    }
  };
}

export const regressRaster: PatchTask = { reads: 'patches', runBlock: runRegressRasterBlock };
