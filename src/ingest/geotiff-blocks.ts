// ingest/geotiff-blocks.ts: reading the tiles and strips of a TIFF's image, with a cache of decoded ones. IO.
import type { GeoTIFFImage } from 'geotiff';
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import type { PixelArray } from '../types.ts';
import { bytesToSamples, codecFor, rowBytes } from './geotiff-decode.ts';
import type { Codec } from './geotiff-decode.ts';
import { tagValues } from './geotiff-directory.ts';
import type { TiffDirectory } from './geotiff-directory.ts';
import { blockLayout } from './geotiff-header.ts';
import type { BlockLayout } from './geotiff-header.ts';
import { keptPages } from './kept-pages.ts';

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
   * Samples of a block, row by row, in each row band by band (planar: of the plane `sample` alone).
   * @returns null for a block that was never written (sparse): it holds no data
   * @throws {InvalidInput} when it cannot be decoded
   */
  block(col: number, row: number, sample: number): Promise<PixelArray | null>;
}

let nextReader = 0;

/** Blocks that an image may have: their index alone would be 200 MB. */
const MAX_BLOCKS = 2 ** 24;

/**
 * Prepare reading of an image's blocks.
 *
 * @param tags  of the same image, as walked by `readDirectories`
 * @throws {UnsupportedInput} for a layout or compression that is not read; {InvalidInput} where the file does not say where its blocks are
 */
export async function blockReader(source: ByteSource, image: GeoTIFFImage, tags: TiffDirectory['tags'], cache: BlockCache): Promise<BlockReader> {
  const directory = image.getFileDirectory(), { name } = source, id = nextReader++;
  const layout = blockLayout(image, name, (await directory.loadValue('Predictor')) ?? 1), { blocksAcross, blocksDown, planar, samples } = layout;
  const codec = await codecFor(layout, { jpegTables: await directory.loadValue('JPEGTables'), lercParameters: await directory.loadValue('LercParameters') });
  if (!codec) throw new UnsupportedInput(`${name}: compression ${layout.compression} is not read; convert it with gdal_translate -co COMPRESS=DEFLATE -co TILED=YES`, { source: name });
  const blocks = blocksAcross * blocksDown * (planar ? samples : 1), kind = layout.tiled ? 'tiles' : 'strips';
  if (blocks > MAX_BLOCKS) throw new UnsupportedInput(`${name}: is cut into ${blocks} ${kind} of ${layout.blockWidth} x ${layout.blockHeight} pixels, more than ${MAX_BLOCKS}; write it in larger ones: gdal_translate -co TILED=YES -co BLOCKXSIZE=512 -co BLOCKYSIZE=512`, { source: name });
  const bytesAt = pagedReads(source), { offsetOf, countOf } = blockIndex(source, tags, image.littleEndian, blocks);
  const read = async (col: number, row: number, sample: number): Promise<PixelArray | null> => {
    const at = (planar ? sample * blocksAcross * blocksDown : 0) + row * blocksAcross + col;
    const [offset, count] = await Promise.all([offsetOf(at), countOf(at)]);
    if (offset === 0 || count === 0) return null;
    if (offset + count > source.size) throw new InvalidInput(`${name}: ${placeOf(layout, col, row)} stands at bytes ${offset} to ${offset + count}, beyond its end at byte ${source.size}; the file is damaged or cut short, copy or export it again`, { source: name, block: [col, row] });
    return decode(await bytesAt(offset, count), layout, codec, name, col, row);
  };
  return {
    layout,
    block: (col, row, sample) => cache.get(`${id}/${sample}/${row}/${col}`, () => read(col, row, sample)),
  };
}

const PAGE = 2 ** 16, MAX_PAGES = 8;

/** Reads of a source, small ones by pages of 64 KiB: a file in strips of a row each is not read row by row. */
function pagedReads(source: ByteSource): (offset: number, count: number) => Promise<Uint8Array> {
  const pageAt = keptPages((page) => source.read(page * PAGE, Math.min(PAGE, source.size - page * PAGE)), MAX_PAGES);
  return async (offset, count) => {
    const page = Math.floor(offset / PAGE), at = page * PAGE;
    if (count > PAGE / 4 || offset + count > at + PAGE) return source.read(offset, count);
    return (await pageAt(page)).subarray(offset - at, offset - at + count);
  };
}

const STRIP_OFFSETS = 273, STRIP_COUNTS = 279, TILE_OFFSETS = 324, TILE_COUNTS = 325;

const placeOf = ({ tiled }: BlockLayout, col: number, row: number): string => `${tiled ? 'tile' : 'strip'} ${col},${row}`;

function blockIndex(source: ByteSource, tags: TiffDirectory['tags'], littleEndian: boolean, blocks: number) {
  const tiles = tags.has(TILE_OFFSETS); // some old files keep tiles under the tags of strips
  const offsets = tags.get(tiles ? TILE_OFFSETS : STRIP_OFFSETS), counts = tags.get(tiles ? TILE_COUNTS : STRIP_COUNTS);
  const offsetOf = offsets && tagValues(source, offsets, littleEndian), countOf = counts && tagValues(source, counts, littleEndian);
  const { name } = source, remedy = 'the file is damaged, copy or export it again';
  if (!offsetOf || !countOf) throw new InvalidInput(`${name}: does not say where its pixels are; ${remedy}`, { source: name });
  if (Math.min(offsets.count, counts.count) < blocks) {
    throw new InvalidInput(`${name}: says where ${Math.min(offsets.count, counts.count)} of its ${blocks} ${tiles ? 'tiles' : 'strips'} are; ${remedy}`, { source: name });
  }
  return { offsetOf, countOf };
}

async function decode(bytes: Uint8Array, layout: BlockLayout, codec: Codec, name: string, col: number, row: number): Promise<PixelArray> {
  const rows = layout.tiled ? layout.blockHeight : Math.min(layout.blockHeight, layout.height - row * layout.blockHeight);
  const size = rowBytes(layout) * rows, place = placeOf(layout, col, row);
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
