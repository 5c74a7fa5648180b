import { describe, expect, test } from 'vitest';
import { deadFractions, deadHaloM } from '../../src/fuse/dead-crowns.ts';
import { cropRaster } from '../../src/geo/lattice.ts';
import { crownPolygons } from '../../src/raster/polygonise.ts';
import type { Lattice, Polygon, Raster } from '../../src/types.ts';
import { drawn } from '../raster/rasters.ts';

const chm: Lattice = { resM: 0.5, x0M: 0, y0M: 0 };
const square = (x0: number, y0: number, x1: number, y1: number): { polygon: Polygon } => ({ polygon: [[[x0, y1], [x0, y0], [x1, y0], [x1, y1], [x0, y1]]] });
const options = { threshold: 0.5 };

describe('the dead share of a crown', () => {
  test('on a map of 1 m and a CHM of 0.5 m goes by the pixels of the CHM: 7 of 16 are dead', () => {
    // a crown of 2 x 2 m from (0.5, -2.5): of its columns 0.5 to 2.5 m the pixel of 1 m from 1 to 2 has two, the others one each
    const map = drawn('0.1 0.1 0.1\n0.1 0.9 0.1\n0.5 0.5 0.4');
    // rows -0.5 to -2.5: one row of 0.5 m in the first of 1 m, two in the second, one in the third: 2 x 2 in (1, 1), 1 in (0, 2), 2 in (1, 2)
    expect(deadFractions([square(0.5, -2.5, 2.5, -0.5)], chm, map, options)).toEqual([{ deadFraction: 7 / 16, validShare: 1, status: 'alive' }]);
    expect(deadFractions([square(0.5, -2.5, 2.5, -0.5)], chm, map, { threshold: 0.5, deadShare: 0.4 })[0]!.status).toBe('dead');
  });

  test('on a finer map goes by the pixels of the map: 8 of 16 of 0.25 m are dead, and half is dead', () => {
    const map = drawn(`
      0.9 0.9 0.1 0.1
      0.9 0.9 0.1 0.1
      0.1 0.1 0.9 0.9
      0.1 0.1 0.9 0.9`, { resM: 0.25, col: 4, row: 8 });
    expect(deadFractions([square(1, -3, 2, -2)], chm, map, options)).toEqual([{ deadFraction: 0.5, validShare: 1, status: 'dead' }]);
  });

  test('on a map off the CHM\'s lattice each pixel goes whole to the crown that holds its centre', () => {
    const map: Raster = { ...drawn('0.9 0.1 0.9 0.1', { resM: 0.5 }), lattice: { resM: 0.5, x0M: 0.2, y0M: 0.3 } }; // centres at x 0.45, 0.95, 1.45, 1.95, y 0.05
    expect(deadFractions([square(0, 0, 1, 0.5), square(1, 0, 1.5, 0.5)], chm, map, options).map(({ deadFraction }) => deadFraction)).toEqual([0.5, 1]);
  });

  test('a centre on the border of two crowns, or of two pixels, belongs to the eastern and the northern one', () => {
    const half: Raster = { ...drawn('0.9\n0.1', { resM: 0.5 }), lattice: { resM: 0.5, x0M: 0.75, y0M: 0.25 } }; // centres at (1, 0) and (1, -0.5)
    expect(deadFractions([square(0.5, 0, 1, 0.5), square(1, 0, 1.5, 0.5), square(1, -0.5, 1.5, 0)], chm, half, options).map(({ validShare, deadFraction }) => [validShare, deadFraction])).toEqual([[0, null], [1, 1], [1, 0]]);
    const coarse: Raster = { ...drawn('0.9 0.1', { resM: 1 }), lattice: { resM: 1, x0M: -0.75, y0M: 0.75 } }; // border at x 0.25: the centre of the CHM's first column
    expect(deadFractions([square(0, 0, 0.5, 0.5)], chm, coarse, options)[0]!.deadFraction).toBe(0);
  });

  test('nothing is said of a crown of which less than half is valid: a void is not alive', () => {
    const map = (valid: string) => drawn(valid, { resM: 0.5 });
    expect(deadFractions([square(0, -0.5, 2, 0)], chm, map('0.9 0.1 . .'), options)).toEqual([{ deadFraction: 0.5, validShare: 0.5, status: 'dead' }]);
    expect(deadFractions([square(0, -0.5, 2, 0)], chm, map('0.9 . . .'), options)).toEqual([{ deadFraction: null, validShare: 0.25, status: 'unknown' }]);
    expect(deadFractions([square(0, -0.5, 2, 0)], chm, map('0.9'), options)[0]).toMatchObject({ validShare: 0.25, status: 'unknown' }); // beyond the map
    expect(deadFractions([square(50, 0, 52, 2)], chm, map('0.9'), options)).toEqual([{ deadFraction: null, validShare: 0, status: 'unknown' }]);
    expect(deadFractions([square(0, -0.5, 2, 0)], chm, map('0.9 . . .'), { ...options, leastValidShare: 0.25 })[0]!.status).toBe('dead');
  });
});

test('a window of the map that holds the halo of a core says the same of its crowns; neighbouring crowns share no pixel', () => {
  const width = 60, data = Float32Array.from({ length: width * width }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 24) / 255);
  const dead: Raster = { lattice: { resM: 0.3, x0M: 0.07, y0M: -0.11 }, window: { col: 0, row: 0, width, height: width }, data, mask: new Uint8Array(width * width).fill(1) };
  const labels = Int32Array.from({ length: 24 * 24 }, (_, i) => 1 + Math.floor((i % 24) / 6) + 4 * Math.floor(i / 24 / 6)), window = { col: 4, row: 4, width: 24, height: 24 };
  const crowns = [...crownPolygons(labels, window, chm)].sort((a, b) => a[0] - b[0]).map(([, polygon]) => ({ polygon })), whole = deadFractions(crowns, chm, dead, options);
  // crown 5 has pixels 10 to 16 east and 10 to 16 south: apex at (6.5, -6.5), radius at most 2.2 m
  const haloPx = Math.ceil(deadHaloM(2.2, 0.5, 0.3) / 0.3), part = cropRaster(dead, { col: 21 - haloPx, row: 21 - haloPx, width: 2 * haloPx + 1, height: 2 * haloPx + 1 });
  expect(deadFractions([crowns[5]!], chm, part, options)).toEqual([whole[5]]);
  expect(whole[5]!.deadFraction).not.toBeNull();
  // 16 crowns of 3 x 3 m tile 12 x 12 m: pixels of 0.3 m whose centres lie in [2, 14)
  const centres = (origin: number) => Array.from({ length: width }, (_, i) => origin + (i + 0.5) * 0.3).filter((x) => x >= 2 && x < 14).length;
  const south = Array.from({ length: width }, (_, i) => -0.11 - (i + 0.5) * 0.3).filter((y) => y < -2 && y >= -14).length;
  const countOf = (crown: { polygon: Polygon }) => deadFractions([crown], chm, { ...dead, data: new Float32Array(data.length) }, { threshold: 0 })[0]!;
  expect(crowns.every((crown) => countOf(crown).deadFraction === 1)).toBe(true);
  expect(centres(0.07) * south).toBe(40 * 40);
});
