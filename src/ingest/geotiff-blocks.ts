// ingest/geotiff-blocks.ts: reading the tiles and strips of a TIFF's image, with a cache of decoded ones. IO.
import type { GeoTIFFImage } from 'geotiff';
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import type { PixelArray } from '../types.ts';
import { bytesToSamples, codecFor, rowBytes } from './geotiff-decode.ts';
import type { Codec } from './geotiff-decode.ts';
import { blockLayout } from './geotiff-header.ts';
import type { BlockLayout } from './geotiff-header.ts';

/** Decoded blocks of any number of files, within a budget of bytes; the least recently used go first. */
export class BlockCache {
  readonly #budget: number;
  readonly #blocks = new Map<string, Promise<PixelArray | null>>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(budgetBytes = 64 * 2 ** 20) {
    this.#budget = budgetBytes;
  }

  /** The block of a key, loaded once however often it is asked for. */
  get(key: string, load: () => Promise<PixelArray | null>): Promise<PixelArray | null> {
    const found = this.#blocks.get(key);
    if (found) {
      this.#blocks.delete(key);
      this.#blocks.set(key, found); // Map keeps the order of insertion: last is most recent
      return found;
    }
    const block = load();
    this.#blocks.set(key, block);
    block.then((data) => this.#grow(key, data?.byteLength ?? 0), () => this.#blocks.delete(key));
    return block;
  }

  #grow(key: string, bytes: number): void {
    this.#sizes.set(key, bytes);
    this.#bytes += bytes;
    for (const [oldest] of this.#blocks) {
      if (this.#bytes <= this.#budget) return;
      const size = this.#sizes.get(oldest);
      if (oldest === key || size === undefined) continue; // the newest stays; one being loaded has no size yet
      this.#blocks.delete(oldest);
      this.#sizes.delete(oldest);
      this.#bytes -= size;
    }
  }
}

/** The blocks of one image (IFD) of a file. */
export interface BlockReader {
  layout: BlockLayout;
  /**
   * Samples of a block, row by row, bands side by side (planar: of the plane `sample`).
   * @returns null for a block that was never written (sparse): it holds no data
   * @throws {InvalidInput} when it cannot be decoded
   */
  block(col: number, row: number, sample: number): Promise<PixelArray | null>;
}

let nextReader = 0;

/** Prepare reading of an image's blocks. @throws {UnsupportedInput} for a layout or compression that is not read */
export async function blockReader(source: ByteSource, image: GeoTIFFImage, cache: BlockCache): Promise<BlockReader> {
  const directory = image.getFileDirectory(), { name } = source, id = nextReader++;
  const layout = blockLayout(image, name, (await directory.loadValue('Predictor')) ?? 1);
  const codec = await codecFor(layout, { jpegTables: await directory.loadValue('JPEGTables'), lercParameters: await directory.loadValue('LercParameters') });
  if (!codec) throw new UnsupportedInput(`${name}: compression ${layout.compression} is not read; convert it with gdal_translate -co COMPRESS=DEFLATE -co TILED=YES`, { source: name });
  let index: Promise<{ offsets: ArrayLike<number | bigint>; counts: ArrayLike<number | bigint> }> | undefined;
  const read = async (col: number, row: number, sample: number): Promise<PixelArray | null> => {
    index ??= blockIndex(image, name);
    const { offsets, counts } = await index;
    const at = (layout.planar ? sample * layout.blocksAcross * layout.blocksDown : 0) + row * layout.blocksAcross + col;
    const offset = Number(offsets[at] ?? 0), count = Number(counts[at] ?? 0);
    if (offset === 0 || count === 0) return null;
    return decode(await source.read(offset, count), layout, codec, name, col, row);
  };
  return {
    layout,
    block: (col, row, sample) => cache.get(`${id}/${sample}/${row}/${col}`, () => read(col, row, sample)),
  };
}

const STRIP_OFFSETS = 273, STRIP_COUNTS = 279, TILE_OFFSETS = 324, TILE_COUNTS = 325;

async function blockIndex(image: GeoTIFFImage, name: string) {
  const tiles = image.getFileDirectory().hasTag(TILE_OFFSETS); // some old files keep tiles under the tags of strips
  const [offsets, counts] = [await entries(image, tiles ? TILE_OFFSETS : STRIP_OFFSETS), await entries(image, tiles ? TILE_COUNTS : STRIP_COUNTS)];
  if (!offsets || !counts) throw new InvalidInput(`${name}: does not say where its pixels are; the file is damaged, copy or export it again`, { source: name });
  return { offsets, counts };
}

async function entries(image: GeoTIFFImage, tag: number): Promise<ArrayLike<number | bigint> | null> {
  const directory = image.getFileDirectory(), found: unknown = await directory.loadValue(tag);
  if (typeof found === 'number') return [found];
  if (!Array.isArray(found) && !ArrayBuffer.isView(found)) return null;
  if (image.littleEndian || !directory.deferredArrays.has(tag)) return found as unknown as ArrayLike<number>;
  // geotiff 3.0.5 reads long arrays of big-endian files as little-endian (its DeferredArray.loadAll): swap them back
  if (found instanceof Uint16Array) return found.map((value) => ((value & 0xff) << 8) | (value >> 8));
  if (found instanceof Uint32Array) return found.map((value) => ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >> 8) & 0xff00) | (value >>> 24));
  return null;
}

async function decode(bytes: Uint8Array, layout: BlockLayout, codec: Codec, name: string, col: number, row: number): Promise<PixelArray> {
  const rows = layout.tiled ? layout.blockHeight : Math.min(layout.blockHeight, layout.height - row * layout.blockHeight);
  const size = rowBytes(layout) * rows, place = `${layout.tiled ? 'tile' : 'strip'} ${col},${row}`;
  const damaged = (what: string, cause?: unknown) =>
    new InvalidInput(`${name}: ${place} ${what}; the file is damaged, copy or export it again`, { source: name, block: [col, row] }, cause === undefined ? undefined : { cause });
  let decoded: Uint8Array;
  try {
    decoded = await codec(bytes, size);
  } catch (cause) {
    if (cause instanceof UnsupportedInput) throw new UnsupportedInput(`${name}: ${cause.message}`, { source: name });
    throw damaged('cannot be decoded', cause);
  }
  if (decoded.length < size) throw damaged(`holds ${decoded.length} bytes of ${size}`);
  return bytesToSamples(decoded, layout, rows);
}
