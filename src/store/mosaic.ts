// store/mosaic.ts: rasters of parts, laid into one GeoTIFF of the survey tile by tile, with its canonical hash. IO.
import Flatbush from 'flatbush';
import { InvalidInput } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { StagedFile } from '../files/sink.ts';
import { indexIn, intersectWindows, pixelCount } from '../geo/lattice.ts';
import { BlockCache, openRaster } from '../ingest/geotiff-reader.ts';
import type { RasterFile } from '../ingest/geotiff-reader.ts';
import type { GeoTiffStream, StreamedImage, TileGrid } from '../raster/geotiff-stream.ts';
import { geoTiffStream, tileWindow } from '../raster/geotiff-stream.ts';
import type { Lattice, PixelArray, Raster, Window } from '../types.ts';
import { RasterHash } from './raster-hash.ts';

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

/** A file to write: the mosaic's values, or its mask as 0 and 1. */
export interface MosaicLayer {
  path: string;
  gives: 'values' | 'mask';
  image: Omit<StreamedImage, 'lattice' | 'window'>;
}

/** A raster that is whole under a temporary name. */
export interface StagedRaster {
  file: StagedFile;
  /** see `RasterHash`; of a mask, the pixels that are 1 */
  sha256: string;
  validPx: number;
  bytes: number;
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

interface OpenLayer {
  gives: MosaicLayer['gives'];
  file: StagedFile;
  stream: GeoTiffStream;
  hash: RasterHash;
}

/**
 * Write a mosaic to one or more GeoTIFFs in one pass over its parts, each under a temporary name until it is published.
 *
 * The hash of each is that of its valid pixels on the lattice (`RasterHash`): neither the window nor the cut into parts enters.
 *
 * @param layers  of equal `tilePx`
 * @returns staged files in the order of `layers`; the caller publishes and in the end discards them
 * @throws {IoError} {InvalidInput} when a part's file is missing or damaged; nothing stays then
 */
export async function stageMosaic(mosaic: Mosaic, layers: readonly MosaicLayer[]): Promise<StagedRaster[]> {
  const open: OpenLayer[] = [];
  try {
    for (const { path, gives, image } of layers) {
      const stream = geoTiffStream({ ...image, lattice: mosaic.lattice, window: mosaic.window });
      const layer = { gives, stream, hash: new RasterHash(mosaic.lattice), file: await StagedFile.open(path) };
      open.push(layer);
      await layer.file.append(stream.head);
    }
    for await (const tile of mosaicTiles(mosaic, open[0]!.stream.tiles)) for (const layer of open) await addTile(layer, tile);
    return await Promise.all(open.map(closeLayer));
  } catch (error) {
    for (const { file } of open) await file.discard();
    throw error;
  }
}

async function addTile({ gives, file, stream, hash }: OpenLayer, { window, data, mask }: Raster): Promise<void> {
  const pixels = gives === 'values' ? data : mask;
  hash.add(window, pixels, mask);
  const bytes = stream.add(pixels, mask, file.size);
  if (bytes) await file.append(bytes);
}

async function closeLayer({ file, stream, hash }: OpenLayer): Promise<StagedRaster> {
  const { directory, head } = stream.close(file.size);
  await file.append(directory);
  await file.patch(0, head);
  await file.finish();
  return { file, sha256: hash.digest(), validPx: hash.validPx, bytes: file.size };
}
