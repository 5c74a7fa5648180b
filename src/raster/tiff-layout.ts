// raster/tiff-layout.ts: tags and tiles to the bytes of a classic TIFF with one image. Pure.
import { InvalidInput } from '../errors.ts';

/** A TIFF tag; ascii is written as UTF-8 with the closing zero. */
export type TiffTag =
  | { tag: number; type: 'short' | 'long' | 'double'; values: number[] }
  | { tag: number; type: 'ascii'; text: string };

const CODES = { ascii: 2, short: 3, long: 4, double: 12 } as const;
const SIZES = { ascii: 1, short: 2, long: 4, double: 8 } as const;
const TILE_OFFSETS = 324, TILE_BYTE_COUNTS = 325, MAX_BYTES = 0xffff_ffff;

const even = (n: number): number => n + (n & 1);

/**
 * Lay out header, directory, tag values and tiles, in this order, little-endian.
 *
 * @param tags   every tag but the tiles' offsets and byte counts, in any order
 * @param tiles  encoded tiles, row-major
 * @throws {InvalidInput} when the file would pass 4 GiB, which a classic TIFF cannot address
 */
export function layOutTiff(tags: TiffTag[], tiles: Uint8Array[]): Uint8Array {
  const offsets = new Array<number>(tiles.length).fill(0);
  const all: TiffTag[] = [
    ...tags,
    { tag: TILE_OFFSETS, type: 'long' as const, values: offsets },
    { tag: TILE_BYTE_COUNTS, type: 'long' as const, values: tiles.map((tile) => tile.length) },
  ].sort((a, b) => a.tag - b.tag);
  const directoryBytes = 2 + 12 * all.length + 4;
  let end = even(8 + directoryBytes);
  const valueOffsets = all.map((tag) => {
    const size = countOf(tag) * SIZES[tag.type];
    if (size <= 4) return 0; // the value stands in the directory itself
    const at = end;
    end = even(end + size);
    return at;
  });
  for (let i = 0; i < tiles.length; i++) {
    offsets[i] = end;
    end = even(end + tiles[i]!.length);
  }
  if (end > MAX_BYTES) throw new InvalidInput(`the raster takes ${end} bytes, more than a classic TIFF holds (4 GiB); write several files`);
  const bytes = new Uint8Array(end);
  writeDirectory(new DataView(bytes.buffer), all, valueOffsets);
  for (let i = 0; i < tiles.length; i++) bytes.set(tiles[i]!, offsets[i]!);
  return bytes;
}

function writeDirectory(view: DataView, tags: TiffTag[], valueOffsets: number[]): void {
  view.setUint16(0, 0x4949, true); // "II": little-endian
  view.setUint16(2, 42, true);
  view.setUint32(4, 8, true);
  view.setUint16(8, tags.length, true);
  tags.forEach((tag, i) => {
    const at = 10 + 12 * i;
    view.setUint16(at, tag.tag, true);
    view.setUint16(at + 2, CODES[tag.type], true);
    view.setUint32(at + 4, countOf(tag), true);
    const valueAt = valueOffsets[i]! || at + 8;
    if (valueOffsets[i]) view.setUint32(at + 8, valueAt, true);
    writeValues(view, valueAt, tag);
  });
}

function writeValues(view: DataView, at: number, tag: TiffTag): void {
  if (tag.type === 'ascii') {
    new Uint8Array(view.buffer, at).set(new TextEncoder().encode(tag.text)); // the closing zero is there already
    return;
  }
  tag.values.forEach((value, i) => {
    if (tag.type === 'short') view.setUint16(at + 2 * i, value, true);
    else if (tag.type === 'long') view.setUint32(at + 4 * i, value, true);
    else view.setFloat64(at + 8 * i, value, true);
  });
}

const countOf = (tag: TiffTag): number => (tag.type === 'ascii' ? new TextEncoder().encode(tag.text).length + 1 : tag.values.length);
