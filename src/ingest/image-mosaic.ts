// ingest/image-mosaic.ts: a window of files that share a lattice, where they overlap the first with a valid pixel. IO.
import { indexIn, intersectWindows } from '../geo/lattice.ts';
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
    if (isVoid(mask, window, common)) {
      // what a file holds under its voids is 0, as what stands here: no pixel needs a look
      data.forEach((from, b) => copyRows(bands[b]!, window, from, common));
      copyRows(mask, window, valid, common);
    } else {
      data.forEach((from, b) => fillVoids(bands[b]!, mask, window, from, valid, common));
      markValid(mask, window, valid, common);
    }
  }
  return { bands, mask };
}

/** No pixel of a part of the window is void. */
const isFull = (mask: Uint8Array, window: Window, common: Window): boolean => rowsLack(mask, window, common, 0);

/** Every pixel of a part of the window is void. */
const isVoid = (mask: Uint8Array, window: Window, common: Window): boolean => rowsLack(mask, window, common, 1);

function rowsLack(mask: Uint8Array, window: Window, common: Window, value: number): boolean {
  for (let row = 0, at = indexIn(window, common.col, common.row); row < common.height; row++, at += window.width) {
    if (mask.subarray(at, at + common.width).includes(value)) return false;
  }
  return true;
}

/** Copy a part of a window into it, row by row; at once where it is as wide. */
function copyRows(out: Float32Array | Uint8Array, window: Window, from: PixelArray, part: Window): void {
  const start = indexIn(window, part.col, part.row), { width, height } = part;
  if (width === window.width) return out.set(from, start);
  for (let row = 0; row < height; row++) out.set(from.subarray(row * width, (row + 1) * width), start + row * window.width);
}

/** Take values where the window is still void and the file is valid. */
function fillVoids(out: Float32Array, mask: Uint8Array, window: Window, from: PixelArray, valid: Uint8Array, common: Window): void {
  for (let row = 0, i = 0, start = indexIn(window, common.col, common.row); row < common.height; row++, start += window.width) {
    for (let col = 0, at = start; col < common.width; col++, i++, at++) if (valid[i] && !mask[at]) out[at] = from[i]!;
  }
}

function markValid(mask: Uint8Array, window: Window, valid: Uint8Array, common: Window): void {
  for (let row = 0, i = 0, start = indexIn(window, common.col, common.row); row < common.height; row++, start += window.width) {
    for (let col = 0, at = start; col < common.width; col++, i++, at++) if (valid[i]) mask[at] = 1;
  }
}
