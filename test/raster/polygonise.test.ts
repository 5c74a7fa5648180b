import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cropRaster } from '../../src/geo/lattice.ts';
import { dissolvePieces } from '../../src/raster/dissolve.ts';
import { cornerPolygons, crownPolygons } from '../../src/raster/polygonise.ts';
import { simplifyPolygon, simplifyRing } from '../../src/raster/simplify.ts';
import { labelOpenings } from '../../src/fuse/openings.ts';
import type { Lattice, MultiPolygon, Polygon, Ring, Window } from '../../src/types.ts';
import { drawn } from './rasters.ts';

const metre: Lattice = { resM: 1, x0M: 0, y0M: 0 };

function labelsOf(rows: string): { labels: Int32Array; window: Window } {
  const { data, window } = drawn(rows);
  return { labels: Int32Array.from(data), window };
}
const outlines = (rows: string, lattice = metre, at: Partial<Window> = {}) => {
  const { labels, window } = labelsOf(rows);
  return crownPolygons(labels, { ...window, ...at }, lattice);
};

/** Shoelace: positive for counter-clockwise. */
const areaOf = (ring: Ring): number => ring.slice(1).reduce((sum, [x, y], i) => sum + (ring[i]![0] * y - x * ring[i]![1]) / 2, 0);
const polygonArea = (polygon: Polygon): number => polygon.reduce((sum, ring) => sum + areaOf(ring), 0);

/** What OGC asks of rings on a lattice, as far as corners show it. */
function expectValid(polygon: Polygon): void {
  polygon.forEach((ring, r) => {
    expect(ring[0]).toEqual(ring.at(-1));
    expect(Math.sign(areaOf(ring))).toBe(r === 0 ? 1 : -1);
    const corners = ring.slice(0, -1).map(String);
    expect(new Set(corners).size).toBe(corners.length); // touches itself nowhere
    for (let i = 1; i < ring.length; i++) {
      const [ax, ay] = ring[i - 1]!, [bx, by] = ring[i]!, [cx, cy] = ring[i + 1] ?? ring[1]!;
      expect((ax === bx) !== (ay === by)).toBe(true); // along one axis
      expect((bx - ax) * (cy - by) - (by - ay) * (cx - bx)).not.toBe(0); // no collinear point
    }
  });
}

/** Even-odd over all rings, at a pixel's centre. */
const covers = (polygons: MultiPolygon, x: number, y: number): boolean => {
  let crossings = 0;
  for (const ring of polygons.flat()) {
    for (let i = 1; i < ring.length; i++) {
      const [ax, ay] = ring[i - 1]!, [bx, by] = ring[i]!;
      if (ax === bx && ax > x && (ay > y) !== (by > y)) crossings++;
    }
  }
  return crossings % 2 === 1;
};

test('a crown of one pixel is its square, counter-clockwise from the north-western corner, closed', () => {
  expect(outlines('0 5', { resM: 0.5, x0M: 100, y0M: 200 }).get(5)).toEqual([[[100.5, 200], [100.5, 199.5], [101, 199.5], [101, 200], [100.5, 200]]]);
});

test('straight sides have no points between their ends', () => {
  expect(outlines('1 1 1\n1 1 1').get(1)).toEqual([[[0, 0], [0, -2], [3, -2], [3, 0], [0, 0]]]);
});

test('a hole is a clockwise ring of its own', () => {
  expect(outlines('1 1 1\n1 0 1\n1 1 1').get(1)).toEqual([
    [[0, 0], [0, -3], [3, -3], [3, 0], [0, 0]],
    [[1, -1], [2, -1], [2, -2], [1, -2], [1, -1]]]);
});

test('a crown inside another one is a crown and a hole', () => {
  const both = outlines('1 1 1\n1 2 1\n1 1 1');
  expect([...both].map(([label, polygon]) => [label, polygonArea(polygon)])).toEqual([[1, 8], [2, 1]]);
});

test('where a crown closes round a notch by a corner, outer ring and hole touch in that point and both stay simple', () => {
  const polygon = outlines(`
    1 1 1
    1 0 1
    1 1 0`).get(1)!;
  expect(polygon).toHaveLength(2);
  expectValid(polygon);
  expect(polygonArea(polygon)).toBe(7);
  expect(polygon[1]).toEqual([[1, -1], [2, -1], [2, -2], [1, -2], [1, -1]]);
});

test('two holes that meet in a corner are two rings', () => {
  const polygon = outlines(`
    1 1 1 1
    1 0 1 1
    1 1 0 1
    1 1 1 1`).get(1)!;
  expect(polygon.map((ring) => areaOf(ring))).toEqual([16, -1, -1]);
  expectValid(polygon);
});

test('the same crown gives the same outline from any window', () => {
  const small = outlines('0 1 1\n1 1 0', metre, { col: 5, row: 7 });
  const large = outlines('2 0 0 0 3\n0 0 1 1 0\n0 1 1 0 0', metre, { col: 4, row: 6 });
  expect(large.get(1)).toEqual(small.get(1));
});

test('only the wanted labels are outlined', () => {
  const { labels, window } = labelsOf('1 2 3');
  expect([...crownPolygons(labels, window, metre, new Set([2])).keys()]).toEqual([2]);
  expect([...crownPolygons(labels, window, metre, (label) => label !== 2).keys()]).toEqual([1, 3]);
});

test('a label in two parts is refused with its place', () => {
  expect(() => outlines('1 0 1')).toThrow(/label 1 .*col 2, row 0/);
});

const bits = fc.record({ width: fc.integer({ min: 1, max: 9 }), cells: fc.array(fc.boolean(), { minLength: 9, maxLength: 81 }) })
  .map(({ width, cells }) => ({ width, height: Math.floor(cells.length / width), cells }));

test('outlines of any pixels are valid, cover just those pixels, and have their area', () => {
  fc.assert(fc.property(bits, ({ width, height, cells }) => {
    const chm = { lattice: metre, window: { col: 3, row: -8, width, height }, data: Float32Array.from(cells.slice(0, width * height), (b) => (b ? 0 : 9)), mask: new Uint8Array(width * height).fill(1) };
    const { pieces, labels } = labelOpenings(chm, { belowM: 2 });
    for (const [k, { polygons, pixels }] of pieces.entries()) {
      polygons.forEach(expectValid);
      expect(polygons.reduce((sum, polygon) => sum + polygonArea(polygon), 0)).toBe(pixels);
      expect(labels.filter((label, i) => covers(polygons, 3 + (i % width) + 0.5, 8 - Math.floor(i / width) - 0.5) !== (label === k + 1))).toHaveLength(0);
    }
  }), { seed: 3, numRuns: 300 });
});

describe('dissolving', () => {
  test('two halves of a rectangle become it again, without a trace of the seam', () => {
    const west: Polygon = [[[0, 0], [0, -2], [1, -2], [1, 0], [0, 0]]], east: Polygon = [[[1, 0], [1, -2], [3, -2], [3, 0], [1, 0]]];
    expect(dissolvePieces([[west], [east]], metre)).toEqual([[[[0, 0], [0, -2], [3, -2], [3, 0], [0, 0]]]]);
  });

  test('two Cs make a ring with a hole', () => {
    const whole = outlines('1 1 1 1\n1 0 0 1\n1 1 1 1').get(1)!;
    const west = outlines('1 1\n1 0\n1 1').get(1)!, east = outlines('1 1\n0 1\n1 1', metre, { col: 2 }).get(1)!;
    expect(dissolvePieces([[east], [west]], metre)).toEqual([whole]);
  });

  test('cut anywhere, the joined outline is that of the whole', () => {
    fc.assert(fc.property(bits, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), ({ width, height, cells }, tileWidth, tileHeight) => {
      const window = { col: -4, row: 11, width, height };
      const chm = { lattice: { resM: 0.5, x0M: 0, y0M: 0 }, window, data: Float32Array.from(cells.slice(0, width * height), (b) => (b ? 0 : 9)), mask: new Uint8Array(width * height).fill(1) };
      const cut: MultiPolygon[] = [];
      for (let col = 0; col < width; col += tileWidth) {
        for (let row = 0; row < height; row += tileHeight) {
          const core = { col: col - 4, row: row + 11, width: Math.min(tileWidth, width - col), height: Math.min(tileHeight, height - row) };
          cut.push(...labelOpenings(cropRaster(chm, core), { belowM: 2 }).pieces.map((piece) => piece.polygons));
        }
      }
      const whole = labelOpenings(chm, { belowM: 2 }).pieces.flatMap((piece) => piece.polygons);
      expect(dissolvePieces(cut, chm.lattice)).toEqual(dissolvePieces([whole], chm.lattice));
      expect(dissolvePieces([whole], chm.lattice).map((p) => JSON.stringify(p)).sort()).toEqual(whole.map((p) => JSON.stringify(p)).sort());
    }), { seed: 4, numRuns: 300 });
  });

  test('an outline off the lattice is refused', () => {
    expect(() => dissolvePieces([[[[[0.3, 0], [0.3, -1], [1, -1], [1, 0], [0.3, 0]]]]], metre)).toThrow(/no multiple of 1 m/);
  });
});

describe('simplifying', () => {
  const stairs = outlines('1 0 0 0\n1 1 0 0\n1 1 1 0\n1 1 1 1').get(1)![0]!;

  test('stairs within the tolerance become a straight side', () => {
    const simple = simplifyRing(stairs, 0.8);
    expect(simple.length).toBeLessThan(stairs.length);
    expect(simple[0]).toEqual(simple.at(-1));
    expect(areaOf(simple)).toBeGreaterThan(7);
    expect(areaOf(simple)).toBeLessThan(11);
  });

  test('a tolerance of nothing leaves a ring as it is', () => {
    expect(simplifyRing(stairs, 0)).toEqual(stairs);
  });

  test('a crown that would vanish stays as it was', () => {
    const square = outlines('1').get(1)![0]!;
    expect(simplifyRing(square, 50)).toBe(square);
  });

  test('a hole is never cut by its simplified outer ring', () => {
    const polygon = outlines(`
      1 1 0 0
      1 0 1 0
      1 1 1 1`).get(1)!;
    expect(polygon).toHaveLength(2);
    expect(simplifyPolygon(polygon, 1.25)).toBe(polygon);
  });
});

test('corners are whole numbers of the lattice however far from its origin', () => {
  const { labels, window } = labelsOf('1 1');
  expect(cornerPolygons(labels, { ...window, col: 904_000, row: -8_890_001 }).get(1)).toEqual([[904_000, -8_890_001, 904_000, -8_890_000, 904_002, -8_890_000, 904_002, -8_890_001]]);
  expect(crownPolygons(labels, { ...window, col: 904_000, row: -8_890_001 }, { resM: 0.1, x0M: 0, y0M: 0 }).get(1)![0]![0]).toEqual([90_400, 889_000.1]);
});
