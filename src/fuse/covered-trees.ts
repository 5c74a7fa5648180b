// fuse/covered-trees.ts: image trees that stand in a crown which LiDAR found. Pure.
import Flatbush from 'flatbush';
import { bboxOf, locatePoint } from '../geo/polygon.ts';
import type { Polygon } from '../types.ts';

/**
 * Find the crown that each place lies in.
 *
 * @param places  x, y, metres in the crowns' CRS
 * @returns index of the crown by place, the first where crowns overlap, -1 where there is none; on a border by `locatePoint`: half-open
 */
export function crownOver(crowns: readonly Polygon[], places: readonly (readonly [number, number])[]): number[] {
  const outlines = crowns.flatMap((polygon, crown) => {
    const box = bboxOf([polygon]);
    return box ? [{ crown, polygon, box }] : [];
  });
  if (outlines.length === 0) return places.map(() => -1);
  const index = new Flatbush(outlines.length);
  for (const { box: { x0, y0, x1, y1 } } of outlines) index.add(x0, y0, x1, y1);
  index.finish();
  return places.map(([x, y]) => {
    const over = index.search(x, y, x, y, (i) => locatePoint(x, y, [outlines[i]!.polygon]));
    return over.length === 0 ? -1 : outlines[Math.min(...over)]!.crown;
  });
}
