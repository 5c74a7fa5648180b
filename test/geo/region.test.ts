import fc from 'fast-check';
import { expect, test } from 'vitest';
import { locatePoint } from '../../src/geo/polygon.ts';
import { regionOf } from '../../src/geo/region.ts';
import type { MultiPolygon } from '../../src/types.ts';

const square = (x0: number, y0: number, x1: number, y1: number): [number, number][] => [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]];
const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 });
const withHole: MultiPolygon = [[square(0, 0, 100, 100), square(40, 40, 60, 60).reverse()]];

test('boxes lie inside an area, outside it, in its hole, or on its edge', () => {
  const relation = regionOf(withHole);
  expect(relation(box(10, 10, 20, 20))).toBe('inside');
  expect(relation(box(110, 10, 120, 20))).toBe('outside');
  expect(relation(box(45, 45, 55, 55))).toBe('outside');
  expect(relation(box(90, 10, 110, 20))).toBe('edge');
  expect(relation(box(35, 45, 65, 55))).toBe('edge');
  expect(relation(box(-10, -10, 200, 200))).toBe('edge');
});

test('every point of a box that is inside lies in the polygons, none of one that is outside', () => {
  const slanted: MultiPolygon = [[[[0, 0], [80, 10], [100, 90], [30, 70], [0, 0]]], [[[120, 0], [180, 0], [150, 60], [120, 0]]]];
  const relation = regionOf(slanted);
  fc.assert(fc.property(fc.integer({ min: -20, max: 190 }), fc.integer({ min: -20, max: 100 }), fc.integer({ min: 1, max: 15 }), fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 10 }), (x, y, size, u, v) => {
    const said = relation(box(x, y, x + size, y + size)), inside = locatePoint(x + (u / 10) * size, y + (v / 10) * size, slanted);
    if (said !== 'edge') expect(inside).toBe(said === 'inside');
  }), { seed: 7, numRuns: 2000 });
});
