// raster/tiff-layout.ts: tags and tiles to the bytes of a classic TIFF. Pure.
import { InvalidInput } from '../errors.ts';

/** A TIFF tag; ascii is written as UTF-8 with the closing zero. */
export type TiffTag =
  | { tag: number; type: 'short' | 'long' | 'double'; values: ArrayLike<number> }
  | { tag: number; type: 'ascii'; text: string };

/** What the offsets of a classic TIFF reach: 4 GiB. */
export const MAX_TIFF_BYTES = 0xffff_ffff;

const CODES = { ascii: 2, short: 3, long: 4, double: 12 } as const;
const SIZES = { ascii: 1, short: 2, long: 4, double: 8 } as const;
const TILE_OFFSETS = 324, TILE_BYTE_COUNTS = 325;
/** Bytes of the header, of a directory's count, of an entry, of the value or offset in it, of the next directory's offset. */
const HEADER = 8, COUNT = 2, ENTRY = 12, VALUE = 4, NEXT = 4;

const even = (n: number): number => n + (n & 1);

/** Bytes before anything else of a TIFF: little-endian, classic, and where the first directory stands. */
export function tiffHeader(directoryAt: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER));
  view.setUint16(0, 0x4949, true); // "II": little-endian
  view.setUint16(2, 42, true);
  view.setUint32(4, directoryAt, true);
  return new Uint8Array(view.buffer);
}

/** Where tiles stand; offset and count 0 for a tile that was never written. */
export const tileTags = (offsets: ArrayLike<number>, byteCounts: ArrayLike<number>): TiffTag[] => [
  { tag: TILE_OFFSETS, type: 'long', values: offsets },
  { tag: TILE_BYTE_COUNTS, type: 'long', values: byteCounts },
];

/**
 * A directory and, behind it, the values that do not fit into its entries; its length does not depend on the numbers in its tags.
 *
 * @param tags     in any order
 * @param at       its place in the file, even
 * @param hasNext  whether another directory stands right behind
 * @throws {InvalidInput} when the file would pass 4 GiB
 */
export function layOutDirectory(tags: readonly TiffTag[], at: number, { hasNext = false } = {}): Uint8Array {
  const sorted = tags.toSorted((a, b) => a.tag - b.tag), nextAt = COUNT + ENTRY * sorted.length;
  let end = even(nextAt + NEXT);
  const valueAt = sorted.map((tag, i) => {
    const size = countOf(tag) * SIZES[tag.type];
    if (size <= VALUE) return COUNT + ENTRY * (i + 1) - VALUE; // it stands in the entry itself
    const place = end;
    end = even(end + size);
    return place;
  });
  if (at + end > MAX_TIFF_BYTES) throw new InvalidInput(`the raster takes ${at + end} bytes, more than a classic TIFF holds (4 GiB); write several files`);
  const view = new DataView(new ArrayBuffer(end));
  view.setUint16(0, sorted.length, true);
  if (hasNext) view.setUint32(nextAt, at + end, true);
  sorted.forEach((tag, i) => {
    const entry = COUNT + ENTRY * i, own = entry + ENTRY - VALUE;
    view.setUint16(entry, tag.tag, true);
    view.setUint16(entry + 2, CODES[tag.type], true);
    view.setUint32(entry + 4, countOf(tag), true);
    if (valueAt[i] !== own) view.setUint32(own, at + valueAt[i]!, true);
    writeValues(view, valueAt[i]!, tag);
  });
  return new Uint8Array(view.buffer);
}

/**
 * Lay out header, directory, tag values and tiles, in this order, little-endian, as a TIFF with one image.
 *
 * @param tags   every tag but the tiles' offsets and byte counts, in any order
 * @param tiles  encoded tiles, row-major
 * @throws {InvalidInput} when the file would pass 4 GiB, which a classic TIFF cannot address
 */
export function layOutTiff(tags: TiffTag[], tiles: Uint8Array[]): Uint8Array {
  const offsets = new Array<number>(tiles.length).fill(0);
  const all = [...tags, ...tileTags(offsets, tiles.map((tile) => tile.length))], at = HEADER;
  let end = at + layOutDirectory(all, at).length;
  for (let i = 0; i < tiles.length; i++) {
    offsets[i] = end;
    end = even(end + tiles[i]!.length);
  }
  if (end > MAX_TIFF_BYTES) throw new InvalidInput(`the raster takes ${end} bytes, more than a classic TIFF holds (4 GiB); write several files`);
  const bytes = new Uint8Array(end);
  bytes.set(tiffHeader(at));
  bytes.set(layOutDirectory(all, at), at);
  for (let i = 0; i < tiles.length; i++) bytes.set(tiles[i]!, offsets[i]!);
  return bytes;
}

function writeValues(view: DataView, at: number, tag: TiffTag): void {
  if (tag.type === 'ascii') {
    new Uint8Array(view.buffer, at).set(new TextEncoder().encode(tag.text)); // the closing zero is there already
    return;
  }
  const { type, values } = tag, size = SIZES[type];
  for (let i = 0; i < values.length; i++) {
    if (type === 'short') view.setUint16(at + size * i, values[i]!, true);
    else if (type === 'long') view.setUint32(at + size * i, values[i]!, true);
    else view.setFloat64(at + size * i, values[i]!, true);
  }
}

const countOf = (tag: TiffTag): number => (tag.type === 'ascii' ? new TextEncoder().encode(tag.text).length + 1 : tag.values.length);
