// raster/metrics.ts: figures of a canopy height model over an area: cover, low share, rumple. Pure.
import { contains } from '../geo/lattice.ts';
import type { Raster, Window } from '../types.ts';

/** Valid pixels of an area, and those of at least a height. Whole numbers, so shares add up over tiles exactly. */
export interface CoverCount {
  valid: number;
  canopy: number;
}

/** Count valid pixels and canopy pixels (height >= minHeightM) of a raster in an area of whole pixels; outside the raster nothing is valid. */
export function countCover(chm: Raster, { minHeightM = 2, area = chm.window }: { minHeightM?: number; area?: Window } = {}): CoverCount {
  const { window, data, mask } = chm;
  let valid = 0, canopy = 0;
  for (let row = Math.max(0, area.row - window.row), end = Math.min(window.height, area.row + area.height - window.row); row < end; row++) {
    for (let col = Math.max(0, area.col - window.col), last = Math.min(window.width, area.col + area.width - window.col); col < last; col++) {
      const i = row * window.width + col;
      if (mask[i] === 0) continue; // nodata is neither canopy nor gap
      valid++;
      if (data[i]! >= minHeightM) canopy++;
    }
  }
  return { valid, canopy };
}

/** Share of the valid pixels that are canopy, 0..1; NaN where nothing is valid. */
export function canopyCover(chm: Raster, options: { minHeightM?: number; area?: Window } = {}): number {
  const { valid, canopy } = countCover(chm, options);
  return valid === 0 ? NaN : canopy / valid;
}

/** Halo of `rumpleIndex`, pixels: 1, since a square reaches from the centre of its pixel to those of the next row and column. */
export const rumpleHaloPx = 1;

/**
 * Rumple index of an area: surface of the canopy over ground.
 *
 * A square between four pixel centres belongs to its north-western pixel and counts if all four are valid; its surface is two triangles,
 * split from north-west to south-east. Summed in raster order.
 *
 * @param area  whole pixels, by default all; the raster reaches one pixel farther south and east for the squares on the border
 * @returns at least 1; NaN where no square is valid
 * @see Parker et al. 2004; the triangulation is of pixel centres, as in lidR
 */
export function rumpleIndex(chm: Raster, { area = chm.window }: { area?: Window } = {}): number {
  const { window, data, mask, lattice } = chm, { width } = window, base = lattice.resM * lattice.resM;
  let surface = 0, squares = 0;
  for (let row = area.row; row < area.row + area.height; row++) {
    for (let col = area.col; col < area.col + area.width; col++) {
      if (!contains(window, col, row) || !contains(window, col + 1, row + 1)) continue;
      const nw = (row - window.row) * width + col - window.col, ne = nw + 1, sw = nw + width, se = sw + 1;
      if (mask[nw] === 0 || mask[ne] === 0 || mask[sw] === 0 || mask[se] === 0) continue;
      surface += halfSurface(data[ne]! - data[nw]!, data[se]! - data[ne]!, lattice.resM);
      surface += halfSurface(data[se]! - data[sw]!, data[sw]! - data[nw]!, lattice.resM);
      squares++;
    }
  }
  return squares === 0 ? NaN : surface / (squares * base);
}

/** Area of a right triangle of legs `resM` on the ground whose height changes by `dx` and `dy` along them. */
const halfSurface = (dx: number, dy: number, resM: number): number => (resM * Math.sqrt(resM * resM + dx * dx + dy * dy)) / 2;
