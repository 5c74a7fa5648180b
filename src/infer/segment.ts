// infer/segment.ts: task `segment`: a map of probability, or instances with masks. IO through session and reader.
import { ModelError } from '../errors.ts';
import type { Lattice } from '../types.ts';
import { runMaps } from './block-maps.ts';
import type { ModelCard } from './card.ts';
import type { ReadInput } from './input.ts';
import type { Block } from './patches.ts';
import type { BlockResult, PatchTask } from './registry.ts';
import { runInstances } from './segment-instances.ts';
import type { Session } from './session.ts';

/**
 * Run a segmentation network over the patches of a block.
 *
 * @returns with `post.objects` climb the map of probability, of which `objectsOfMap` makes objects once all of it is known (an object
 *          crosses patches); with instances the instances that belong to the block, with their outlines
 * @throws {ModelError} as `runMaps`
 */
export async function runSegmentBlock(block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice): Promise<BlockResult> {
  if (card.task !== 'segment') throw new ModelError(`model ${card.name}: is of task ${card.task}, not segment`, { source: card.name });
  return card.post.objects === 'climb' ? runMaps(block, card, session, readInput, lattice) : runInstances(block, card, card.post, session, readInput, lattice);
}

export const segment: PatchTask = { reads: 'patches', runBlock: runSegmentBlock };
