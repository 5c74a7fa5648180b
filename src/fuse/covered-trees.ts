// fuse/covered-trees.ts: image trees that stand in a crown which LiDAR found. Pure.
import Flatbush from 'flatbush';
import { bboxOf, locatePoint } from '../geo/polygon.ts';
import type { Polygon } from '../types.ts';

/**
 * Tell which places lie in a crown.
 *
 * @param places  x, y, metres in the crowns' CRS
 * @returns by place; on a border by `locatePoint`: half-open
 */
export function coveredBy(crowns: readonly Polygon[], places: readonly (readonly [number, number])[]): boolean[] {
  const outlines = crowns.flatMap((polygon) => {
    const box = bboxOf([polygon]);
    return box ? [{ polygon, box }] : [];
  });
  if (outlines.length === 0) return places.map(() => false);
  const index = new Flatbush(outlines.length);
  for (const { box: { x0, y0, x1, y1 } } of outlines) index.add(x0, y0, x1, y1);
  index.finish();
  return places.map(([x, y]) => index.search(x, y, x, y, (i) => locatePoint(x, y, [outlines[i]!.polygon])).length > 0);
}
