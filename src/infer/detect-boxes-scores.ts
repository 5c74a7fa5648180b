// infer/detect-boxes-scores.ts: boxes, scores and perhaps labels as a network gives them, with or without suppression in the graph. Pure.
import { ModelError } from '../errors.ts';
import { activated } from './activation.ts';
import type { PatchBox } from './boxes.ts';
import { classCount, isSeen, roleIndex, roleTensor, usable } from './detect-view.ts';
import type { DecodeCall } from './detect-view.ts';

type Corners = [x0: number, y0: number, x1: number, y1: number];

/** The four numbers of a box to its corners. */
const CORNERS: Record<'xyxy' | 'xywh' | 'cxcywh', (a: number, b: number, c: number, d: number) => Corners> = {
  xyxy: (x0, y0, x1, y1) => [x0, y0, x1, y1],
  xywh: (x, y, w, h) => [x, y, x + w, y + h],
  cxcywh: (x, y, w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2],
};

/**
 * Decode `boxes` (N x 4), `scores` (N) and `labels` (N). `activation` of the scores' output is applied to the scores, `factor` to all numbers of
 * its output. A box whose corners are turned round has no area and is dropped, as is one whose label is below `first_label` (background).
 *
 * @throws {ModelError} when the outputs differ in length, a label is no class of the card, or a value that would be used is bad
 */
export function decodeBoxesScores(call: DecodeCall): PatchBox[] {
  const { card, view } = call, { post } = card;
  if (post.format !== 'boxes-scores') return [];
  const { data: boxes } = roleTensor(call, 'boxes'), output = card.outputs[roleIndex(card, 'scores')]!, boxFactor = card.outputs[roleIndex(card, 'boxes')]!.factor;
  const scores = activated(roleTensor(call, 'scores').data, output), labels = roleIndex(card, 'labels') < 0 ? null : roleTensor(call, 'labels').data;
  checkLengths(call, boxes.length / 4, scores.length, labels?.length ?? scores.length);
  const unit = boxFactor * (post.box_unit === 'fraction' ? card.input.patchPx : 1), corners = CORNERS[post.box], found: PatchBox[] = [];
  for (let n = 0; n < scores.length; n++) {
    const score = scores[n]!, i = 4 * n;
    if (score < post.score_threshold) continue; // NaN goes on, to be refused
    const [x0, y0, x1, y1] = corners(boxes[i]! * unit, boxes[i + 1]! * unit, boxes[i + 2]! * unit, boxes[i + 3]! * unit);
    if (!isSeen(view, x0, y0, x1, y1)) continue;
    for (let k = i; k < i + 4; k++) usable(boxes[k]! * boxFactor, call, 'boxes', k);
    const classIndex = labels ? labels[n]! - post.first_label : 0;
    if (classIndex < 0 || !(x1 > x0 && y1 > y0)) continue;
    if (classIndex >= classCount(card) || !Number.isInteger(classIndex)) {
      throw new ModelError(
        `model ${card.name}, patch ${view.patch.name}: label ${labels![n]} is none of ${classCount(card)} classes from ${post.first_label} on; name the classes in post.classes, or correct post.first_label`,
        { source: card.name, patch: view.patch.name },
      );
    }
    found.push({ x0, y0, x1, y1, score: usable(score, call, 'scores', n), classIndex });
  }
  return found;
}

function checkLengths({ card, view: { patch } }: DecodeCall, boxes: number, scores: number, labels: number): void {
  if (boxes === scores && scores === labels) return;
  throw new ModelError(
    `model ${card.name}, patch ${patch.name}: gave ${boxes} boxes, ${scores} scores and ${labels} labels; they must be as many: correct the graph or the roles of outputs on the card`,
    { source: card.name, patch: patch.name },
  );
}
