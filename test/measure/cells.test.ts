import { expect, test } from 'vitest';
import { xOfCol, yOfRow } from '../../src/geo/lattice.ts';
import { cellIdOf, measureCells } from '../../src/measure/cells.ts';
import type { Lattice, Raster, Tile, Window } from '../../src/types.ts';

const tileOf = (x0: number, y0: number, x1: number, y1: number): Tile => ({ id: `${x0}_${y0}`, core: { x0, y0, x1, y1 } });
const metre: Lattice = { resM: 1, x0M: 0, y0M: 0 };

function rasterOf(lattice: Lattice, window: Window, at: (x: number, y: number) => number | null): Raster {
  const data = new Float32Array(window.width * window.height), mask = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = at(xOfCol(lattice, window.col + (i % window.width)), yOfRow(lattice, window.row + Math.floor(i / window.width)));
    mask[i] = value === null ? 0 : 1;
    data[i] = value ?? 99;
  }
  return { lattice, window, data, mask };
}

test('a cell is named by its lower-left corner, as tiles are', () => {
  expect(cellIdOf(20, 22_600, -222_251)).toBe('452000_4445000');
  expect(cellIdOf(20, 0, 0)).toBe('0_-20');
  expect(cellIdOf(12.5, 1, -1)).toBe('12.5_0');
});

test('cover and low share are of the valid pixels, and a cell seen by nobody has no row', () => {
  // cells of 10 m in a core of 20 x 10 m; the western one: 2 of 10 columns void, 4 canopy; the eastern one: all void
  const chm = rasterOf(metre, { col: 0, row: -10, width: 20, height: 10 }, (x) => (x < 2 || x > 10 ? null : x < 6 ? 2 : 1.9));
  const { cells, cellModels } = measureCells(tileOf(0, 0, 20, 10), { sizeM: 10, metrics: [{ col: 0, row: -1, values: { zmax: 17.5, zsd: null } }], chm, models: [] });
  expect(cells).toEqual([{
    cell_id: '0_0', x_m: 5, y_m: 5, zmax: 17.5, zsd: null, valid_area_m2: 80, canopy_cover: 0.5, low_share: 0.5, stems_per_ha_image: null, dead_cover: null, agb_t_per_ha: null,
  }]);
  expect(cellModels).toEqual([]);
});

test('a density pixel that straddles two cells gives each its share of stems and of valid area', () => {
  // pixels of 4 m from x = 3: the border at x = 10 cuts the one from 7 to 11, centre 9
  const lattice: Lattice = { resM: 4, x0M: 3, y0M: 0 };
  const density = rasterOf(lattice, { col: -1, row: -3, width: 7, height: 4 }, (x) => (x === 9 ? 0.5 : x < 9 ? 0 : null));
  const { cells, cellModels } = measureCells(tileOf(0, 0, 20, 10), { sizeM: 10, metrics: [], chm: null, models: [{ source: 'm', variable: 'stems', kind: 'sum', primary: true, raster: density }] });
  // western cell: rows of 4, 4 and 2 m of the pixel, three of its four metres: 0.5 x 3/4 x 2.5 stems on 100 m2; eastern: 0.5 x 1/4 x 2.5 on 1 x 10 m2
  expect(cellModels).toEqual([
    { cell_id: '0_0', model: 'm', variable: 'stems', value: 0.9375, sd: null, valid_area_m2: 100 },
    { cell_id: '10_0', model: 'm', variable: 'stems', value: 0.3125, sd: null, valid_area_m2: 10 },
  ]);
  expect(cells.map((cell) => cell.stems_per_ha_image)).toEqual([93.75, 312.5]);
});

test('a deviation that is unknown in one pixel is unknown in its cell, and is no number that stands for nodata', () => {
  const window = { col: 0, row: -10, width: 20, height: 10 }, height = rasterOf(metre, window, () => 18), sd = rasterOf(metre, window, (x, y) => (x === 3.5 && y === 4.5 ? null : 2));
  const { cellModels } = measureCells(tileOf(0, 0, 20, 10), { sizeM: 10, metrics: [], chm: null, models: [{ source: 'm', variable: 'height_m', kind: 'mean', primary: true, raster: height, sd }] });
  expect(cellModels.map(({ value, sd: spread }) => [value, spread])).toEqual([[18, null], [18, 2]]);
});

test('a dead map gives the dead share of what was seen, a biomass map tonnes per hectare', () => {
  const window = { col: 0, row: -10, width: 10, height: 10 };
  const dead = rasterOf(metre, window, (x, y) => (y > 8 ? null : x < 2 ? 1 : 0)), biomass = rasterOf(metre, window, () => 20);
  const { cells, cellModels } = measureCells(tileOf(0, 0, 10, 10), {
    sizeM: 10, metrics: [], chm: null,
    models: [{ source: 'd', variable: 'dead', kind: 'share', primary: true, raster: dead }, { source: 'b', variable: 'agb_kg', kind: 'sum', primary: true, raster: biomass }, { source: 'b2', variable: 'agb_kg', kind: 'sum', primary: false, raster: dead }],
  });
  expect(cells[0]).toMatchObject({ dead_cover: 0.2, agb_t_per_ha: 200 }); // 20 kg/m2 = 200 t/ha
  expect(cellModels.map(({ model, variable, value, valid_area_m2 }) => [model, variable, value, valid_area_m2])).toEqual([
    ['d', 'dead_cover', 0.2, 80], ['b', 'agb_kg', 2000, 100], ['b2', 'agb_kg', 16, 80],
  ]);
});

test('a cell has the same figures whichever tile holds it', () => {
  const lattice: Lattice = { resM: 2.4, x0M: 0.7, y0M: -0.2 };
  const noise = (x: number, y: number): number => Math.abs(Math.sin(x * 12.9898 + y * 78.233) * 43758.5453) % 1;
  const inputs = (col: number, row: number, width: number, height: number) => ({
    sizeM: 10, metrics: [], chm: rasterOf(metre, { col: col - 1, row: row - 1, width: width + 2, height: height + 2 }, (x, y) => noise(x, y) * 9),
    models: [{ source: 'm', variable: 'stems', kind: 'sum' as const, primary: true, raster: rasterOf(lattice, { col: Math.floor(col / 2.4) - 2, row: Math.floor(row / 2.4) - 2, width: Math.ceil(width / 2.4) + 4, height: Math.ceil(height / 2.4) + 4 }, (x, y) => (noise(y, x) < 0.2 ? null : noise(y, x))) }],
  });
  const whole = measureCells(tileOf(0, 0, 40, 20), inputs(0, -20, 40, 20)).cells;
  const west = measureCells(tileOf(0, 0, 10, 20), inputs(0, -20, 10, 20)).cells, east = measureCells(tileOf(10, 0, 40, 20), inputs(10, -20, 30, 20)).cells;
  const byId = (a: { cell_id: string }, b: { cell_id: string }): number => (a.cell_id < b.cell_id ? -1 : 1);
  expect([...west, ...east].sort(byId)).toEqual(whole.toSorted(byId));
  expect(whole).toHaveLength(8);
});
