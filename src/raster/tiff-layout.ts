// raster/tiff-layout.ts: tags and tiles to the bytes of a TIFF with one image, classic or BigTIFF. Pure.
import { InvalidInput } from '../errors.ts';

/** A TIFF tag; ascii is written as UTF-8 with the closing zero, long8 in BigTIFF only. */
export type TiffTag =
  | { tag: number; type: 'short' | 'long' | 'long8' | 'double'; values: ArrayLike<number> }
  | { tag: number; type: 'ascii'; text: string };

const CODES = { ascii: 2, short: 3, long: 4, double: 12, long8: 16 } as const;
const SIZES = { ascii: 1, short: 2, long: 4, double: 8, long8: 8 } as const;
const TILE_OFFSETS = 324, TILE_BYTE_COUNTS = 325, MAX_BYTES = 0xffff_ffff;

/** Sizes of what differs between the two kinds: header, count of entries, entry, value or offset in it. */
const CLASSIC = { header: 8, count: 2, entry: 12, value: 4 } as const;
const BIG = { header: 16, count: 8, entry: 20, value: 8 } as const;

const even = (n: number): number => n + (n & 1);

/** Bytes before anything else of a TIFF: little-endian, its kind, and where the directory stands. */
export function tiffHeader(directoryAt: number, { big = false } = {}): Uint8Array {
  const view = new DataView(new ArrayBuffer((big ? BIG : CLASSIC).header));
  view.setUint16(0, 0x4949, true); // "II": little-endian
  view.setUint16(2, big ? 43 : 42, true);
  if (big) {
    view.setUint16(4, 8, true); // bytes of an offset
    view.setBigUint64(8, BigInt(directoryAt), true);
  } else {
    view.setUint32(4, directoryAt, true);
  }
  return new Uint8Array(view.buffer);
}

/** Where tiles stand; offset and count 0 for a tile that was never written. */
export const tileTags = (offsets: ArrayLike<number>, byteCounts: ArrayLike<number>, { big = false } = {}): TiffTag[] => [
  { tag: TILE_OFFSETS, type: big ? 'long8' : 'long', values: offsets },
  { tag: TILE_BYTE_COUNTS, type: 'long', values: byteCounts },
];

/**
 * A directory and, behind it, the values that do not fit into its entries.
 *
 * @param tags  in any order
 * @param at    its place in the file, even
 * @throws {InvalidInput} when a classic TIFF would pass 4 GiB
 */
export function layOutDirectory(tags: readonly TiffTag[], at: number, { big = false } = {}): Uint8Array {
  const sizes = big ? BIG : CLASSIC, sorted = tags.toSorted((a, b) => a.tag - b.tag);
  let end = even(sizes.count + sizes.entry * sorted.length + sizes.value);
  const valueAt = sorted.map((tag, i) => {
    const size = countOf(tag) * SIZES[tag.type];
    if (size <= sizes.value) return sizes.count + sizes.entry * (i + 1) - sizes.value; // it stands in the entry itself
    const place = end;
    end = even(end + size);
    return place;
  });
  if (!big && at + end > MAX_BYTES) throw new InvalidInput(`the raster takes ${at + end} bytes, more than a classic TIFF holds (4 GiB); write several files`);
  const view = new DataView(new ArrayBuffer(end)), setOffset = offsetWriter(view, big);
  if (big) setOffset(0, sorted.length);
  else view.setUint16(0, sorted.length, true);
  sorted.forEach((tag, i) => {
    const entry = sizes.count + sizes.entry * i, own = entry + sizes.entry - sizes.value;
    view.setUint16(entry, tag.tag, true);
    view.setUint16(entry + 2, CODES[tag.type], true);
    setOffset(entry + 4, countOf(tag));
    if (valueAt[i] !== own) setOffset(own, at + valueAt[i]!);
    writeValues(view, valueAt[i]!, tag);
  });
  return new Uint8Array(view.buffer);
}

/**
 * Lay out header, directory, tag values and tiles, in this order, little-endian, as a classic TIFF.
 *
 * @param tags   every tag but the tiles' offsets and byte counts, in any order
 * @param tiles  encoded tiles, row-major
 * @throws {InvalidInput} when the file would pass 4 GiB, which a classic TIFF cannot address
 */
export function layOutTiff(tags: TiffTag[], tiles: Uint8Array[]): Uint8Array {
  const offsets = new Array<number>(tiles.length).fill(0);
  const all = [...tags, ...tileTags(offsets, tiles.map((tile) => tile.length))], at = CLASSIC.header;
  let end = at + layOutDirectory(all, at).length;
  for (let i = 0; i < tiles.length; i++) {
    offsets[i] = end;
    end = even(end + tiles[i]!.length);
  }
  if (end > MAX_BYTES) throw new InvalidInput(`the raster takes ${end} bytes, more than a classic TIFF holds (4 GiB); write several files`);
  const bytes = new Uint8Array(end);
  bytes.set(tiffHeader(at));
  bytes.set(layOutDirectory(all, at), at);
  for (let i = 0; i < tiles.length; i++) bytes.set(tiles[i]!, offsets[i]!);
  return bytes;
}

const offsetWriter = (view: DataView, big: boolean) => (at: number, value: number): void =>
  (big ? view.setBigUint64(at, BigInt(value), true) : view.setUint32(at, value, true));

function writeValues(view: DataView, at: number, tag: TiffTag): void {
  if (tag.type === 'ascii') {
    new Uint8Array(view.buffer, at).set(new TextEncoder().encode(tag.text)); // the closing zero is there already
    return;
  }
  const { type, values } = tag, size = SIZES[type];
  for (let i = 0; i < values.length; i++) {
    if (type === 'short') view.setUint16(at + size * i, values[i]!, true);
    else if (type === 'long') view.setUint32(at + size * i, values[i]!, true);
    else if (type === 'long8') view.setBigUint64(at + size * i, BigInt(values[i]!), true);
    else view.setFloat64(at + size * i, values[i]!, true);
  }
}

const countOf = (tag: TiffTag): number => (tag.type === 'ascii' ? new TextEncoder().encode(tag.text).length + 1 : tag.values.length);
