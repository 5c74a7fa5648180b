// cloud/smrf.ts: ground returns by the simple morphological filter. Pure.
import { groundSurface, groundSurfaceHaloM } from './ground-surface.ts';
import type { GroundSurface, GroundSurfaceParams } from './ground-surface.ts';
import { candidates, cellIn, lowestGrid } from './lowest-grid.ts';
import type { LowestGrid } from './lowest-grid.ts';
import { openGrid } from './morphology.ts';
import type { WindowShape } from './morphology.ts';
import { toUnits } from '../geo/units.ts';
import type { Points } from '../types.ts';

export interface SmrfParams extends GroundSurfaceParams {
  method: 'smrf';
  /** side of a cell, metres */
  cellM: number;
  /** radius of the widest window, metres */
  windowM: number;
  windowShape: WindowShape;
  /** steepest rise of the terrain per metre: a cell that drops by more under the next window is an object */
  slope: number;
  /** a return this far from the provisional ground is still ground, metres ... */
  thresholdM: number;
  /** ... plus this times the local slope */
  scalar: number;
  /** which returns may be ground */
  returns: 'last' | 'all';
}

/**
 * Pingel's and PDAL's values, but squares: against the terrain of the ground classified by others on bcts_3, MixedConifer, Megaplot,
 * Topography and MixedEucaNat squares have 0.41, 0.09, 0.19, 0.29, 0.21 m RMSE, discs 0.44, 0.10, 0.21, 0.31, 0.20, in twice the time.
 * A slope of 0.3 is worse on four of the five; a threshold of 0.25 m loses 14 % of the ground of MixedEucaNat.
 */
export const SMRF_DEFAULTS: SmrfParams = {
  method: 'smrf', cellM: 1, windowM: 18, windowShape: 'square', slope: 0.15, thresholdM: 0.3, scalar: 0.5, returns: 'last',
  maxCircumradiusM: 10, fillRadiusM: 20, fillNeighbours: 3,
};

/** Drop per metre beyond which a cell is a low outlier (Pingel's 500 %). */
const OUTLIER_SLOPE = 5;

/** Widest window's radius in whole cells. */
const maxRadius = ({ windowM, cellM }: SmrfParams): number => Math.ceil(toUnits(windowM) / toUnits(cellM));

/**
 * A return's class depends on returns within 2 r_max + 2.5 cells + the reach of the provisional ground, metres.
 * Proof: the slope at a return asks the ground at cell centres up to 1.5 cells away; the ground there asks seeds within its own
 * halo (`groundSurface`); whether a cell is a seed depends on cells within 2 r_max of it (`openGrid`), and the last of those
 * reaches one cell beyond. (Low outliers: an opening of radius 1.)
 */
export const smrfHaloM = (params: SmrfParams): number =>
  (2 * Math.max(1, maxRadius(params)) + 2.5) * params.cellM + groundSurfaceHaloM(params);

/**
 * Ground by Pingel et al. 2013: cells of lowest returns whose surface drops faster than `slope` under growing openings are
 * objects; the rest carry a provisional ground, and returns near it are ground.
 *
 * Departures from the paper and from PDAL, each because the original depends on what else was read: empty cells never count
 * (no inpainting before the openings); each opening is of the original surface; the provisional ground is the TIN of the lowest
 * returns of ground cells, filled within `fillRadiusM` (the paper inpaints the raster and draws a spline), so the seeds
 * keep their own places; no second "net cutting" pass.
 *
 * @returns 1 where a return is ground; a return without provisional ground near enough is none
 * @see doi:10.1016/j.isprsjprs.2012.12.002
 */
export function smrfGround(points: Points, params: SmrfParams): Uint8Array {
  const ground = candidates(points, params.returns);
  const grid = lowestGrid(points, ground, toUnits(params.cellM));
  if (!grid) return ground;
  const seeds = new Uint8Array(points.count);
  const isObject = objectCells(grid, params), isLow = lowOutliers(grid);
  for (let k = 0; k < grid.data.length; k++) if (grid.lowest[k]! >= 0 && !isObject[k] && !isLow[k]) seeds[grid.lowest[k]!] = 1;
  const surface = groundSurface(points, seeds, params);
  const slopes = slopesOf(grid, surface);
  const threshold = toUnits(params.thresholdM), perSlope = toUnits(params.scalar);
  for (let i = 0; i < points.count; i++) {
    if (ground[i] !== 1) continue;
    const x = points.x[i]!, y = points.y[i]!;
    const off = Math.abs(points.z[i]! - surface.elevationAt(x, y));
    if (!(off <= threshold + perSlope * slopes[cellIn(grid, x, y)]!)) ground[i] = 0;
  }
  return ground;
}

/** Cells that drop by more than slope x radius from one opening to the next wider one. */
function objectCells(grid: LowestGrid, params: SmrfParams): Uint8Array {
  const isObject = new Uint8Array(grid.data.length);
  let before = grid.data;
  for (let r = 1; r <= maxRadius(params); r++) {
    const opened = openGrid(grid, r, params.windowShape);
    const limit = params.slope * r * grid.cell;
    for (let k = 0; k < opened.length; k++) if (before[k]! - opened[k]! > limit) isObject[k] = 1;
    before = opened;
  }
  return isObject;
}

/** Cells far below their neighbours: objects of the surface turned upside down. */
function lowOutliers(grid: LowestGrid): Uint8Array {
  const turned = { ...grid, data: grid.data.map((z) => -z) };
  const opened = openGrid(turned, 1, 'disc');
  return Uint8Array.from(opened, (z, k) => (turned.data[k]! - z > OUTLIER_SLOPE * grid.cell ? 1 : 0));
}

/** Slope (rise per run) of the provisional ground in each cell with returns, by differences of neighbouring cell centres; 0 where unknown. */
function slopesOf(grid: LowestGrid, surface: GroundSurface): Float64Array {
  const { width, height, cell, col0, row0 } = grid;
  const w = width + 2, heights = new Float64Array(w * (height + 2));
  for (let r = -1; r <= height; r++) {
    for (let c = -1; c <= width; c++) heights[(r + 1) * w + c + 1] = surface.elevationAt((col0 + c + 0.5) * cell, (row0 + r + 0.5) * cell);
  }
  const out = new Float64Array(width * height);
  for (let r = 0, k = 0; r < height; r++) {
    for (let c = 0; c < width; c++, k++) {
      const i = (r + 1) * w + c + 1;
      const dx = (heights[i + 1]! - heights[i - 1]!) / (2 * cell), dy = (heights[i + w]! - heights[i - w]!) / (2 * cell);
      const slope = Math.sqrt(dx * dx + dy * dy);
      out[k] = slope === slope ? slope : 0;
    }
  }
  return out;
}
