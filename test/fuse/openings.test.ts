import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dissolvePieces, joinOpenings, labelOpenings } from '../../src/fuse/openings.ts';
import { cropRaster } from '../../src/geo/lattice.ts';
import type { MultiPolygon, Raster } from '../../src/types.ts';
import { drawn, hardRaster } from '../raster/rasters.ts';

/** Openings of a raster cut into cores of a size, with their outlines: what merge publishes. */
function openingsOf(chm: Raster, tileWidth: number, tileHeight: number, order = 1) {
  const tiles: Raster[] = [], { col, row, width, height } = chm.window;
  // Cores are anchored to the lattice's origin, not to the raster.
  for (let r = Math.floor(row / tileHeight) * tileHeight; r < row + height; r += tileHeight) {
    for (let c = Math.floor(col / tileWidth) * tileWidth; c < col + width; c += tileWidth) tiles.push(cropRaster(chm, { col: c, row: r, width: tileWidth, height: tileHeight }));
  }
  if (order < 0) tiles.reverse();
  const pieces = tiles.map((tile) => labelOpenings(tile, { belowM: 2 }));
  const { ids, openings } = joinOpenings(pieces, chm.lattice), outlines = new Map<string, MultiPolygon[]>();
  ids.forEach((of, t) => of.forEach((id, i) => outlines.set(id, [...(outlines.get(id) ?? []), pieces[t]!.pieces[i]!.polygons])));
  return openings.map((opening) => ({ ...opening, geometry: dissolvePieces(outlines.get(opening.id)!, chm.lattice) }));
}

test('an opening is named by its first pixel, southward then eastward, and has the area of its pixels', () => {
  const [opening, other] = openingsOf(drawn(`
    9 9 9 9
    9 9 1 9
    9 0 1 9
    9 9 9 9
    1 9 9 9`, { resM: 0.5, col: 10, row: -20 }), 100, 100);
  expect(opening).toMatchObject({ id: '-19_12', row: -19, col: 12, pixels: 3, areaM2: 0.75 });
  expect(other).toMatchObject({ id: '-16_10', pixels: 1 });
});

test('pixels that touch by a corner are one opening of two polygons', () => {
  const [opening, ...more] = openingsOf(drawn('1 9\n9 1'), 10, 10);
  expect(more).toEqual([]);
  expect(opening!.geometry).toEqual([
    [[[0, 0], [0, -1], [1, -1], [1, 0], [0, 0]]],
    [[[1, -1], [1, -2], [2, -2], [2, -1], [1, -1]]]]);
});

test('an opening through a corner where four tiles meet is one, both ways round', () => {
  for (const rows of ['1 9\n9 1', '9 1\n1 9']) {
    const openings = openingsOf(drawn(rows), 1, 1);
    expect(openings).toHaveLength(1);
    expect(openings[0]!.pixels).toBe(2);
  }
});

test('a void is no opening, low canopy at the limit is none, and a NaN is none', () => {
  const chm = drawn('. 2 1.9 9');
  chm.data[3] = NaN;
  const { pieces, labels } = labelOpenings(chm, { belowM: 2 });
  expect(pieces).toHaveLength(1);
  expect(Array.from(labels)).toEqual([0, 0, 1, 0]);
});

test('labels count the pixels of each piece', () => {
  const { pieces, labels } = labelOpenings(hardRaster('integers', 2), { belowM: 2 });
  const counts = pieces.map(() => 0);
  labels.forEach((label) => label > 0 && counts[label - 1]!++);
  expect(counts).toEqual(pieces.map((piece) => piece.pixels));
  expect(pieces.length).toBeGreaterThan(20);
});

test('only pixels of the edge are kept for joining', () => {
  const { edges } = labelOpenings(drawn(`
    1 1 9
    9 9 9
    1 9 1`), { belowM: 2 });
  expect(edges).toEqual([
    { side: 'north', line: 0, from: 0, to: 1, piece: 0 },
    { side: 'south', line: 2, from: 0, to: 0, piece: 1 }, { side: 'south', line: 2, from: 2, to: 2, piece: 2 },
    { side: 'west', line: 0, from: 0, to: 0, piece: 0 }, { side: 'west', line: 0, from: 2, to: 2, piece: 1 },
    { side: 'east', line: 2, from: 2, to: 2, piece: 2 }]);
});

test('an opening that winds through many tiles and back is one', () => {
  const openings = openingsOf(drawn(`
    0 9 0 0 0
    0 9 0 9 0
    0 9 0 9 0
    0 0 0 9 0`), 2, 2);
  expect(openings).toMatchObject([{ id: '0_0', pixels: 14 }]);
});

test('ids, areas and outlines of openings are the same whatever the tiles, and their order', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 15, max: 60 }), fc.integer({ min: -9, max: 9 }), (seed, percent, shift) => {
    const noise = hardRaster('noise', seed, 31, 26), chm = { ...noise, window: { ...noise.window, col: shift, row: -shift } };
    chm.data.forEach((z, i) => (chm.data[i] = z < percent / 4 ? 1 : 9));
    const whole = openingsOf(chm, 1000, 1000);
    for (const [width, height] of [[1, 1], [5, 3], [8, 8], [13, 40]] as const) expect(openingsOf(chm, width, height, width % 2 ? 1 : -1)).toEqual(whole);
  }), { seed: 11, numRuns: 12 });
});
