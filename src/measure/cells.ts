// measure/cells.ts: rows of the area grid: LiDAR metrics, cover by the CHM, and what models say. Pure.
import { anchoredLattice, indexIn, intersectWindows, xOfCol, yOfRow } from '../geo/lattice.ts';
import { roundTo, toUnits } from '../geo/units.ts';
import type { CellMetrics, Lattice, PixelArray, Raster, Tile, Window } from '../types.ts';
import { CANOPY_M, type ModelMap } from './stands.ts';
import { areaOfPixels, windowOfCore } from './window-of-core.ts';

export interface CellInputs {
  sizeM: number;
  /** the tile's cells by the LiDAR; cells outside its core are left out */
  metrics: readonly CellMetrics[];
  chm: Raster | null;
  /** `primary`: this map fills the fixed columns; rasters must reach one pixel beyond the core */
  models: readonly (ModelMap & { primary: boolean })[];
}

/** A row of table `cell`, by the names of its columns. */
export interface CellRow {
  cell_id: string;
  x_m: number;
  y_m: number;
  valid_area_m2: number;
  canopy_cover: number | null;
  low_share: number | null;
  stems_per_ha_image: number | null;
  dead_cover: number | null;
  agb_t_per_ha: number | null;
  [metric: string]: string | number | null;
}

export interface CellModelRow {
  cell_id: string;
  model: string;
  /** of a share with _cover: dead_cover */
  variable: string;
  value: number | null;
  sd: number | null;
  valid_area_m2: number;
}

/** The lower-left corner in whole metres, `452000_4445000`. */
export function cellIdOf(sizeM: number, col: number, row: number): string {
  const metres = (count: number): string => String(roundTo((count * toUnits(sizeM)) / 1e5, 5) || 0);
  return `${metres(col)}_${metres(-(row + 1))}`;
}

/**
 * The cells of a tile's core, north to south, then west to east.
 *
 * Cover counts CHM pixels by their centre. A model's pixel that straddles cells is shared by area; value and valid area come from the valid
 * parts only. A cell without LiDAR metrics, valid CHM pixel or valid model area has no row.
 */
export function measureCells(tile: Tile, { sizeM, metrics, chm, models }: CellInputs): { cells: CellRow[]; cellModels: CellModelRow[] } {
  const lattice = anchoredLattice(sizeM), core = windowOfCore(lattice, tile.core);
  const cover = chm && coverOfCells(lattice, core, tile, chm);
  const maps = models.map((map) => ({ ...map, sums: sumsOfCells(lattice, core, map) }));
  const byCell = new Map(metrics.map((cell) => [`${cell.col} ${cell.row}`, cell.values]));
  const cells: CellRow[] = [], cellModels: CellModelRow[] = [];
  for (let i = 0; i < core.width * core.height; i++) {
    const col = core.col + (i % core.width), row = core.row + Math.floor(i / core.width), cellId = cellIdOf(sizeM, col, row);
    const values = byCell.get(`${col} ${row}`), valid = cover?.valid[i] ?? 0;
    const spoken = maps.filter(({ sums }) => sums.validM2[i]! > 0);
    if (values === undefined && valid === 0 && spoken.length === 0) continue;
    cells.push({
      ...values, cell_id: cellId, x_m: xOfCol(lattice, col), y_m: yOfRow(lattice, row), valid_area_m2: chm ? areaOfPixels(valid, chm.lattice) : 0,
      canopy_cover: valid > 0 ? roundTo(cover!.canopy[i]! / valid, 6) : null, low_share: valid > 0 ? roundTo((valid - cover!.canopy[i]!) / valid, 6) : null,
      stems_per_ha_image: primaryOf(spoken, 'stems', i, 10_000), dead_cover: primaryOf(spoken, 'dead', i, 1), agb_t_per_ha: primaryOf(spoken, 'agb_kg', i, 10),
    });
    for (const map of spoken) cellModels.push(modelRow(cellId, map, i));
  }
  return { cells, cellModels };
}

/** `value` is a sum, an area covered, or a mean times valid area; `sd` likewise a mean times valid area. */
type Sums = { value: Float64Array; sd: Float64Array; validM2: Float64Array };

/** The figure of a task's primary map per valid area: stems/m2 x 10,000, kg/m2 x 10 = t/ha, or a share. */
function primaryOf(maps: readonly { variable: string; primary: boolean; sums: Sums }[], variable: string, i: number, factor: number): number | null {
  const map = maps.find((each) => each.primary && each.variable === variable);
  return map ? roundTo((map.sums.value[i]! / map.sums.validM2[i]!) * factor, 6) : null;
}

/**
 * A map in a cell. The standard deviation of a mean is the mean of the pixels': their errors are taken as shared, as those of neighbours nearly are;
 * that of a sum is the sum of the pixels'.
 */
function modelRow(cellId: string, { source, variable, kind, sd, sums }: ModelMap & { sums: Sums }, i: number): CellModelRow {
  const validM2 = sums.validM2[i]!, per = kind === 'sum' ? 1 : validM2;
  return {
    cell_id: cellId, model: source, variable: kind === 'share' ? `${variable}_cover` : variable,
    value: roundTo(sums.value[i]! / per, 6), sd: sd && !Number.isNaN(sums.sd[i]!) ? roundTo(sums.sd[i]! / per, 6) : null, valid_area_m2: roundTo(validM2, 6),
  };
}

/** Valid and canopy pixels of the CHM by cell, row-major over the core's cells. */
function coverOfCells(cells: Lattice, core: Window, tile: Tile, chm: Raster): { valid: Int32Array; canopy: Int32Array } {
  const valid = new Int32Array(core.width * core.height), canopy = new Int32Array(core.width * core.height);
  const own = intersectWindows(windowOfCore(chm.lattice, tile.core), chm.window);
  const cellOfCol = Int32Array.from({ length: own.width }, (_, c) => Math.floor(xOfCol(chm.lattice, own.col + c) / cells.resM) - core.col);
  for (let row = own.row; own.width > 0 && row < own.row + own.height; row++) {
    const line = (-Math.floor(yOfRow(chm.lattice, row) / cells.resM) - 1 - core.row) * core.width, from = indexIn(chm.window, own.col, row);
    for (let c = 0; c < own.width; c++) {
      if (!chm.mask[from + c]) continue;
      valid[line + cellOfCol[c]!]!++;
      if (chm.data[from + c]! >= CANOPY_M) canopy[line + cellOfCol[c]!]!++;
    }
  }
  return { valid, canopy };
}

/**
 * Sums of a map by cell: each valid pixel gives each cell its value x overlap / pixel (of a share: the overlap in m2 where it is covered; of a mean: value x overlap in m2).
 * A cell's pixels are added north to south, west to east, so its bits depend on no tile.
 */
function sumsOfCells(cells: Lattice, core: Window, { kind, raster, sd }: ModelMap): Sums {
  const value = new Float64Array(core.width * core.height), spread = new Float64Array(value.length), validM2 = new Float64Array(value.length);
  const across = overlaps(raster, cells, core, true), down = overlaps(raster, cells, core, false);
  const res = toUnits(raster.lattice.resM);
  for (const { pixel: row, cell: cellRow, length: high } of down) {
    for (const { pixel: col, cell: cellCol, length: wide } of across) {
      const from = row * raster.window.width + col, to = cellRow * core.width + cellCol;
      if (!raster.mask[from]) continue;
      const areaM2 = (high * wide) / 1e10, weight = kind === 'sum' ? (high * wide) / (res * res) : areaM2;
      validM2[to]! += areaM2;
      value[to]! += kind === 'share' ? (raster.data[from] ? weight : 0) : raster.data[from]! * weight;
      if (sd) spread[to]! += sd.mask[from] ? sd.data[from]! * weight : NaN; // one pixel's error unknown, and so is the cell's
    }
  }
  return { value, sd: spread, validM2 };
}

interface Overlap {
  /** index in the raster's window */
  pixel: number;
  /** index in the core's cells */
  cell: number;
  /** units of 1e-5 m that they share */
  length: number;
}

/** Which columns (or rows) of a raster overlap which columns (rows) of cells, in the pixels' order. */
function overlaps({ lattice, window }: Raster<PixelArray>, cells: Lattice, core: Window, across: boolean): Overlap[] {
  const res = toUnits(lattice.resM), size = toUnits(cells.resM), out: Overlap[] = [];
  const count = across ? window.width : window.height, first = across ? core.col : core.row, cellCount = across ? core.width : core.height;
  for (let pixel = 0; pixel < count; pixel++) {
    // rows count southward: the same arithmetic on -y
    const start = (across ? toUnits(lattice.x0M) : -toUnits(lattice.y0M)) + ((across ? window.col : window.row) + pixel) * res;
    for (let cell = Math.floor(start / size); cell * size < start + res; cell++) {
      if (cell < first || cell >= first + cellCount) continue;
      out.push({ pixel, cell: cell - first, length: Math.min(start + res, (cell + 1) * size) - Math.max(start, cell * size) });
    }
  }
  return out;
}
