// ingest/image-resample.ts: windows of an image layer on a lattice of its own, made from files of any lattice and CRS. IO.
import { crsFromEpsg, transformer } from '../geo/crs.ts';
import { intersectWindows, unionWindows } from '../geo/lattice.ts';
import { alignedPlaces, touched, warpedPlaces } from '../raster/resample-places.ts';
import type { SourceLattice, ToSource } from '../raster/resample-places.ts';
import { resampleAligned, resampleWarped } from '../raster/resample.ts';
import type { AxisPlaces, ResampleMethod, ResampleTarget, SourcePixels } from '../raster/resample.ts';
import type { Window } from '../types.ts';
import { readMosaic } from './image-mosaic.ts';
import type { MosaicFile, MosaicWindow } from './image-mosaic.ts';
import { kernelOf } from './image-place.ts';
import { OFF_LATTICE_PX } from './image-plan.ts';
import type { FilePixels, ImageFile, ImagePlan } from './image-plan.ts';
import type { ImageSource } from './image-source.ts';

/** Files that share pixels: one mosaic, so that how it is cut into files changes nothing. */
interface FileGroup {
  lattice: SourceLattice;
  epsg: number | null;
  /** windows are of the group's lattice */
  files: MosaicFile[];
  /** the same files, in pixels of the output that depend on them */
  reach: Window[];
}

const PHASES = 1e5;

/** Share of a pixel by which a lattice is off the CRS origin, to 1e-5: the same for every file cut from it. */
function phaseOf(originPx: number): number {
  const phase = Math.round((originPx - Math.floor(originPx)) * PHASES) / PHASES;
  return phase === 1 ? 0 : phase;
}

const latticeOf = ({ x0, y0, resX, resY }: FilePixels): SourceLattice => ({ resX, resY, phaseX: phaseOf(x0 / resX), phaseY: phaseOf(-y0 / resY) });

/** The window of a file on a group's lattice; null where it has other pixels or another CRS. */
function windowOn({ lattice, epsg }: FileGroup, pixels: FilePixels): Window | null {
  const { width, height } = pixels, drift = Math.max(Math.abs(pixels.resX / lattice.resX - 1) * width, Math.abs(pixels.resY / lattice.resY - 1) * height);
  if (pixels.epsg !== epsg || drift > OFF_LATTICE_PX) return null;
  const col = pixels.x0 / lattice.resX - lattice.phaseX, row = -pixels.y0 / lattice.resY - lattice.phaseY;
  const off = Math.max(Math.abs(col - Math.round(col)), Math.abs(row - Math.round(row)));
  return off > OFF_LATTICE_PX ? null : { col: Math.round(col) + 0, row: Math.round(row) + 0, width, height };
}

/** Groups in the order of their first files; files keep theirs. */
function groupFiles(files: readonly ImageFile[]): FileGroup[] {
  const groups: FileGroup[] = [];
  for (const { path, window, pixels } of files) {
    if (!pixels) continue; // the plan gives every file of a resampled layer its pixels
    let group = groups.find((each) => windowOn(each, pixels) !== null);
    if (!group) groups.push((group = { lattice: latticeOf(pixels), epsg: pixels.epsg, files: [], reach: [] }));
    group.files.push({ path, window: windowOn(group, pixels)! });
    group.reach.push(window);
  }
  return groups;
}

const grouped = new WeakMap<ImagePlan, FileGroup[]>();

function groupsOf(plan: ImagePlan): FileGroup[] {
  const groups = grouped.get(plan) ?? groupFiles(plan.files);
  grouped.set(plan, groups);
  return groups;
}

/** Source pixels held at a time, and output pixels made at a time, whose places are held. */
const SOURCE_PIXELS = 2 ** 22, OUTPUT_PIXELS = 2 ** 18;

/**
 * Read bands of a window of a resampled layer: each output pixel from the files' pixels under its kernel (`raster/resample.ts`), at full
 * resolution, never from overviews, by pieces that bound memory.
 *
 * Files that share pixels (CRS, size, and origins whole pixels apart) are one mosaic before they are resampled: how it is cut into files
 * changes nothing. Between such mosaics, in the order of their first files by name, an output pixel is that of the first in which it is
 * valid. A pixel depends on its own col and row and the files only, never on the window: cut it as you like.
 *
 * @param indices  of the bands, from 0
 */
export async function readResampled(image: ImageSource, window: Window, indices: number[]): Promise<MosaicWindow> {
  const { plan } = image, method = kernelOf(plan.resample ?? 'auto');
  const mask = new Uint8Array(window.width * window.height), bands = indices.map(() => new Float32Array(mask.length));
  for (const group of groupsOf(plan)) {
    const toSource = group.epsg === plan.epsg ? null : toSourceOf(group, plan);
    for (const piece of piecesOf(group, plan, window, toSource)) {
      const at = (piece.row - window.row) * window.width + piece.col - window.col;
      await fillPiece(image, group, piece, { rowLength: window.width, at, width: piece.width, height: piece.height, bands, mask }, indices, { method, toSource });
    }
  }
  return { bands, mask };
}

function toSourceOf({ epsg }: FileGroup, plan: ImagePlan): ToSource {
  const transform = transformer(crsFromEpsg(plan.epsg!), crsFromEpsg(epsg!));
  return (x, y) => {
    try {
      return transform(x, y);
    } catch {
      return [NaN, NaN]; // no image there: pixels near it are voids
    }
  };
}

/** The window in pieces, without those that no file of the group reaches. */
function* piecesOf({ lattice, reach }: FileGroup, plan: ImagePlan, window: Window, toSource: ToSource | null): Generator<Window> {
  const spanX = toSource ? spanOf(plan, window, lattice, toSource) : plan.lattice.resM / lattice.resX, spanY = toSource ? spanX : plan.lattice.resM / lattice.resY;
  const side = Math.max(1, Math.floor(Math.sqrt(Math.min(OUTPUT_PIXELS, SOURCE_PIXELS / (Math.max(1, spanX) * Math.max(1, spanY))))));
  for (let row = window.row; row < window.row + window.height; row += side) {
    for (let col = window.col; col < window.col + window.width; col += side) {
      const piece = intersectWindows({ col, row, width: side, height: side }, window);
      if (reach.some((each) => { const { width, height } = intersectWindows(each, piece); return width > 0 && height > 0; })) yield piece;
    }
  }
}

/** About how wide an output pixel is on the source: that in the middle of the window. */
function spanOf(plan: ImagePlan, window: Window, lattice: SourceLattice, toSource: ToSource): number {
  const middle = { col: window.col + (window.width >> 1), row: window.row + (window.height >> 1), width: 1, height: 1 };
  const { u, v } = warpedPlaces(plan.lattice, middle, lattice, toSource), span = Math.max(u.spans[0]!, v.spans[0]!);
  return Number.isNaN(span) ? 1 : span;
}

interface Way {
  method: ResampleMethod;
  toSource: ToSource | null;
}

async function fillPiece(image: ImageSource, group: FileGroup, piece: Window, target: ResampleTarget, indices: number[], { method, toSource }: Way): Promise<void> {
  const { lattice } = image.plan;
  if (toSource) {
    const { u, v } = warpedPlaces(lattice, piece, group.lattice, toSource);
    const source = await readUnder(image, group, u, v, indices, method);
    if (source) resampleWarped(source, target, u, v, method);
  } else {
    const { columns, rows } = alignedPlaces(lattice, piece, group.lattice);
    const source = await readUnder(image, group, columns, rows, indices, method);
    if (source) resampleAligned(source, target, columns, rows, method);
  }
}

/** The group's pixels under the kernels of places; null where the group has none there. */
async function readUnder({ withFile }: ImageSource, { files }: FileGroup, x: AxisPlaces, y: AxisPlaces, indices: number[], method: ResampleMethod): Promise<SourcePixels | null> {
  const [col, colEnd] = touched(x, method), [row, rowEnd] = touched(y, method);
  const wanted = { col, row, width: colEnd - col, height: rowEnd - row };
  const parts = files.map(({ window }) => intersectWindows(window, wanted)).filter(({ width, height }) => width > 0 && height > 0);
  if (parts.length === 0) return null;
  const window = parts.reduce(unionWindows);
  return { window, ...(await readMosaic(withFile, files, window, indices)) };
}
