// ingest/image-mosaic.ts: a window of files that share a lattice, where they overlap the first with a valid pixel. IO.
import { intersectWindows } from '../geo/lattice.ts';
import type { PixelArray, Window } from '../types.ts';
import type { RasterFile } from './geotiff-reader.ts';

/** One array a band, row-major, 0 where void; mask 1 where valid. */
export interface MosaicWindow {
  bands: Float32Array[];
  mask: Uint8Array;
}

/** A file and the pixels of the common lattice that it covers. */
export interface MosaicFile {
  path: string;
  window: Window;
}

/** Work with one file of a mosaic while it is open. */
export type WithFile = <T>(file: MosaicFile, work: (raster: RasterFile) => Promise<T>) => Promise<T>;

/**
 * Read bands of a window of files in the order in which they are laid.
 *
 * @param indices  of the bands, from 0
 */
export async function readMosaic(withFile: WithFile, files: readonly MosaicFile[], window: Window, indices: number[]): Promise<MosaicWindow> {
  const mask = new Uint8Array(window.width * window.height), bands = indices.map(() => new Float32Array(mask.length));
  for (const file of files) {
    const common = intersectWindows(window, file.window);
    if (common.width === 0 || common.height === 0 || isFull(mask, window, common)) continue;
    const inFile = { ...common, col: common.col - file.window.col, row: common.row - file.window.row };
    const { data, mask: valid } = await withFile(file, (raster) => raster.readWindow(indices, inFile));
    data.forEach((from, b) => fillVoids(bands[b]!, mask, window, from, valid, common));
    markValid(mask, window, valid, common);
  }
  return { bands, mask };
}

function isFull(mask: Uint8Array, window: Window, common: Window): boolean {
  for (let row = common.row; row < common.row + common.height; row++) {
    const at = (row - window.row) * window.width + common.col - window.col;
    for (let i = at; i < at + common.width; i++) if (!mask[i]) return false;
  }
  return true;
}

/** Take values where the window is still void and the file is valid. */
function fillVoids(out: Float32Array, mask: Uint8Array, window: Window, from: PixelArray, valid: Uint8Array, common: Window): void {
  for (let row = 0, i = 0; row < common.height; row++) {
    let at = (row + common.row - window.row) * window.width + common.col - window.col;
    for (let col = 0; col < common.width; col++, i++, at++) if (valid[i] && !mask[at]) out[at] = from[i]!;
  }
}

function markValid(mask: Uint8Array, window: Window, valid: Uint8Array, common: Window): void {
  for (let row = 0, i = 0; row < common.height; row++) {
    let at = (row + common.row - window.row) * window.width + common.col - window.col;
    for (let col = 0; col < common.width; col++, i++, at++) if (valid[i]) mask[at] = 1;
  }
}
