// infer/patches.ts: the lattice of patches of a model on an image, and blocks of whole patches. Pure.
import { intersectWindows, windowsMeet } from '../geo/lattice.ts';
import type { Lattice, Window } from '../types.ts';
import type { CardInput } from './card.ts';

/** Patches of a model: patch (i, j) reads pixels [i step, i step + patch_px) by [j step, ...) of the image's lattice. */
export interface PatchGrid {
  patchPx: number;
  marginPx: number;
  /** distance of patches, pixels: patch_px - 2 margin_px, a multiple of the network's stride */
  stepPx: number;
}

/** The unit of a model task: whole patches, run once in the survey. Windows are pixels of the image's lattice but `patches`. */
export interface Block {
  /** `col_row` of the block: block (col, row) holds patches [col n, (col + 1) n) by [row n, ...) */
  id: string;
  /** indices of patches, half-open; trimmed to patches whose trusted centre meets the image */
  patches: Window;
  /** the trusted centres of its patches: what this block gives */
  core: Window;
  /** everything its patches look at */
  read: Window;
}

export const patchGrid = ({ patchPx, marginPx }: Pick<CardInput, 'patchPx' | 'marginPx'>): PatchGrid =>
  ({ patchPx, marginPx, stepPx: patchPx - 2 * marginPx });

/** Pixels that patch (col, row) reads. */
export const patchWindow = (grid: PatchGrid, col: number, row: number): Window =>
  ({ col: col * grid.stepPx, row: row * grid.stepPx, width: grid.patchPx, height: grid.patchPx });

/** Pixels whose output counts: the patch without its rim. Trusted centres tile the plane. */
export const trustedCentre = (grid: PatchGrid, col: number, row: number): Window =>
  ({ col: col * grid.stepPx + grid.marginPx, row: row * grid.stepPx + grid.marginPx, width: grid.stepPx, height: grid.stepPx });

/** Output pixels of a window whose edges are multiples of `stridePx`. */
export const outputWindow = (window: Window, stridePx: number): Window =>
  ({ col: window.col / stridePx, row: window.row / stridePx, width: window.width / stridePx, height: window.height / stridePx });

/** The lattice of an output of `stridePx` input pixels: same origin, larger pixels. */
export const outputLattice = (lattice: Lattice, stridePx: number): Lattice => ({ ...lattice, resM: lattice.resM * stridePx });

/** Patch indices whose trusted centres meet a window of pixels. */
export function patchesOfWindow(grid: PatchGrid, window: Window): Window {
  const first = (px: number) => Math.floor((px - grid.marginPx) / grid.stepPx);
  const end = (px: number) => Math.ceil((px - grid.marginPx) / grid.stepPx);
  const col = first(window.col), row = first(window.row);
  return { col, row, width: end(window.col + window.width) - col, height: end(window.row + window.height) - row };
}

function blockOf(grid: PatchGrid, id: string, patches: Window): Block {
  const { stepPx, marginPx } = grid;
  const read = {
    col: patches.col * stepPx, row: patches.row * stepPx,
    width: patches.width * stepPx + 2 * marginPx, height: patches.height * stepPx + 2 * marginPx,
  };
  const core = { col: read.col + marginPx, row: read.row + marginPx, width: patches.width * stepPx, height: patches.height * stepPx };
  return { id, patches, core, read };
}

/**
 * Cut an image into blocks of whole patches. Patches start at multiples of patch_px - 2 margin_px of the image's lattice and
 * blocks at multiples of `blockPatches` patches, both counted from the pixel that holds the CRS origin: no file's corner enters,
 * and the size of a block changes no output.
 *
 * @param imageWindow   pixels that the image's files cover, on the lattice of `planImage`
 * @param blockPatches  patches along the side of a block
 * @param files         windows of the files: a block whose core meets none of them is left out (it is all void)
 * @returns blocks row by row; every pixel of `imageWindow` is in the core of at most one, and of exactly one without `files`
 */
export function planBlocks(imageWindow: Window, input: Pick<CardInput, 'patchPx' | 'marginPx'>, blockPatches: number, files?: Window[]): Block[] {
  if (imageWindow.width <= 0 || imageWindow.height <= 0) return [];
  const grid = patchGrid(input), all = patchesOfWindow(grid, imageWindow);
  const blocks: Block[] = [];
  for (let row = Math.floor(all.row / blockPatches); row * blockPatches < all.row + all.height; row++) {
    for (let col = Math.floor(all.col / blockPatches); col * blockPatches < all.col + all.width; col++) {
      const whole = { col: col * blockPatches, row: row * blockPatches, width: blockPatches, height: blockPatches };
      const block = blockOf(grid, `${col}_${row}`, intersectWindows(whole, all));
      if (!files || files.some((file) => windowsMeet(file, block.core))) blocks.push(block);
    }
  }
  return blocks;
}
