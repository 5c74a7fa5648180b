// store/mosaic.ts: rasters of parts, laid into one raster of the survey tile by tile. IO.
import Flatbush from 'flatbush';
import { InvalidInput } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { indexIn, intersectWindows, pixelCount } from '../geo/lattice.ts';
import { BlockCache, openRaster } from '../ingest/geotiff-reader.ts';
import type { RasterFile } from '../ingest/geotiff-reader.ts';
import type { StreamedImage, TileGrid } from '../raster/geotiff-stream.ts';
import { tileWindow } from '../raster/geotiff-stream.ts';
import type { Lattice, PixelArray, Raster, Window } from '../types.ts';
import type { RasterLimits, StagedRaster } from './raster-writer.ts';
import { RasterWriter } from './raster-writer.ts';

/** A raster of a part: one band that fills `window` of the mosaic's lattice. */
export interface MosaicPart {
  path: string;
  window: Window;
  /** pixels of a window that are kept; null: all */
  kept?(window: Window): Promise<Uint8Array | null>;
}

/** Parts of one lattice, which do not overlap; outside `window` they are cut off, where there is none is void. */
export interface Mosaic {
  lattice: Lattice;
  window: Window;
  parts: readonly MosaicPart[];
}

/** A raster to write, `<name>.tif`: the mosaic's values, or its mask as 0 and 1. */
export interface MosaicLayer {
  path: string;
  gives: 'values' | 'mask';
  image: Omit<StreamedImage, 'lattice' | 'window'>;
}

/** Part files open at a time, and the bytes of decoded blocks kept: what bounds memory, whatever the survey. */
const OPEN_FILES = 32, CACHE_BYTES = 48 * 2 ** 20;

/** Part rasters, opened when first read; the least recently read are closed. */
class PartFiles {
  readonly #files = new Map<string, RasterFile>();
  readonly #cache = new BlockCache(CACHE_BYTES);

  /** @throws {InvalidInput} when the file does not fill the part's window */
  async open({ path, window }: MosaicPart): Promise<RasterFile> {
    const file = this.#files.get(path) ?? await this.#openRaster(path);
    this.#files.delete(path);
    this.#files.set(path, file); // Map keeps the order of insertion: last is most recent
    if (this.#files.size > OPEN_FILES) await this.#close(this.#files.keys().next().value!);
    if (file.header.width !== window.width || file.header.height !== window.height) {
      throw new InvalidInput(`${path}: is ${file.header.width} x ${file.header.height} pixels where its part has ${window.width} x ${window.height}; delete the part's folder and run again`, { source: path });
    }
    return file;
  }

  async closeAll(): Promise<void> {
    for (const path of [...this.#files.keys()]) await this.#close(path);
  }

  async #openRaster(path: string): Promise<RasterFile> {
    return openRaster(await openFile(path), this.#cache);
  }

  async #close(path: string): Promise<void> {
    const file = this.#files.get(path)!;
    this.#files.delete(path);
    await file.close();
  }
}

/** Answers which parts meet a window, in their order. */
function partIndex(parts: readonly MosaicPart[]): (window: Window) => MosaicPart[] {
  if (parts.length === 0) return () => [];
  const index = new Flatbush(parts.length);
  for (const { window: { col, row, width, height } } of parts) index.add(col, row, col + width, row + height);
  index.finish();
  return ({ col, row, width, height }) => index.search(col, row, col + width, row + height).sort((a, b) => a - b).map((i) => parts[i]!);
}

/**
 * The mosaic tile by tile, row by row from the north-west; memory holds one tile, the open files and their cache.
 *
 * @returns rasters of `tilePx x tilePx`, whose arrays are used again for the next tile; void outside the mosaic's window
 * @throws {IoError} {InvalidInput} when a part's file is missing or damaged
 */
export async function* mosaicTiles({ lattice, window, parts }: Mosaic, grid: TileGrid): AsyncGenerator<Raster> {
  const files = new PartFiles(), partsIn = partIndex(parts), pixels = grid.tilePx ** 2;
  const data = new Float32Array(pixels), mask = new Uint8Array(pixels);
  try {
    for (let row = 0; row < grid.down; row++) {
      for (let col = 0; col < grid.across; col++) {
        const tile = tileWindow({ window }, grid, col, row), inside = intersectWindows(tile, window);
        data.fill(0);
        mask.fill(0);
        for (const part of partsIn(inside)) {
          const common = intersectWindows(part.window, inside);
          if (pixelCount(common) > 0) layIn({ data, mask }, tile, await readPart(await files.open(part), part, common), common);
        }
        yield { lattice, window: tile, data, mask };
      }
    }
  } finally {
    await files.closeAll();
  }
}

interface Pixels { data: PixelArray; mask: Uint8Array }

async function readPart(file: RasterFile, part: MosaicPart, window: Window): Promise<Pixels> {
  const { data, mask } = await file.readWindow([0], { ...window, col: window.col - part.window.col, row: window.row - part.window.row });
  const kept = await part.kept?.(window) ?? null;
  return { data: data[0]!, mask: kept === null ? mask : mask.map((valid, i) => valid & kept[i]!) };
}

function layIn(out: Pixels, tile: Window, { data, mask }: Pixels, { col, row, width, height }: Window): void {
  for (let r = 0; r < height; r++) {
    const to = indexIn(tile, col, row + r), from = r * width;
    out.data.set(data.subarray(from, from + width), to);
    out.mask.set(mask.subarray(from, from + width), to);
  }
}

/**
 * Write a mosaic to one or more rasters in one pass over its parts, each under a temporary name until it is published: a cloud
 * optimised GeoTIFF, or tiles and a VRT where one file would be too large (`RasterWriter`).
 *
 * The hash of each is that of its valid pixels on the lattice (`RasterHash`): neither the window, nor the files, nor the cut into parts enters.
 *
 * @param layers  of equal `tilePx`
 * @returns staged rasters in the order of `layers`; the caller publishes and in the end discards them
 * @throws {IoError} {InvalidInput} when a part's file is missing or damaged; nothing stays then
 */
export async function stageMosaic(mosaic: Mosaic, layers: readonly MosaicLayer[], limits: RasterLimits = {}): Promise<StagedRaster[]> {
  const writers: RasterWriter[] = [], staged: StagedRaster[] = [];
  try {
    for (const { path, image } of layers) writers.push(await RasterWriter.open(path, { ...image, lattice: mosaic.lattice, window: mosaic.window }));
    for await (const { window, data, mask } of mosaicTiles(mosaic, writers[0]!.tiles)) {
      for (const [i, writer] of writers.entries()) await writer.add(window, layers[i]!.gives === 'values' ? data : mask, mask);
    }
    for (const writer of writers) staged.push(await writer.finish(limits));
    return staged;
  } catch (error) {
    for (const raster of staged) await raster.discard();
    throw error;
  } finally {
    for (const writer of writers) await writer.close();
  }
}
