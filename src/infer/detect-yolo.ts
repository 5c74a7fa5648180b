// infer/detect-yolo.ts: one output of YOLO networks: centre, size, objectness if any, a score a class. Pure.
import type { PatchBox } from './boxes.ts';
import { activatedScores, bestClass, classCount, isSeen, roleIndex, roleTensor, scoreAt, usable } from './detect-view.ts';
import type { DecodeCall } from './detect-view.ts';

/**
 * Decode `objects`: cx, cy, w, h in pixels of the patch, objectness, scores. `activation` of the output is applied to objectness and scores,
 * `factor` to the four numbers of the box (patch_px where they are shares of its side). The class is that of the highest score, of equal ones the first.
 *
 * @throws {ModelError} when a value that would be used is bad
 */
export function decodeYolo(call: DecodeCall): PatchBox[] {
  const { card, view } = call, { post } = card;
  if (post.format !== 'yolo') return [];
  const { data, dims } = roleTensor(call, 'objects'), output = card.outputs[roleIndex(card, 'objects')]!, { factor } = output;
  const boxesFirst = post.axis === 'boxes-first', count = dims[boxesFirst ? 1 : 2]!, values = dims[boxesFirst ? 2 : 1]!;
  const perBox = boxesFirst ? values : 1, perValue = boxesFirst ? 1 : count;
  const scores = activatedScores(data, output), firstClass = post.objectness === 'none' ? 4 : 5, classes = classCount(card), found: PatchBox[] = [];
  for (let n = 0; n < count; n++) {
    const from = n * perBox, first = from + firstClass * perValue, classIndex = bestClass(scores, first, perValue, classes);
    const best = scoreAt(scores, first, perValue, classes, classIndex, output), objectness = scores[from + 4 * perValue]!;
    const score = post.objectness === 'only' ? objectness : post.objectness === 'multiply' ? objectness * best : best;
    if (score < post.score_threshold) continue; // NaN goes on, to be refused
    const x = data[from]! * factor, y = data[from + perValue]! * factor, w = data[from + 2 * perValue]! * factor, h = data[from + 3 * perValue]! * factor;
    const box = { x0: x - w / 2, y0: y - h / 2, x1: x + w / 2, y1: y + h / 2 };
    if (!isSeen(view, box.x0, box.y0, box.x1, box.y1)) continue;
    for (const value of [x, y, w, h]) usable(value, call, 'objects', n);
    usable(score, call, 'objects', n, [0, 1]);
    if (w > 0 && h > 0) found.push({ ...box, score, classIndex });
  }
  return found;
}
