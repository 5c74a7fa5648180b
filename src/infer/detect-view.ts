// infer/detect-view.ts: what a decoder of boxes is given of a patch: outputs by role, checks of values, and what is void. Pure.
import { ModelError } from '../errors.ts';
import type { Lattice } from '../types.ts';
import { activated } from './activation.ts';
import type { PatchBox } from './boxes.ts';
import type { CardOf, CardOutput } from './card.ts';
import type { DetectRole } from './card-outputs.ts';
import { isWithin, outputTensor } from './output.ts';
import type { Patch } from './patch-runs.ts';
import type { Tensor } from './session.ts';

type DetectCard = CardOf<'detect'>;

/** A patch and the valid pixels of its input. */
export interface PatchView {
  patch: Patch;
  mask: Uint8Array;
  hasVoids: boolean;
}

export const patchView = (patch: Patch, mask: Uint8Array): PatchView => ({ patch, mask, hasVoids: mask.includes(0) });

export interface DecodeCall {
  card: DetectCard;
  tensors: Record<string, Tensor>;
  view: PatchView;
  /** of the image */
  lattice: Lattice;
}

/** One layout of outputs: boxes that score at least `score_threshold` and are seen, in pixels of the patch. */
export type Decode = (call: DecodeCall) => PatchBox[];

/** Index of the output of a role on the card; -1 where it has none. */
export const roleIndex = ({ outputs }: DetectCard, role: DetectRole): number => outputs.findIndex(({ variable }) => variable === role);

/** The tensor of a role. @throws {ModelError} when it is missing or of another shape */
export const roleTensor = ({ card, tensors, view }: DecodeCall, role: DetectRole): Tensor => outputTensor(card, tensors, roleIndex(card, role), view.patch.name);

/**
 * A value that will be used, as it is.
 *
 * @param range  default: that of the output on the card
 * @throws {ModelError} when it is NaN, infinite or outside the range by more than the card's tolerance
 */
export function usable(value: number, { card, view }: DecodeCall, role: DetectRole, at: number, range?: readonly [number, number]): number {
  const output = card.outputs[roleIndex(card, role)]!, { name, unit } = output, limits = range ?? output.range;
  if (isWithin(value, limits, card.tolerance)) return value;
  const what = Number.isFinite(value) ? `${value} ${unit} is outside the card's range [${limits.join(', ')}]` : `is ${value}`;
  throw new ModelError(
    `model ${card.name}, patch ${view.patch.name}: output ${name} at ${at}: ${what}; check scale, mean, std and the bands of the image, or the range on the card`,
    { source: card.name, patch: view.patch.name, output: name, value },
  );
}

/**
 * True for a box that the network has seen: its middle is a valid pixel of the patch, and at least half of its pixels that the patch holds are valid
 * (pixels by their centres; one that holds no centre goes by its middle). A box that is no number counts as seen, so that it is refused and not lost.
 */
export function isSeen({ patch: { window: { width, height } }, mask, hasVoids }: PatchView, x0: number, y0: number, x1: number, y1: number): boolean {
  const col = Math.floor((x0 + x1) / 2), row = Math.floor((y0 + y1) / 2);
  if (Number.isNaN(col + row)) return true;
  if (col < 0 || row < 0 || col >= width || row >= height || !mask[row * width + col]) return false;
  if (!hasVoids) return true;
  const first = (edge: number) => Math.max(0, Math.ceil(edge - 0.5)), end = (edge: number, size: number) => Math.min(size, Math.ceil(edge - 0.5));
  const fromCol = first(x0), toCol = end(x1, width), toRow = end(y1, height);
  let pixels = 0, valid = 0;
  for (let r = first(y0); r < toRow; r++) {
    for (let i = r * width + fromCol; i < r * width + toCol; i++) {
      pixels++;
      valid += mask[i]!;
    }
  }
  return 2 * valid >= pixels;
}

/** Number of classes of a card. */
export const classCount = ({ post }: DetectCard): number => post.classes?.length ?? 1;

/** The outputs of scores after an activation that looks at one value at a time; softmax is `scoreAt`'s. */
export const activatedScores = (data: Float32Array, { activation }: Pick<CardOutput, 'activation'>): Float32Array =>
  activation === 'softmax' ? data : activated(data, { activation, factor: 1, channels: 1, channel: 0 });

/** Index of the highest of `count` scores of a box, of equal ones the first; of one that is NaN if any is, so that it is refused. */
export function bestClass(scores: Float32Array, from: number, step: number, count: number): number {
  let best = 0;
  for (let c = 1; c < count; c++) {
    const score = scores[from + c * step]!;
    if (score > scores[from + best * step]! || Number.isNaN(score)) best = c;
  }
  return best;
}

/** The score of the best class; of softmax, its share among all classes. */
export function scoreAt(scores: Float32Array, from: number, step: number, count: number, best: number, { activation }: Pick<CardOutput, 'activation'>): number {
  const highest = scores[from + best * step]!;
  if (activation !== 'softmax') return highest;
  let sum = 0;
  for (let c = 0; c < count; c++) sum += Math.exp(scores[from + c * step]! - highest);
  return 1 / sum;
}
