// pipeline/inventory-source.ts: trees of a box and the valid share of a piece of ground, from a survey's database and rasters. IO.
import { join } from 'node:path';
import type { Box, Lattice, Window } from '../types.ts';
import { InvalidInput, messageOf } from '../errors.ts';
import { anchoredLattice, boxOfWindow, indexIn, pixelAt, windowOfBox, xOfCol, yOfRow } from '../geo/lattice.ts';
import type { Region } from '../evaluate/regions.ts';
import { openFile } from '../files/byte-source.ts';
import { openRaster } from '../ingest/geotiff-reader.ts';
import type { RasterFile } from '../ingest/geotiff-reader.ts';
import { quoteText } from '../store/columns/define.ts';
import type { DuckDBConnection } from '../store/duck.ts';

/** A tree of the inventory as evaluation needs it. */
export interface InventoryTree {
  treeId: string;
  xM: number;
  yM: number;
  heightM: number | null;
  crownDiameterM: number | null;
  dbhCm: number | null;
  /** cross-section of the stem with the square_factor of its equation, as in stand_metrics */
  basalM2: number | null;
  agbKg: number | null;
}

/** Where evaluation takes the inventory from. */
export interface InventorySource {
  /** canopy trees (of LiDAR, or of a canopy height model the user brought) whose apex lies in a half-open box, by tree_id */
  trees(box: Box): Promise<InventoryTree[]>;
  /** share of the pixels of a region that are valid, by their centres; 0 for a region that holds no centre */
  validShare(region: Region): Promise<number>;
  isValid(xM: number, yM: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Which pixels or cells are valid, as a share of each. */
interface Validity {
  lattice: Lattice;
  /** share of each pixel of a window, row-major */
  shares(window: Window): Promise<Float64Array>;
  close(): Promise<void>;
}

/** The raster of valid pixels that a run leaves. */
export const validAreaFile = (output: string): string => join(output, 'rasters', 'valid_area.tif');

/**
 * The inventory of an open database.
 *
 * What is valid comes from the raster of valid pixels, which is exact; without it from the cells' valid_area_m2, as if voids were spread evenly in each cell.
 *
 * @param validArea  rasters/valid_area.tif, or where merge has it staged; null: by cells
 * @throws {InvalidInput} when the database is no inventory
 */
export async function openInventory(connection: DuckDBConnection, { validArea }: { validArea: string | null }): Promise<InventorySource> {
  const validity = validArea === null ? await cellValidity(connection) : await rasterValidity(validArea), source = await canopySource(connection);
  return {
    trees: (box) => treesOf(connection, box, source),
    async validShare(region) {
      const { lattice } = validity, window = windowOfBox(lattice, region.box);
      let inside = 0, valid = 0;
      if (window.width <= 0 || window.height <= 0) return 0;
      for (const part of bandsOf(window)) {
        const shares = await validity.shares(part);
        for (let row = part.row; row < part.row + part.height; row++) {
          const yM = yOfRow(lattice, row);
          for (let col = part.col; col < part.col + part.width; col++) {
            if (!region.holds(xOfCol(lattice, col), yM)) continue;
            inside++;
            valid += shares[indexIn(part, col, row)]!;
          }
        }
      }
      return inside === 0 ? 0 : valid / inside;
    },
    async isValid(xM, yM) {
      return (await validity.shares({ ...pixelAt(validity.lattice, xM, yM), width: 1, height: 1 }))[0]! > 0;
    },
    close: () => validity.close(),
  };
}

const BAND_PX = 1 << 20;

/** A window in bands of whole rows of about a million pixels. */
function* bandsOf(window: Window): Generator<Window> {
  const rows = Math.max(1, Math.floor(BAND_PX / window.width));
  for (let row = window.row; row < window.row + window.height; row += rows) yield { ...window, row, height: Math.min(rows, window.row + window.height - row) };
}

/** Canopy trees come from LiDAR where the survey has it, else from a canopy height model, as in stand_metrics; null: every tree. */
async function canopySource(connection: DuckDBConnection): Promise<string | null> {
  try {
    const names = (await connection.runAndReadAll('SELECT DISTINCT source FROM survey_part')).getRowsJS().map(([name]) => String(name));
    return ['lidar', 'chm'].find((name) => names.includes(name)) ?? null;
  } catch (cause) {
    throw new InvalidInput(`the database is no inventory of understory: ${messageOf(cause).split('\n')[0]}`, {}, { cause });
  }
}

const num = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value));

async function treesOf(connection: DuckDBConnection, { x0, y0, x1, y1 }: Box, source: string | null): Promise<InventoryTree[]> {
  const rows = await connection.runAndReadAll(`
    SELECT tree_id, x_m, y_m, height_m, crown_diameter_m, dbh_cm, pi() * (dbh_cm / 200) * (dbh_cm / 200) * coalesce(square_factor, 1), agb_kg
    FROM tree LEFT JOIN equation ON equation.equation_id = tree.dbh_equation
    WHERE x_m >= ${x0} AND x_m < ${x1} AND y_m >= ${y0} AND y_m < ${y1} ${source === null ? '' : `AND tree.source = ${quoteText(source)}`}
    ORDER BY tree_id`);
  return rows.getRowsJS().map(([treeId, xM, yM, heightM, crownDiameterM, dbhCm, basalM2, agbKg]) => ({
    treeId: String(treeId), xM: Number(xM), yM: Number(yM), heightM: num(heightM), crownDiameterM: num(crownDiameterM), dbhCm: num(dbhCm), basalM2: num(basalM2), agbKg: num(agbKg),
  }));
}

async function rasterValidity(path: string): Promise<Validity> {
  const file = await openRaster(await openFile(path)), lattice = latticeOf(file, path);
  return {
    lattice,
    async shares(window) {
      const { data, mask } = await file.readWindow([0], window);
      return Float64Array.from(mask, (valid, i) => (valid && data[0]![i] !== 0 ? 1 : 0));
    },
    close: () => file.close(),
  };
}

/** The lattice whose pixel (0, 0) is the file's first. */
function latticeOf({ header }: RasterFile, path: string): Lattice {
  const { affine } = header;
  if (affine === null || affine.resX !== affine.resY) throw new InvalidInput(`${path}: has no square pixels in the CRS of the survey; delete it and run the job again`, { source: path });
  return { resM: affine.resX, x0M: affine.x0, y0M: affine.y0 };
}

async function cellValidity(connection: DuckDBConnection): Promise<Validity> {
  const [row] = (await connection.runAndReadAll('SELECT cell_size_m FROM run')).getRowsJS(), lattice = anchoredLattice(Number(row![0]));
  return {
    lattice,
    async shares(window) {
      const { x0, y0, x1, y1 } = boxOfWindow(lattice, window), shares = new Float64Array(window.width * window.height);
      const cells = await connection.runAndReadAll(`SELECT x_m, y_m, valid_area_m2 FROM cell WHERE x_m >= ${x0} AND x_m < ${x1} AND y_m >= ${y0} AND y_m < ${y1}`);
      for (const [xM, yM, validM2] of cells.getRowsJS()) {
        const col = Math.floor(Number(xM) / lattice.resM), rowOfCell = -Math.floor(Number(yM) / lattice.resM) - 1;
        shares[indexIn(window, col, rowOfCell)] = Math.min(1, Number(validM2) / lattice.resM ** 2);
      }
      return shares;
    },
    close: async () => {},
  };
}
