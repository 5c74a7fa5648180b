import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crsFromEpsg, transformer } from '../../src/geo/crs.ts';
import { lonLatBox, meetsAreaOfUse, transformBox } from '../../src/geo/crs-box.ts';
import { columnTransformer } from '../../src/geo/crs-columns.ts';

const box = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 });

test('a box turned by a quarter is the box of its turned corners; a bent side reaches beyond its corners', () => {
  expect(transformBox((x, y) => [-y, x], box(0, 1, 10, 4))).toEqual(box(-4, 0, -1, 10));
  // a parallel is highest in the middle of its image
  expect(transformBox((x, y) => [x, y - (x - 5) ** 2], box(0, 0, 10, 1)).y1).toBe(1);
});

test('every point of a box of some kilometres lies in the box of its image, grown by a metre', () => {
  const [feet, utm] = [crsFromEpsg(2228), crsFromEpsg(32611)], there = transformer(feet, utm), file = box(6_500_000, 2_000_000, 6_520_000, 2_015_000), image = transformBox(there, file);
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (u, v) => {
    const [x, y] = there(file.x0 + u * (file.x1 - file.x0), file.y0 + v * (file.y1 - file.y0));
    expect(x > image.x0 - 1 && x < image.x1 + 1 && y > image.y0 - 1 && y < image.y1 + 1).toBe(true);
  }), { seed: 1, numRuns: 500 });
});

test('a box across the date line is one box of longitudes, not one around the globe', () => {
  const { x0, x1 } = lonLatBox(crsFromEpsg(32601), box(300_000, 7_000_000, 500_000, 7_010_000)); // zone 1 is 180 to 174 W, 177 W in its middle
  expect(x1 - x0).toBeLessThan(5);
  const west = lonLatBox(crsFromEpsg(32660), box(600_000, 7_000_000, 700_000, 7_010_000)), over = lonLatBox(crsFromEpsg(32660), box(640_000, 7_000_000, 660_000, 7_001_000));
  expect([west.x0 < 180, west.x1 > 180]).toEqual([true, true]);
  expect(over.x1 - over.x0).toBeLessThan(1);
});

test('an area of use is met across the date line, and not from the other side of the globe', () => {
  const aleutians = crsFromEpsg(4269); // 167 E eastward to 41 W
  expect([meetsAreaOfUse(aleutians, box(170, 52, 171, 53), 0), meetsAreaOfUse(aleutians, box(-175, 52, -174, 53), 0), meetsAreaOfUse(aleutians, box(179, 52, 181, 53), 0)]).toEqual([true, true, true]);
  expect([meetsAreaOfUse(aleutians, box(10, 52, 11, 53), 0), meetsAreaOfUse(aleutians, box(-120, -40, -119, -39), 1), meetsAreaOfUse(aleutians, box(6e6, 2e6, 6e6, 2e6), 1)]).toEqual([false, false, false]);
});

test('columns get the same bits as single points, also over two datums; what has no image is NaN', () => {
  for (const [from, to, x, y] of [[27700, 32630, 420393.2098, 305849.6263], [31370, 25831, 152202.8841, 165505.1355], [2228, 32611, 6_500_000, 2_000_000], [4326, 27700, -1.7, 52], [32610, 32611, 800_000, 4_100_000]] as const) {
    const [a, b] = [crsFromEpsg(from), crsFromEpsg(to)], xs = Float64Array.of(x, NaN, x, x + 1), ys = Float64Array.of(y, y, Infinity, y + 1);
    columnTransformer(a, b)(xs, ys, 3);
    expect([xs[0], ys[0]]).toEqual(transformer(a, b)(x, y));
    expect([...xs.subarray(1, 3), ...ys.subarray(1, 3)]).toEqual([NaN, NaN, NaN, NaN]);
    expect([xs[3], ys[3]]).toEqual([x + 1, y + 1]); // beyond the count: left alone
  }
});
