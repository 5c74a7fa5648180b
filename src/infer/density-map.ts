// infer/density-map.ts: peaks and cell sums of a density map. Pure kernels on typed arrays.
import { xOfCol, yOfRow } from '../geo/lattice.ts';
import { toUnits } from '../geo/units.ts';
import type { Raster, Window } from '../types.ts';

/** A peak of a density map: one tree's place, by the network alone. */
export interface DensityPeak {
  /** pixel of the peak on the map's lattice */
  col: number;
  row: number;
  /** sub-pixel position, metres in the survey's CRS: at most half a pixel from the pixel's centre */
  xM: number;
  yM: number;
  /** density at the pixel, in the unit of the map */
  value: number;
}

export interface PeakOptions {
  /** lowest value of a peak: absolute, so an empty field of noise has none */
  peakThreshold: number;
  peakRadiusM: number;
}

/** Pixels to read around a core so that `densityPeaks` finds its peaks: the radius, and one since a peak may lie half a pixel off its pixel. */
export const peakHaloPx = (resM: number, peakRadiusM: number): number => Math.floor(peakRadiusM / resM + 1e-9) + 1;

/** Offsets within the radius as [dcol, drow] pairs, without the centre. */
function discOffsets(resM: number, radiusM: number): Int32Array {
  const reach = Math.floor(radiusM / resM + 1e-9), limit = (radiusM / resM) ** 2 + 1e-9, offsets: number[] = [];
  for (let dr = -reach; dr <= reach; dr++) {
    for (let dc = -reach; dc <= reach; dc++) if ((dr !== 0 || dc !== 0) && dr * dr + dc * dc <= limit) offsets.push(dc, dr);
  }
  return Int32Array.from(offsets);
}

/** Apex of the parabola through three neighbours, in pixels from the middle one; 0 where a side is missing. */
function apex(before: number, middle: number, after: number): number {
  const bend = before - 2 * middle + after;
  return bend < 0 ? Math.min(0.5, Math.max(-0.5, (0.5 * (before - after)) / bend)) : 0; // a comparison with NaN is false
}

/**
 * Find peaks: valid pixels of at least `peakThreshold` that no valid pixel within `peakRadiusM` exceeds; of equal ones the
 * earlier in (row, col) is the peak. The position is the apex of a parabola through the pixel's neighbours along each axis,
 * where both are valid.
 *
 * Local: a pixel's answer depends on pixels within `peakHaloPx`, so the caller reads that much around the core and keeps peaks
 * whose position its core holds (the position is computed from the global pixel, so it is bit for bit the same in every tile).
 *
 * @returns peaks in raster order
 */
export function densityPeaks(raster: Raster, { peakThreshold, peakRadiusM }: PeakOptions): DensityPeak[] {
  const { lattice, window, data, mask } = raster, { width, height } = window;
  const offsets = discOffsets(lattice.resM, peakRadiusM), peaks: DensityPeak[] = [];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!mask[i] || !(value >= peakThreshold)) continue;
    const row = Math.floor(i / width), col = i - row * width;
    let beaten = false;
    for (let k = 0; k < offsets.length && !beaten; k += 2) {
      const c = col + offsets[k]!, r = row + offsets[k + 1]!;
      if (c < 0 || r < 0 || c >= width || r >= height) continue;
      const j = r * width + c;
      beaten = mask[j] === 1 && (data[j]! > value || (data[j]! === value && j < i));
    }
    if (!beaten) peaks.push(peakAt(raster, col, row, value));
  }
  return peaks;
}

function peakAt({ lattice, window, data, mask }: Raster, col: number, row: number, value: number): DensityPeak {
  const at = (c: number, r: number): number => {
    const i = r * window.width + c;
    return c >= 0 && r >= 0 && c < window.width && r < window.height && mask[i] ? data[i]! : NaN;
  };
  const dc = apex(at(col - 1, row), value, at(col + 1, row)), dr = apex(at(col, row - 1), value, at(col, row + 1));
  const globalCol = window.col + col, globalRow = window.row + row;
  return { col: globalCol, row: globalRow, xM: xOfCol(lattice, globalCol + dc), yM: yOfRow(lattice, globalRow + dr), value };
}

/** Stems of one cell of the area grid, and how much of it the map covers. */
export interface DensityCell {
  col: number;
  row: number;
  stems: number;
  /** area of valid map pixels whose centre the cell holds */
  validM2: number;
}

/**
 * Sum a density map by cell of the grid of `cellSizeM` anchored to the CRS origin. A pixel belongs whole to the cell that holds
 * its centre. Sums run in raster order: bit for bit the same whatever the window, as long as `raster` holds the whole cell.
 *
 * @param cells  the cells wanted, on that grid
 * @returns cells with at least one valid pixel, row by row; a cell without one is a void, not a zero
 */
export function densityByCell(raster: Raster, cellSizeM: number, cells: Window): DensityCell[] {
  const { lattice, window, data, mask } = raster;
  const stems = new Float64Array(cells.width * cells.height), pixels = new Uint32Array(stems.length);
  const cellCols = cellIndices(window.width, (i) => Math.floor(centreUnits(lattice.x0M, lattice.resM, window.col + i) / (2 * toUnits(cellSizeM))) - cells.col);
  const cellRows = cellIndices(window.height, (i) => Math.ceil(centreUnits(-lattice.y0M, lattice.resM, window.row + i) / (2 * toUnits(cellSizeM))) - 1 - cells.row);
  for (let row = 0, i = 0; row < window.height; row++) {
    for (let col = 0; col < window.width; col++, i++) {
      const cc = cellCols[col]!, cr = cellRows[row]!;
      if (!mask[i] || cc < 0 || cr < 0 || cc >= cells.width || cr >= cells.height) continue;
      stems[cr * cells.width + cc]! += data[i]!;
      pixels[cr * cells.width + cc]! += 1;
    }
  }
  const found: DensityCell[] = [];
  for (let k = 0; k < stems.length; k++) {
    if (pixels[k] === 0) continue;
    found.push({ col: cells.col + (k % cells.width), row: cells.row + Math.floor(k / cells.width), stems: stems[k]!, validM2: pixels[k]! * lattice.resM ** 2 });
  }
  return found;
}

/** Twice the centre of a pixel along an axis that runs with its index, in integer units, so that halves stay exact. */
const centreUnits = (originM: number, resM: number, index: number): number => 2 * toUnits(originM) + (2 * index + 1) * toUnits(resM);

const cellIndices = (length: number, cellOf: (i: number) => number): Int32Array => Int32Array.from({ length }, (_, i) => cellOf(i));
