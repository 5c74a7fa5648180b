// cloud/pmf.ts: ground returns by progressive morphological filtering. Pure.
import { candidates, cellIn, lowestGrid } from './lowest-grid.ts';
import { openGrid } from './morphology.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { Points } from '../types.ts';

export interface PmfParams {
  method: 'pmf';
  /** side of a cell, metres */
  cellM: number;
  /** b: windows are 2 b^k + 1 (exponential) or 2 (k + 1) b + 1 (linear) cells wide */
  base: number;
  exponential: boolean;
  /** widest window, cells */
  maxWindowCells: number;
  /** s: rise of the terrain per metre */
  slope: number;
  /** threshold of the first window, and least of the others, metres */
  initialThresholdM: number;
  maxThresholdM: number;
  /** which returns may be ground */
  returns: 'last' | 'all';
}

/** PDAL's windows with lidR's thresholds: with PDAL's (0.15 and 2.5 m) 13-40 % of the classified ground of bcts, Topography and MixedEucaNat is lost, with these 0.5-9 %. */
export const PMF_DEFAULTS: PmfParams = {
  method: 'pmf', cellM: 1, base: 2, exponential: true, maxWindowCells: 33, slope: 0.3,
  initialThresholdM: 0.5, maxThresholdM: 3, returns: 'last',
};

/** Windows (cells, odd, growing) with the drop that each allows, units of 1e-5 m. */
export function pmfWindows({ base, exponential, maxWindowCells, slope, cellM, initialThresholdM, maxThresholdM }: PmfParams): { cells: number; threshold: number }[] {
  const out: { cells: number; threshold: number }[] = [];
  for (let k = 0, before = 0; ; k++) {
    const cells = exponential ? 2 * base ** k + 1 : 2 * (k + 1) * base + 1;
    if (cells > maxWindowCells || cells === before) return out;
    const thresholdM = cells <= 3 ? initialThresholdM : slope * (cells - before) * cellM + initialThresholdM;
    out.push({ cells, threshold: Math.min(thresholdM, maxThresholdM) * UNITS_PER_M });
    before = cells;
  }
}

/**
 * A return's class depends on returns within w_max cells, metres.
 * Proof: an opening by w cells reaches w - 1 cells from the return's own cell (`openGrid`, 2 r), and cells are whole: one more
 * for a window that cuts cells. A window of whole cells needs (w_max - 1) cells.
 */
export const pmfHaloM = (params: PmfParams): number => {
  const last = pmfWindows(params).at(-1);
  return (last ? last.cells : 1) * params.cellM;
};

/**
 * Ground by Zhang et al. 2003: the lowest returns of cells are opened by growing windows; a return that stands higher above an
 * opened surface than that window's threshold is no ground.
 *
 * Departures from the paper and from lidR and PDAL: windows are squares and each opening is of the original surface, which is
 * the same where no cell is empty; empty cells never count (no nearest-neighbour filling); elevations below 0 are like any other.
 *
 * @returns 1 where a return is ground
 * @see doi:10.1109/TGRS.2003.810682
 */
export function pmfGround(points: Points, params: PmfParams): Uint8Array {
  const ground = candidates(points, params.returns);
  const grid = lowestGrid(points, ground, toUnits(params.cellM));
  if (!grid) return ground;
  // z must not exceed the lowest of opened surface + threshold
  const ceiling = new Float64Array(grid.data.length).fill(Infinity);
  for (const { cells, threshold } of pmfWindows(params)) {
    const opened = openGrid(grid, (cells - 1) / 2, 'square');
    for (let k = 0; k < opened.length; k++) if (opened[k]! + threshold < ceiling[k]!) ceiling[k] = opened[k]! + threshold;
  }
  for (let i = 0; i < points.count; i++) {
    if (ground[i] === 1 && points.z[i]! > ceiling[cellIn(grid, points.x[i]!, points.y[i]!)]!) ground[i] = 0;
  }
  return ground;
}
