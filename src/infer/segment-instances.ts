// infer/segment-instances.ts: masks of instances to outlines, each owned by one patch. IO through session and reader.
import { ModelError } from '../errors.ts';
import { bboxOf } from '../geo/polygon.ts';
import { crownPolygons } from '../raster/polygonise.ts';
import { joinSets, rootOf, singletons } from '../raster/union-find.ts';
import type { Lattice, Window } from '../types.ts';
import { activated } from './activation.ts';
import { imageBoxOfEdges, longestSideM, middleIn } from './boxes.ts';
import type { ImageBox } from './boxes.ts';
import type { CardOf, CardOutput } from './card.ts';
import { runDetections } from './detect-block.ts';
import type { PatchOutputs } from './detect-block.ts';
import type { ReadInput } from './input.ts';
import { isWithin, outputMask, outputTensor } from './output.ts';
import { outputLattice, outputWindow } from './patches.ts';
import type { Block } from './patches.ts';
import type { BlockResult } from './registry.ts';
import type { Session } from './session.ts';

type SegmentCard = CardOf<'segment'>;
type InstancePost = Extract<SegmentCard['post'], { objects: 'instances' }>;

/**
 * Run a network that gives instances over the patches of a block.
 *
 * Of each instance that scores at least `score_threshold` the valid pixels of at least `threshold` are taken, and of those the largest
 * 4-connected part (of equal ones the one that begins earlier in row, col). It goes if it is smaller than `min_area_m2` or longer than
 * 2 `max_radius_m`. It belongs to the patch whose trusted centre holds the middle of its box. Instances of different patches meet in `suppress`.
 *
 * @returns boxes with the outlines of the masks: rings along pixel edges, valid in the sense of OGC
 * @throws {ModelError} when an output is missing, of another shape, or a value that would be used is NaN or outside the card's range
 */
export const runInstances = (block: Block, card: SegmentCard, post: InstancePost, session: Session, readInput: ReadInput, lattice: Lattice): Promise<BlockResult> =>
  runDetections(block, card, session, readInput, lattice, (outputs) => instancesOf(card, post, outputs, lattice));

function instancesOf(card: SegmentCard, post: InstancePost, { patch, mask, tensors }: PatchOutputs, lattice: Lattice): ImageBox[] {
  const scoresIndex = card.outputs.findIndex(({ variable }) => variable === 'scores'), masksIndex = 1 - scoresIndex, output = card.outputs[masksIndex]!, { stridePx } = output;
  const masks = outputTensor(card, tensors, masksIndex, patch.name).data, scores = activated(outputTensor(card, tensors, scoresIndex, patch.name).data, card.outputs[scoresIndex]!);
  const window = outputWindow(patch.window, stridePx), size = window.width * window.height, valid = outputMask(mask, patch.window.width, stridePx), found: ImageBox[] = [];
  if (masks.length !== scores.length * size) {
    throw new ModelError(
      `model ${card.name}, patch ${patch.name}: gave ${masks.length / size} masks and ${scores.length} scores; they must be as many: correct the graph`,
      { source: card.name, patch: patch.name },
    );
  }
  for (let n = 0; n < scores.length; n++) {
    const score = scores[n]!;
    if (score < post.score_threshold) continue; // NaN goes on, to be refused
    const values = activated(masks.subarray(n * size, (n + 1) * size), { ...output, channels: 1, channel: 0 });
    const part = largestPart(inMask(values, valid, post.threshold, card, output, patch.name), window.width);
    if (!part || part.pixels * (lattice.resM * stridePx) ** 2 < post.min_area_m2) continue;
    const { range, name } = card.outputs[scoresIndex]!;
    if (!isWithin(score, range, card.tolerance)) {
      throw new ModelError(
        `model ${card.name}, patch ${patch.name}: output ${name} at ${n} is ${score}, outside the card's range [${range.join(', ')}]`,
        { source: card.name, patch: patch.name },
      );
    }
    const place = { ...part.box, col: window.col + part.box.col, row: window.row + part.box.row };
    const polygon = crownPolygons(part.labels, place, outputLattice(lattice, stridePx)).get(1)!, { x0, y0, x1, y1 } = bboxOf([polygon])!;
    const box = imageBoxOfEdges([x0, y0, x1, y1], { score, classIndex: 0, polygon });
    if (longestSideM(box) <= 2 * post.max_radius_m && middleIn(box, patch.centre, lattice)) found.push(box);
  }
  return found;
}

/** Pixels of an instance: valid and of at least the threshold. @throws {ModelError} for a value under a valid pixel that is NaN or out of range */
function inMask(values: Float32Array, valid: Uint8Array, threshold: number, card: SegmentCard, { name, range }: CardOutput, patch: string): Uint8Array {
  const { tolerance } = card, inside = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (!valid[i]) continue;
    const value = values[i]!;
    if (!isWithin(value, range, tolerance)) {
      throw new ModelError(
        `model ${card.name}, patch ${patch}: output ${name} at its pixel ${i} of an instance is ${value}, outside the card's range [${range.join(', ')}]; check scale, mean, std and the bands of the image, or the range on the card`,
        { source: card.name, patch, value },
      );
    }
    if (value >= threshold) inside[i] = 1;
  }
  return inside;
}

interface MaskPart {
  /** where the mask is, pixels of the patch */
  box: Window;
  /** 1 in the part, row-major over `box` */
  labels: Int32Array;
  pixels: number;
}

/** The largest 4-connected part of a mask, of equal ones the one that begins earlier; null where the mask is empty. */
function largestPart(inside: Uint8Array, width: number): MaskPart | null {
  const box = boxOfMask(inside, width), count = box.width * box.height;
  if (count === 0) return null;
  const sets = singletons(count), pixels = new Int32Array(count), cut = new Uint8Array(count);
  for (let r = 0; r < box.height; r++) cut.set(inside.subarray((box.row + r) * width + box.col, (box.row + r) * width + box.col + box.width), r * box.width);
  for (let i = 0; i < count; i++) {
    if (!cut[i]) continue;
    if (i % box.width > 0 && cut[i - 1]) joinSets(sets, i, i - 1);
    if (i >= box.width && cut[i - box.width]) joinSets(sets, i, i - box.width);
  }
  let best = 0;
  for (let i = 0; i < count; i++) if (cut[i]) pixels[rootOf(sets, i)]!++;
  for (let i = 0; i < count; i++) if (pixels[i]! > pixels[best]!) best = i; // the root of a part is its first pixel
  return { box, labels: Int32Array.from(cut, (each, i) => (each && rootOf(sets, i) === best ? 1 : 0)), pixels: pixels[best]! };
}

function boxOfMask(inside: Uint8Array, width: number): Window {
  let west = width, east = -1, north = -1, south = -1;
  for (let i = 0; i < inside.length; i++) {
    if (!inside[i]) continue;
    const row = Math.floor(i / width), col = i - row * width;
    west = Math.min(west, col);
    east = Math.max(east, col);
    if (north < 0) north = row;
    south = row;
  }
  return east < 0 ? { col: 0, row: 0, width: 0, height: 0 } : { col: west, row: north, width: east - west + 1, height: south - north + 1 };
}
