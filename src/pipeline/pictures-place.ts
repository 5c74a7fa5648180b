// pipeline/pictures-place.ts: where a picture lies among a network's patches. Pure.
import type { Lattice, Window } from '../types.ts';
import { intersectWindows } from '../geo/lattice.ts';
import { toMetres, toUnits } from '../geo/units.ts';
import type { CardInput } from '../infer/card.ts';
import { patchGrid, patchWindow, patchesOfWindow, trustedCentre } from '../infer/patches.ts';

type PatchInput = Pick<CardInput, 'patchPx' | 'marginPx' | 'stridePx'>;

/** A picture on the lattice of a network's patches; metres stay what they were, columns and rows do not. */
export interface Laid {
  lattice: Lattice;
  window: Window;
  /** columns and rows that were added to the picture's own */
  colPx: number;
  rowPx: number;
}

/** Lay a picture, whose first pixel is column 0, row 0 of its lattice, among patches: along each axis as `firstPixel` says. */
export function layAmongPatches({ lattice: { resM, x0M, y0M }, window }: { lattice: Lattice; window: Window }, input: PatchInput): Laid {
  const colPx = firstPixel(window.width, input) - window.col, rowPx = firstPixel(window.height, input) - window.row, moved = (px: number): number => px * toUnits(resM);
  const lattice = { resM, x0M: toMetres(toUnits(x0M) - moved(colPx)), y0M: toMetres(toUnits(y0M) + moved(rowPx)) };
  return { lattice, window: { ...window, col: window.col + colPx, row: window.row + rowPx }, colPx, rowPx };
}

/**
 * Where the first pixel of a picture lies, along one axis, so that its pixels are seen with most of the picture around them.
 *
 * A survey's patches are full but at its edge. A picture has void all around: a strip of it in the next patch's centre would be judged by a patch that sees little but void, as no
 * pixel inside a survey is. So the picture lies where its pixels, all together, are decided by patches that read most of it.
 *
 * @param sizePx  of the picture, pixels of the network
 * @returns pixels from a patch's first: 0 to less than `patch_px - 2 margin_px`, a multiple of `stride_px`; of equal ones the least
 */
export function firstPixel(sizePx: number, { stridePx, ...input }: PatchInput): number {
  const grid = patchGrid(input);
  let best = 0, most = 0;
  for (let first = 0; first < grid.stepPx; first += stridePx) {
    const picture = { col: first, row: 0, width: sizePx, height: 1 }, { col, width } = patchesOfWindow(grid, picture);
    let seen = 0;
    for (let i = col; i < col + width; i++) seen += sharedCols(trustedCentre(grid, i, 0), picture) * sharedCols(patchWindow(grid, i, 0), picture);
    if (seen > most) [best, most] = [first, seen];
  }
  return best;
}

const sharedCols = (a: Window, b: Window): number => intersectWindows({ ...a, row: b.row, height: b.height }, b).width;
