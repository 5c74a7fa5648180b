// evaluate/regions.ts: the ground that a reference covers: circles and polygons of plots, an area, or the hull of its trees. Pure.
import { holdsPoint } from '../geo/box.ts';
import { bboxOf, locatePoint, polygonAreaM2 } from '../geo/polygon.ts';
import type { Box, MultiPolygon, Plot, Ring } from '../types.ts';

/** A piece of ground. `box` holds all of it. */
export interface Region {
  id: string;
  box: Box;
  areaHa: number;
  holds(xM: number, yM: number): boolean;
}

/** Polygons as a region, by the half-open rule of `locatePoint`. */
export function regionOfPolygons(id: string, polygons: MultiPolygon): Region {
  const box = bboxOf(polygons) ?? { x0: 0, y0: 0, x1: 0, y1: 0 };
  return { id, box, areaHa: polygonAreaM2(polygons) / 10_000, holds: (xM, yM) => holdsPoint(box, xM, yM) && locatePoint(xM, yM, polygons) };
}

/** A plot as a region: a tree on the circle stands inside; areas are as the plot states them. */
export function regionOfPlot({ plotId, xM, yM, radiusM, polygons, areaHa }: Plot): Region {
  if (radiusM === null) return { ...regionOfPolygons(plotId, polygons ?? []), areaHa };
  const box = { x0: xM - radiusM, y0: yM - radiusM, x1: xM + radiusM, y1: yM + radiusM };
  return { id: plotId, box, areaHa, holds: (x, y) => (x - xM) ** 2 + (y - yM) ** 2 <= radiusM ** 2 };
}

/** The convex hull of places, closed and counter-clockwise (Andrew's monotone chain); without area for fewer than three or places on a line. */
export function hullOf(places: readonly { xM: number; yM: number }[]): Ring {
  const points = places.map(({ xM, yM }): [number, number] => [xM, yM]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (list: readonly [number, number][]): Ring => {
    const chain: Ring = [];
    for (const point of list) {
      while (chain.length > 1 && turn(chain.at(-2)!, chain.at(-1)!, point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain;
  };
  const lower = half(points), upper = half(points.toReversed());
  return [...lower, ...upper.slice(1)];
}

const turn = (a: [number, number], b: [number, number], c: [number, number]): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
