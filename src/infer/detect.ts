// infer/detect.ts: task `detect`: boxes of trees, whatever the layout of the network's outputs. IO through session and reader.
import { ModelError } from '../errors.ts';
import type { Lattice } from '../types.ts';
import { byScore, boxOverlap, imageBoxOf, longestSideM, middleIn } from './boxes.ts';
import type { ImageBox } from './boxes.ts';
import type { CardOf, ModelCard } from './card.ts';
import { runDetections } from './detect-block.ts';
import type { PatchOutputs } from './detect-block.ts';
import { decodeBoxesScores } from './detect-boxes-scores.ts';
import { decodeCentreSize } from './detect-centre-size.ts';
import { patchView } from './detect-view.ts';
import type { Decode } from './detect-view.ts';
import { decodeRetinaNet } from './detect-retinanet.ts';
import { decodeYolo } from './detect-yolo.ts';
import type { ReadInput } from './input.ts';
import type { Block } from './patches.ts';
import type { BlockResult, PatchTask } from './registry.ts';
import type { Session } from './session.ts';

type Format = CardOf<'detect'>['post']['format'];

const DECODERS: Record<Format, Decode> = { 'boxes-scores': decodeBoxesScores, yolo: decodeYolo, retinanet: decodeRetinaNet, 'centre-size': decodeCentreSize };
/** Layouts whose decoder gives only what belongs to the patch: a centre belongs by its pixel, not by the middle of its box. */
const OWNED_BY_PIXEL: ReadonlySet<Format> = new Set(['centre-size']);

/**
 * Run a detector over the patches of a block.
 *
 * A box belongs to the patch whose trusted centre holds its middle (its centre's pixel, for centre-size): each comes once in the
 * survey. Dropped are: scores below `score_threshold`, classes that are no trees, boxes longer than `max_box_m`, and boxes whose
 * middle is a void pixel or more than half of whose pixels in the patch are void. Raw heads that give many boxes a tree (yolo,
 * retinanet, boxes-scores with `nms: false`) are thinned inside each patch, greedily as graphs do it: the one that scores best stays and those that overlap
 * it by more than `max_overlap` go. Boxes of different patches meet in `suppress`, when all are known.
 *
 * @returns boxes; `valid`: the input pixels that are valid
 * @throws {ModelError} when an output is missing, of another shape, or a value that would be used is NaN or outside the card's range
 */
export async function runDetectBlock(block: Block, card: ModelCard, session: Session, readInput: ReadInput, lattice: Lattice): Promise<BlockResult> {
  if (card.task !== 'detect') throw new ModelError(`model ${card.name}: is of task ${card.task}, not detect`, { source: card.name });
  refuseNarrowMargin(card, lattice);
  return runDetections(block, card, session, readInput, lattice, (outputs) => boxesOf(card, outputs, lattice));
}

/** @throws {ModelError} when a centre on a seam would not see all of its neighbours */
function refuseNarrowMargin({ name, input: { marginPx }, outputs, post }: CardOf<'detect'>, { resM }: Lattice): void {
  if (post.format !== 'centre-size') return;
  const stridePx = outputs.find(({ variable }) => variable === 'heat')?.stridePx ?? 1, reachPx = Math.floor(post.peak_radius_m / (resM * stridePx) + 1e-9) * stridePx;
  if (reachPx > marginPx) {
    throw new ModelError(
      `model ${name}: input.margin_px ${marginPx} is less than the ${reachPx} px of post.peak_radius_m ${post.peak_radius_m}: a centre on a seam would not see its neighbours; use a larger margin`,
      { source: name },
    );
  }
}

/** The boxes of a patch that belong to it. */
function boxesOf(card: CardOf<'detect'>, { patch, mask, tensors }: PatchOutputs, lattice: Lattice): ImageBox[] {
  const { post } = card, trees = post.tree_classes && new Set(post.tree_classes);
  const found = DECODERS[post.format]({ card, tensors, view: patchView(patch, mask), lattice })
    .filter(({ classIndex }) => !trees || trees.has(classIndex))
    .map((box) => imageBoxOf(box, patch.window, lattice))
    .filter((box) => longestSideM(box) <= post.max_box_m);
  const thinned = post.nms || post.format === 'centre-size' ? found : greedy(found, post.max_overlap);
  return OWNED_BY_PIXEL.has(post.format) ? thinned : thinned.filter((box) => middleIn(box, patch.centre, lattice));
}

/** Greedy suppression inside one patch: the best that is left stays, those that overlap it beyond the limit go. */
function greedy(boxes: ImageBox[], maxOverlap: number): ImageBox[] {
  const kept: ImageBox[] = [];
  for (const box of boxes.sort(byScore)) if (kept.every((better) => !(boxOverlap(better, box) > maxOverlap))) kept.push(box);
  return kept;
}

export const detect: PatchTask = { reads: 'patches', runBlock: runDetectBlock };
