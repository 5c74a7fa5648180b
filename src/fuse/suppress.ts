// fuse/suppress.ts: detections of one tree from several patches: the best stays. Pure.
import Flatbush from 'flatbush';
import type { AnyCard } from '../infer/card.ts';
import { boxOverlap, byScore } from '../infer/boxes.ts';
import type { ImageBox } from '../infer/boxes.ts';
import type { Polygon } from '../types.ts';
import { outlineOf, outlineOverlap } from './suppress-masks.ts';
import type { Outline } from './suppress-masks.ts';

/**
 * Distance from a detection's middle to the farthest one that can decide on it, metres: the diagonal of the largest box.
 *
 * Proof: what decides on a detection D is whether a better one overlaps it; whether that one stays does not enter, so nothing is handed
 * on. Two boxes that overlap have middles no farther apart, along either axis, than half of both sides: at most L, the longest side that the card
 * allows (`max_box_m`; 2 `max_radius_m` of instances, whose masks lie in their boxes). So the middle of the other lies within L sqrt 2 of that of D.
 */
export function suppressHaloM(card: AnyCard): number {
  if (card.task === 'detect') return card.post.max_box_m * Math.SQRT2;
  return card.task === 'segment' && card.post.objects === 'instances' ? 2 * card.post.max_radius_m * Math.SQRT2 : 0;
}

/**
 * Suppress detections in one pass: a detection goes if a better one overlaps it by more than `maxOverlap`, whether or not that one stays.
 *
 * Better: a higher score, then the smaller x, then y (then edges, class and outline, so that no order of the input enters; of
 * detections that are equal in everything the first stays). Overlap: intersection over union of the boxes; of the outlines where both have one, exact on
 * their pixels. Classes do not matter: one place has one tree.
 *
 * Departs from the greedy suppression of the field, where one that went lets those that it overlaps stay: a chain of that has no bound,
 * so no halo would do (LOCALITY.md).
 *
 * @param boxes  in any order: those of a core and `suppressHaloM` around it
 * @returns 1 where the detection stays. Right for detections at least `suppressHaloM` from the edge of what was given
 */
export function suppress(boxes: readonly ImageBox[], maxOverlap: number): Uint8Array {
  const kept = new Uint8Array(boxes.length).fill(1);
  if (boxes.length === 0) return kept;
  const order = boxes.map((_, i) => i).sort((a, b) => byScore(boxes[a]!, boxes[b]!) || byOutline(boxes[a]!.polygon, boxes[b]!.polygon) || a - b);
  const rank = new Int32Array(boxes.length), index = new Flatbush(boxes.length), overlapOf = overlapsOf(boxes);
  order.forEach((i, r) => { rank[i] = r; });
  for (const { x0M, y0M, x1M, y1M } of boxes) index.add(x0M, y0M, x1M, y1M);
  index.finish();
  for (let i = 0; i < boxes.length; i++) {
    const { x0M, y0M, x1M, y1M } = boxes[i]!;
    if (index.search(x0M, y0M, x1M, y1M, (j) => rank[j]! < rank[i]! && overlapOf(i, j) > maxOverlap).length > 0) kept[i] = 0;
  }
  return kept;
}

/** The overlap of two detections by their numbers: of their outlines where both have one. An outline is cut up when it is first compared. */
function overlapsOf(boxes: readonly ImageBox[]): (i: number, j: number) => number {
  const outlines = new Map<number, Outline>();
  const outline = (i: number, polygon: Polygon): Outline => {
    const known = outlines.get(i) ?? outlineOf(polygon);
    outlines.set(i, known);
    return known;
  };
  return (i, j) => {
    const a = boxes[i]!, b = boxes[j]!;
    return a.polygon && b.polygon ? outlineOverlap(outline(i, a.polygon), outline(j, b.polygon)) : boxOverlap(a, b);
  };
}

/** An order of outlines, for detections that are equal in all else. */
function byOutline(a: Polygon | null, b: Polygon | null): number {
  const left = JSON.stringify(a), right = JSON.stringify(b);
  return left < right ? -1 : left > right ? 1 : 0;
}
