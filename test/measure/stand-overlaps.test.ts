import { expect, test } from 'vitest';
import { standOverlaps } from '../../src/measure/stand-overlaps.ts';
import type { Stand } from '../../src/types.ts';

/** A canopy height model of 1 m, all valid but one pixel. */
const window = { col: 0, row: -40, width: 40, height: 40 };
const chm = { lattice: { resM: 1, x0M: 0, y0M: 0 }, window, data: new Float32Array(1600), mask: new Uint8Array(1600).fill(1) };
chm.mask[(40 - 5) * 40 + 7] = 0; // [7, 8) x [4, 5): in a and b
const square = (standId: string, x0: number, y0: number, x1: number, y1: number): Stand => ({ standId, attributes: {}, polygons: [[[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]] });
const tile = (x0: number, y0: number, x1: number, y1: number) => ({ id: `${x0}_${y0}`, core: { x0, y0, x1, y1 } });
const stands = [square('b', 0, 0, 10, 10), square('a', 6, 0, 16, 10), square('c', 8, 8, 20, 20), square('d', 20, 0, 30, 10)];

test('stands that overlap are told in pairs with the ground that they share; neighbours share none', () => {
  expect(standOverlaps(tile(0, 0, 40, 40), stands, chm)).toEqual([
    { standId: 'a', otherId: 'b', areaM2: 39 }, // 4 m x 10 m, less a void of 1 m2
    { standId: 'a', otherId: 'c', areaM2: 16 }, // 8 m x 2 m
    { standId: 'b', otherId: 'c', areaM2: 4 }, // 2 m x 2 m
  ]);
});

test('the shares of tiles add up to those of the whole', () => {
  const sums = new Map<string, number>();
  for (const [x0, y0] of [[0, 0], [7, 0], [0, 7], [7, 7]] as const) {
    for (const { standId, otherId, areaM2 } of standOverlaps(tile(x0, y0, x0 === 0 ? 7 : 40, y0 === 0 ? 7 : 40), stands, chm)) sums.set(`${standId} ${otherId}`, (sums.get(`${standId} ${otherId}`) ?? 0) + areaM2);
  }
  expect([...sums].sort()).toEqual([['a b', 39], ['a c', 16], ['b c', 4]]);
});
