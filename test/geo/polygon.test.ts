import fc from 'fast-check';
import { expect, test } from 'vitest';
import { xOfCol, yOfRow } from '../../src/geo/lattice.ts';
import { bboxOf, locatePoint, orientRings, pixelsInside, polygonAreaM2, ringIsClockwise } from '../../src/geo/polygon.ts';
import { pixelShares } from '../../src/geo/polygon-shares.ts';
import type { Lattice, MultiPolygon, Ring, Window } from '../../src/types.ts';

const rectangle = (x0: number, y0: number, x1: number, y1: number): Ring => [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]];
const metre: Lattice = { resM: 1, x0M: 0, y0M: 0 };
const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

/** A strip of ground cut in two by a jagged line, so that the two share every vertex of it; far from the origin, as in a real CRS. */
const jagged = fc.array(fc.integer({ min: -4000, max: 4000 }), { minLength: 2, maxLength: 9 }).map((bends) => {
  const X = 452_000, Y = 4_445_000, step = 20 / (bends.length + 1);
  const cut: Ring = [[X, Y], ...bends.map((b, i): [number, number] => [X + b / 1000, Y + Number(((i + 1) * step).toFixed(3))]), [X, Y + 20]];
  const west: MultiPolygon = [[[[X - 10, Y], ...cut, [X - 10, Y + 20], [X - 10, Y]]]];
  const east: MultiPolygon = [[[...cut.toReversed(), [X + 10, Y], [X + 10, Y + 20], [X, Y + 20]]]];
  return { west, east, box: [X - 10, Y, X + 10, Y + 20] as const, cut };
});

test('a point on a border shared by two stands belongs to the eastern or northern one only', () => {
  const west = [[rectangle(0, 0, 10, 10)]], east = [[rectangle(10, 0, 20, 10)]], north = [[rectangle(0, 10, 10, 20)]];
  expect([west, east].map((p) => locatePoint(10, 5, p))).toEqual([false, true]);
  expect([west, north].map((p) => locatePoint(5, 10, p))).toEqual([false, true]);
  expect([west, east, north].map((p) => locatePoint(10, 10, p))).toEqual([false, false, false]); // the corner is nobody's here
  expect([locatePoint(0, 0, west), locatePoint(0, 5, west), locatePoint(5, 0, west)]).toEqual([true, true, true]);
});

test('a tree in a lake of the stand is not in the stand, and one on its island is', () => {
  const stand: MultiPolygon = [[rectangle(0, 0, 30, 30), rectangle(10, 10, 20, 20).toReversed()], [rectangle(14, 14, 16, 16)]];
  expect(locatePoint(5, 5, stand)).toBe(true);
  expect(locatePoint(12, 12, stand)).toBe(false);
  expect(locatePoint(15, 15, stand)).toBe(true);
  expect(polygonAreaM2(stand)).toBe(900 - 100 + 4);
});

test('a jagged common border gives every point to exactly one of two stands, points on it included', () => {
  fc.assert(fc.property(jagged, fc.integer({ min: 0, max: 99 }), fc.double({ min: 0, max: 1, noNaN: true }), ({ west, east, cut }, edge, along) => {
    const i = edge % (cut.length - 1), a = cut[i]!, b = cut[i + 1]!;
    for (const [x, y] of [a, [a[0] + (b[0] - a[0]) * along, a[1] + (b[1] - a[1]) * along], [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]] as Ring) {
      if (y < 4_445_020) expect(Number(locatePoint(x, y, west)) + Number(locatePoint(x, y, east))).toBe(1);
    }
  }), { seed: 5, numRuns: 300 });
});

test('orientation and area do not depend on where a ring starts', () => {
  const ring: Ring = [[0.1, 0.2], [7.3, 0.9], [6.1, 5.5], [0.3, 4.4], [0.1, 0.2]];
  const turned: Ring = [...ring.slice(2), ...ring.slice(1, 3)];
  expect(ringIsClockwise(ring)).toBe(false);
  expect(ringIsClockwise(ring.toReversed())).toBe(true);
  expect(polygonAreaM2([[turned]])).toBe(polygonAreaM2([[ring]]));
  // by hand: (0.1*0.9-7.3*0.2 + 7.3*5.5-6.1*0.9 + 6.1*4.4-0.3*5.5 + 0.3*0.2-0.1*4.4) / 2 = (-1.37 + 34.66 + 25.19 - 0.38) / 2
  expect(polygonAreaM2([[ring]])).toBeCloseTo(29.05, 9);
  const [outer, hole] = orientRings([rectangle(0, 0, 9, 9).toReversed(), rectangle(1, 1, 2, 2)]);
  expect([ringIsClockwise(outer!), ringIsClockwise(hole!)]).toEqual([false, true]);
});

test('the box holds every vertex, and nothing has no box', () => {
  expect(bboxOf([[rectangle(3, 4, 5, 6)], [rectangle(-1, 0, 0, 1)]])).toEqual({ x0: -1, y0: 0, x1: 5, y1: 6 });
  expect(bboxOf([])).toBeNull();
});

test('pixels by centre are the pixels whose centre the point rule finds inside', () => {
  fc.assert(fc.property(jagged, fc.constantFrom(0.5, 1, 0.6, 0.33333, 2), ({ west, east, box }, resM) => {
    const lattice: Lattice = { resM, x0M: 0.1, y0M: 0.3 };
    const window: Window = { col: Math.floor(box[0] / resM) - 2, row: -Math.ceil(box[3] / resM) - 2, width: Math.ceil(20 / resM) + 5, height: Math.ceil(20 / resM) + 5 };
    for (const polygons of [west, east]) {
      const inside = pixelsInside(polygons, lattice, window);
      inside.forEach((value, i) => {
        const x = xOfCol(lattice, window.col + (i % window.width)), y = yOfRow(lattice, window.row + Math.floor(i / window.width));
        expect(Boolean(value)).toBe(locatePoint(x, y, polygons));
      });
    }
  }), { seed: 6, numRuns: 25 });
});

test('a window cut out of the plane changes no pixel, and no share by a bit', () => {
  const stand: MultiPolygon = [[[[0.3, 0.2], [19.7, 3.1], [14.2, 17.9], [9.5, 8.2], [2.2, 18.8], [0.3, 0.2]], [[4, 4], [5.5, 6.5], [7.1, 4.3], [4, 4]]]];
  const all: Window = { col: -3, row: -25, width: 30, height: 30 };
  const whole = dense(pixelShares(stand, metre, all), all), centres = pixelsInside(stand, metre, all);
  fc.assert(fc.property(fc.nat(22), fc.nat(22), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), (dx, dy, width, height) => {
    const window: Window = { col: all.col + dx, row: all.row + dy, width, height };
    const part = dense(pixelShares(stand, metre, window), window), inside = pixelsInside(stand, metre, window);
    for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) {
      expect(part[r * width + c]).toBe(whole[(dy + r) * all.width + dx + c]);
      expect(inside[r * width + c]).toBe(centres[(dy + r) * all.width + dx + c]);
    }
  }), { seed: 7, numRuns: 200 });
});

test('shares by hand: a quarter, a half, a triangle in one pixel, and a row that is whole', () => {
  const all: Window = { col: 0, row: -4, width: 4, height: 4 };
  const at = (polygons: MultiPolygon, col: number, row: number): number => dense(pixelShares(polygons, metre, all), all)[(row + 4) * 4 + col]!;
  const square: MultiPolygon = [[rectangle(0.5, 0.5, 3, 3)]];
  expect([at(square, 0, -1), at(square, 1, -1), at(square, 1, -2), at(square, 2, -3), at(square, 3, -2)]).toEqual([0.25, 0.5, 1, 1, 0]);
  const triangle: MultiPolygon = [[[[0, 0], [4, 0], [0, 4], [0, 0]]]]; // the diagonal halves four pixels
  expect([at(triangle, 3, -1), at(triangle, 0, -4), at(triangle, 0, -1), at(triangle, 3, -2)]).toEqual([0.5, 0.5, 1, 0]);
  expect(at([[[[2.2, 2.2], [2.7, 2.2], [2.2, 2.8], [2.2, 2.2]]]], 2, -3)).toBeCloseTo(0.15, 11);
});

test('shares add up to the area, and those of neighbours to one', () => {
  fc.assert(fc.property(jagged, fc.constantFrom(0.6, 1, 2.4), ({ west, east, box }, resM) => {
    const lattice: Lattice = { resM, x0M: 0.1, y0M: 0.3 };
    const window: Window = { col: Math.floor(box[0] / resM) - 2, row: -Math.ceil(box[3] / resM) - 2, width: Math.ceil(20 / resM) + 5, height: Math.ceil(20 / resM) + 5 };
    const w = dense(pixelShares(west, lattice, window), window), e = dense(pixelShares(east, lattice, window), window);
    const both = dense(pixelShares([[rectangle(...box)]], lattice, window), window);
    expect(sum(w) * resM * resM).toBeCloseTo(polygonAreaM2(west), 7);
    w.forEach((share, i) => expect(Math.abs(share + e[i]! - both[i]!)).toBeLessThan(1e-11)); // the outer border is cut at other places
    w.forEach((share, i) => { if (both[i] === 1) expect(Math.abs(share + e[i]! - 1)).toBeLessThan(1e-12); });
  }), { seed: 8, numRuns: 100 });
});

function dense({ index, share }: { index: Int32Array; share: Float64Array }, window: Window): Float64Array {
  const out = new Float64Array(window.width * window.height);
  index.forEach((i, k) => { out[i] = share[k]!; });
  return out;
}
