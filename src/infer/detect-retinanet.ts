// infer/detect-retinanet.ts: the raw heads of RetinaNet: classes and deltas on anchors. Pure.
import { ModelError } from '../errors.ts';
import type { PatchBox } from './boxes.ts';
import type { CardOf } from './card.ts';
import { activatedScores, bestClass, classCount, isSeen, roleIndex, roleTensor, scoreAt, usable } from './detect-view.ts';
import type { DecodeCall } from './detect-view.ts';

type Anchors = Extract<CardOf<'detect'>['post'], { format: 'retinanet' }>['anchors'];

/** Largest dw, dh: a box is at most 62.5 times its anchor, so that exp does not overflow (torchvision's limit). */
const MOST_DELTA = Math.log(1000 / 16);

/** As torch.round and numpy do it: halves to the even neighbour. */
function roundHalfEven(x: number): number {
  const low = Math.floor(x), rest = x - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}

/**
 * Anchors of a patch: level by level, row by row, then by anchor of the cell.
 *
 * Half widths and heights are those of an area of size^2 at each ratio (height / width), rounded where the card says so.
 *
 * @returns corners about the patch's upper left, pixels: x0, y0, x1, y1 of each
 * @see Lin et al. 2017, arXiv:1708.02002; layout of torchvision's AnchorGenerator
 */
export function anchorsOf({ strides_px, sizes_px, ratios, order, centre, round }: Anchors, patchPx: number): Float64Array {
  const corners: number[] = [];
  strides_px.forEach((stride, level) => {
    const sizes = sizes_px[level] ?? [], cells = Math.ceil(patchPx / stride), halves: [number, number][] = [];
    const add = (size: number, ratio: number): void => {
      const w = size / Math.sqrt(ratio) / 2, h = (size * Math.sqrt(ratio)) / 2;
      halves.push(round ? [roundHalfEven(w), roundHalfEven(h)] : [w, h]);
    };
    if (order === 'ratio-size') for (const ratio of ratios) for (const size of sizes) add(size, ratio);
    else for (const size of sizes) for (const ratio of ratios) add(size, ratio);
    for (let row = 0; row < cells; row++) {
      for (let col = 0; col < cells; col++) {
        const x = (col + centre) * stride, y = (row + centre) * stride;
        for (const [w, h] of halves) corners.push(x - w, y - h, x + w, y + h);
      }
    }
  });
  return Float64Array.from(corners);
}

/** Anchors by card: they are the same for every patch. */
const anchorsByCard = new WeakMap<object, Float64Array>();
function anchorsOfCard(card: CardOf<'detect'>, anchors: Anchors): Float64Array {
  const known = anchorsByCard.get(anchors) ?? anchorsOf(anchors, card.input.patchPx);
  anchorsByCard.set(anchors, known);
  return known;
}

/**
 * Decode `classes` (1 x A x C) and `deltas` (1 x A x 4). With an anchor's middle (x, y) and size (w, h) the box has its middle at
 * (x + dx w, y + dy h) and the size (w e^dw, h e^dh), deltas times `delta_sd`. The class is that of the highest score, of equal ones the first.
 *
 * @throws {ModelError} when there are other classes than on the card, or a value that would be used is bad
 */
export function decodeRetinaNet(call: DecodeCall): PatchBox[] {
  const { card, view } = call, { post } = card;
  if (post.format !== 'retinanet') return [];
  const { data: classes, dims } = roleTensor(call, 'classes'), { data: deltas } = roleTensor(call, 'deltas'), output = card.outputs[roleIndex(card, 'classes')]!;
  const count = classCount(card), anchors = anchorsOfCard(card, post.anchors), { factor } = card.outputs[roleIndex(card, 'deltas')]!, sds = post.delta_sd, found: PatchBox[] = [];
  if (dims[2] !== count) {
    throw new ModelError(
      `model ${card.name}, patch ${view.patch.name}: output ${output.name} has ${dims[2]} classes, the card ${count}; name them in post.classes`,
      { source: card.name, patch: view.patch.name },
    );
  }
  const scores = activatedScores(classes, output);
  for (let n = 0; n < anchors.length / 4; n++) {
    const classIndex = bestClass(scores, n * count, 1, count), score = scoreAt(scores, n * count, 1, count, classIndex, output) * output.factor;
    if (score < post.score_threshold) continue; // NaN goes on, to be refused
    const i = 4 * n, w = anchors[i + 2]! - anchors[i]!, h = anchors[i + 3]! - anchors[i + 1]!;
    const delta = (k: number): number => deltas[i + k]! * factor * sds[k]!;
    const x = anchors[i]! + w / 2 + delta(0) * w, y = anchors[i + 1]! + h / 2 + delta(1) * h;
    const halfWidth = (w * Math.exp(Math.min(MOST_DELTA, delta(2)))) / 2, halfHeight = (h * Math.exp(Math.min(MOST_DELTA, delta(3)))) / 2;
    const box = { x0: x - halfWidth, y0: y - halfHeight, x1: x + halfWidth, y1: y + halfHeight };
    if (!isSeen(view, box.x0, box.y0, box.x1, box.y1)) continue;
    for (let k = i; k < i + 4; k++) usable(deltas[k]! * factor, call, 'deltas', k);
    found.push({ ...box, score: usable(score, call, 'classes', n), classIndex });
  }
  return found;
}
