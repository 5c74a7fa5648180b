// geo/box-index.ts: which of many boxes meet a box. Pure.
import Flatbush from 'flatbush';
import type { Box } from '../types.ts';

/** Answers which of many boxes meet a box, closed: their indices, ascending. */
export function boxIndex(boxes: readonly Box[]): (box: Box) => number[] {
  if (boxes.length === 0) return () => [];
  const index = new Flatbush(boxes.length);
  for (const { x0, y0, x1, y1 } of boxes) index.add(x0, y0, x1, y1);
  index.finish();
  return (box) => index.search(box.x0, box.y0, box.x1, box.y1).sort((a, b) => a - b);
}
