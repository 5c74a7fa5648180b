// evaluate/mask-on-map.ts: a map of probability on the pixels of a drawn mask. Pure.
import { contains, indexIn, pixelAt } from '../geo/lattice.ts';
import type { Raster } from '../types.ts';

/** Where a drawn mask lies: its upper-left corner and the side of its pixels, metres. */
export interface DrawnPlace {
  x0M: number;
  y0M: number;
  resM: number;
  width: number;
  height: number;
}

/**
 * Each pixel of a drawn mask takes the map's pixel that holds its centre, so that a coarser map is compared at the drawing's own resolution.
 *
 * @param map        probability 0 to 1 on the survey's lattice; void beyond its window
 * @param threshold  found from this probability on
 * @returns masks of the drawing's pixels, row-major: 1 where the map is valid; 1 where it is valid and reaches the threshold
 */
export function mapOnMask({ lattice, window, data, mask }: Raster, { x0M, y0M, resM, width, height }: DrawnPlace, threshold: number): { valid: Uint8Array; found: Uint8Array } {
  const valid = new Uint8Array(width * height), found = new Uint8Array(width * height);
  for (let row = 0, i = 0; row < height; row++) {
    for (let col = 0; col < width; col++, i++) {
      const at = pixelAt(lattice, x0M + (col + 0.5) * resM, y0M - (row + 0.5) * resM);
      if (!contains(window, at.col, at.row)) continue;
      const j = indexIn(window, at.col, at.row);
      valid[i] = mask[j]!;
      if (valid[i] && data[j]! >= threshold) found[i] = 1;
    }
  }
  return { valid, found };
}
