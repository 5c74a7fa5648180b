// pipeline/pictures-masks.ts: what a model sees as objects, on the pixels of the drawn mask. Pure.
import type { Lattice, Raster } from '../types.ts';
import type { MaskScene } from '../evaluate/masks.ts';
import { contains, indexIn } from '../geo/lattice.ts';
import { pixelsInside, windowOfPolygons } from '../geo/polygon.ts';
import type { CardOf } from '../infer/card.ts';
import type { Picture } from './pictures-read.ts';
import type { Seen } from './pictures-run.ts';

/** A picture's masks: each of its pixels takes the map's pixel that holds its centre, so that a coarser output is compared at the drawing's own resolution. */
export function maskScene({ map, objects }: Seen, reference: Uint8Array, { width, height, mask }: Picture, gsdM: number, { post }: CardOf<'segment'>): Omit<MaskScene, 'picture' | 'unit' | 'strata'> {
  const own = new Int32Array(width * height), lattice: Lattice = { resM: gsdM, x0M: 0, y0M: 0 }, whole = { col: 0, row: 0, width, height };
  objects.forEach((polygon, n) => {
    const window = windowOfPolygons([polygon], lattice, whole), inside = pixelsInside([polygon], lattice, window);
    for (let i = 0; i < inside.length; i++) if (inside[i]) own[indexIn(whole, window.col + (i % window.width), window.row + Math.floor(i / window.width))] = n + 1;
  });
  const { found, valid } = map === null ? { found: Uint8Array.from(own, (label) => (label > 0 ? 1 : 0)), valid: mask } : thresholded(map, mask, { width, gsdM, threshold: post.threshold });
  return { width, resM: gsdM, valid, found, reference, own };
}

function thresholded({ lattice, window, data, mask }: Raster, seen: Uint8Array, { width, gsdM, threshold }: { width: number; gsdM: number; threshold: number }): { found: Uint8Array; valid: Uint8Array } {
  const found = new Uint8Array(seen.length), valid = new Uint8Array(seen.length), scale = gsdM / lattice.resM, col0 = Math.round(-lattice.x0M / lattice.resM), row0 = Math.round(lattice.y0M / lattice.resM); // a picture lies on whole pixels of the map
  for (let i = 0; i < seen.length; i++) {
    const col = col0 + Math.floor(((i % width) + 0.5) * scale), row = row0 + Math.floor((Math.floor(i / width) + 0.5) * scale);
    if (!seen[i] || !contains(window, col, row)) continue;
    const at = indexIn(window, col, row);
    valid[i] = mask[at]!;
    if (valid[i] && data[at]! >= threshold) found[i] = 1;
  }
  return { found, valid };
}
