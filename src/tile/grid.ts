// tile/grid.ts: the survey's grid of square tiles, anchored to the CRS origin, so the same ground has the same tiles every year. Pure.
import type { Box, Tile } from '../types.ts';
import { InvalidInput } from '../errors.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';

/** A tile's id: its lower-left corner in whole metres, `452000_4445000`. */
const tileId = (x0: number, y0: number): string => `${x0}_${y0}`;

const tileAt = (col: number, rowUp: number, sizeM: number): Tile => {
  const core = { x0: col * sizeM, y0: rowUp * sizeM, x1: (col + 1) * sizeM, y1: (rowUp + 1) * sizeM };
  return { id: tileId(core.x0, core.y0), core };
};

/** The tile whose half-open core holds a point, metres. */
export const tileOf = (x: number, y: number, sizeM: number): Tile =>
  tileAt(Math.floor(toUnits(x) / toUnits(sizeM)), Math.floor(toUnits(y) / toUnits(sizeM)), sizeM);

/** The tile of an id. @throws {InvalidInput} when the text is no id of this grid */
export function tileFromId(id: string, sizeM: number): Tile {
  const [x, y] = id.split('_').map(Number);
  if (x === undefined || y === undefined || x % sizeM !== 0 || y % sizeM !== 0) {
    throw new InvalidInput(`${id}: no tile of the ${sizeM} m grid; an id is the lower-left corner in metres, like 452000_4445000`, { tile: id });
  }
  return tileAt(x / sizeM, y / sizeM, sizeM);
}

/** Every tile whose core meets the closed box, northern row first, west to east. */
export function tilesOfBox(box: Box, sizeM: number): Tile[] {
  const size = sizeM * UNITS_PER_M;
  const col0 = Math.floor(toUnits(box.x0) / size), col1 = Math.floor(toUnits(box.x1) / size);
  const row0 = Math.floor(toUnits(box.y0) / size), row1 = Math.floor(toUnits(box.y1) / size);
  const tiles: Tile[] = [];
  for (let row = row1; row >= row0; row--) for (let col = col0; col <= col1; col++) tiles.push(tileAt(col, row, sizeM));
  return tiles;
}

/** Band of a tile: its row of the grid, counted southward from the CRS origin. Engines walk bands north to south. */
export const bandOf = (tile: Tile, sizeM: number): number => -Math.round(tile.core.y0 / sizeM) - 1;

/** The survey's order of tiles: by band, then west to east. */
export const byTile = (a: Tile, b: Tile): number => b.core.y0 - a.core.y0 || a.core.x0 - b.core.x0;
