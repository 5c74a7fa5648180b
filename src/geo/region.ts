// geo/region.ts: how boxes lie to polygons: inside, outside, or on their edge. Pure.
import Flatbush from 'flatbush';
import { orient2d } from 'robust-predicates';
import type { Box, MultiPolygon } from '../types.ts';
import { edgesOf } from './polygon.ts';
import { UNITS_PER_M, toUnits } from './units.ts';

/** `edge` is said of every box that meets the box of an edge: it may still be wholly inside or outside. */
export type Relation = 'inside' | 'outside' | 'edge';

/**
 * Answers how a box lies to polygons, in the time of a search.
 *
 * @param polygons outer rings and holes; parts may touch, not overlap
 */
export function regionOf(polygons: MultiPolygon): (box: Box) => Relation {
  const edges = edgesOf(polygons), rings = ringSegments(polygons);
  if (rings.length === 0 || edges.length === 0) return () => 'outside';
  const near = new Flatbush(rings.length), rising = new Flatbush(edges.length / 5);
  for (const { x0, y0, x1, y1 } of rings) near.add(x0, y0, x1, y1);
  for (let e = 0; e < edges.length; e += 5) rising.add(Math.min(edges[e]!, edges[e + 2]!), edges[e + 1]!, Math.max(edges[e]!, edges[e + 2]!), edges[e + 3]!);
  near.finish();
  rising.finish();
  return ({ x0, y0, x1, y1 }) => {
    if (near.search(toUnits(x0), toUnits(y0), toUnits(x1), toUnits(y1)).length > 0) return 'edge';
    const x = Math.round(((x0 + x1) / 2) * UNITS_PER_M), y = Math.round(((y0 + y1) / 2) * UNITS_PER_M);
    let inside = false;
    for (const i of rising.search(x, y, Infinity, y)) {
      const e = i * 5, ay = edges[e + 1]!, by = edges[e + 3]!;
      if (y >= ay && y < by && orient2d(edges[e]!, ay, edges[e + 2]!, by, x, y) < 0) inside = !inside;
    }
    return inside ? 'inside' : 'outside';
  };
}

/** Boxes of all segments, level ones too, in units of 1e-5 m. */
const ringSegments = (polygons: MultiPolygon): Box[] => polygons.flatMap((polygon) => polygon.flatMap((ring) => ring.slice(1).map(([x, y], i) => {
  const ax = toUnits(ring[i]![0]), ay = toUnits(ring[i]![1]), bx = toUnits(x), by = toUnits(y);
  return { x0: Math.min(ax, bx), y0: Math.min(ay, by), x1: Math.max(ax, bx), y1: Math.max(ay, by) };
})));
