import { expect, test } from 'vitest';
import { crownOver } from '../../src/fuse/covered-trees.ts';
import { locatePoint } from '../../src/geo/polygon.ts';
import type { Polygon } from '../../src/types.ts';
import { randomOf } from '../raster/rasters.ts';

const square = (x: number, y: number, side: number): Polygon => [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]];
/** A crown of 6 m from which a quarter is missing: its box covers more than it does. */
const ell = (x: number, y: number): Polygon => [[[x, y], [x + 6, y], [x + 6, y + 3], [x + 3, y + 3], [x + 3, y + 6], [x, y + 6], [x, y]]];

test('a place is covered inside a crown, not where only its box is, and by one of two crowns that touch', () => {
  expect(crownOver([[], ell(0, 0)], [[1, 5], [5, 1], [5, 5], [9, 9]])).toEqual([1, 1, -1, -1]);
  const [west, east] = [square(0, 0, 4), square(4, 0, 4)], border = [[4, 2]] as const;
  expect([west, east].filter((crown) => crownOver([crown!], border)[0] === 0)).toHaveLength(1);
});

test('without a crown nothing is covered', () => {
  expect(crownOver([], [[0, 0]])).toEqual([-1]);
  expect(crownOver([[]], [[0, 0]])).toEqual([-1]);
});

test('of hundreds of crowns those count that a look at each of them finds, borders included', () => {
  const random = randomOf(5), whole = () => Math.floor(random() * 60), crowns = Array.from({ length: 150 }, () => ell(whole(), whole()));
  const places = Array.from({ length: 300 }, (): [number, number] => [whole(), whole()]), over = crownOver(crowns, places);
  expect(over).toEqual(places.map(([x, y]) => crowns.findIndex((crown) => locatePoint(x, y, [crown]))));
  expect(over).toContain(-1);
  expect(Math.max(...over)).toBeGreaterThan(0);
});
