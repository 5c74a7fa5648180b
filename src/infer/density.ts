// infer/density.ts: task `density`: stems per output pixel, summed at the network's own resolution. IO through session and reader.
import type { Lattice } from '../types.ts';
import { runMaps } from './block-maps.ts';
import type { ModelCard } from './card.ts';
import type { ReadInput } from './input.ts';
import type { Block } from './patches.ts';
import type { BlockResult, PatchTask } from './registry.ts';
import type { Session } from './session.ts';

export { densityByCell, densityPeaks, peakHaloPx } from './density-map.ts';

/**
 * Run a density network over the patches of a block: `runMaps`.
 *
 * @returns density in stems per output pixel over the block's core, at the network's own resolution (enlarging it would not keep the count);
 *          the map of peaks, `heat`, where the card has one
 * @throws {ModelError} as `runMaps`
 */
export const runDensityBlock = (block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice): Promise<BlockResult> =>
  runMaps(block, card, session, readInput, lattice);

export const density: PatchTask = { reads: 'patches', runBlock: runDensityBlock };
