// ingest/geotiff-directory.ts: the directories of a TIFF, walked and checked before anything is allocated on their word. IO.
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { keptPages } from './kept-pages.ts';

/** A tag of a directory: `at` is where its values stand in the file. */
export interface TagEntry {
  type: number;
  count: number;
  at: number;
}

export interface TiffDirectory {
  tags: Map<number, TagEntry>;
  width: number;
  height: number;
}

export interface TiffDirectories {
  littleEndian: boolean;
  images: TiffDirectory[];
}

/** Bytes of a value by its type in the file; others are unknown and left alone. */
const TYPE_BYTES: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8 };
const WIDTH = 256, HEIGHT = 257;
const MAX_DIRECTORIES = 1000, MAX_TAGS = 4096;

/** Pixels that an image may have: 2^40 is a square of 500 km at 0.5 m. */
export const MAX_PIXELS = 2 ** 40;

/** Sizes of what differs between classic and BigTIFF: header, count of entries, entry, value or offset in it. */
const CLASSIC = { header: 8, count: 2, entry: 12, value: 4 } as const;
const BIG = { header: 16, count: 8, entry: 20, value: 8 } as const;

/** Numbers of a TIFF, in its byte order. */
interface Numbers {
  short(at: number): number;
  long(at: number): number;
  long8(at: number): number;
}

function numbersIn(bytes: Uint8Array, little: boolean): Numbers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    short: (at) => view.getUint16(at, little),
    long: (at) => view.getUint32(at, little),
    long8: (at) => Number(view.getBigUint64(at, little)), // beyond 2^53 it is beyond any file
  };
}

/**
 * Walk the chain of directories.
 *
 * @param maxPixels  of one image
 * @throws {InvalidInput} for what is no TIFF, a directory or the values of a tag beyond the end of the file, a chain that comes back to
 *   itself; {UnsupportedInput} for more pixels, directories or tags than are read
 */
export async function readDirectories(source: ByteSource, maxPixels = MAX_PIXELS): Promise<TiffDirectories> {
  const { name, size } = source, damaged = (what: string): never => {
    throw new InvalidInput(`${name}: cannot be read as a GeoTIFF: ${what}; the file is damaged or cut short, copy or export it again`, { source: name });
  };
  const noTiff = (): never => {
    throw new InvalidInput(`${name}: cannot be read as a GeoTIFF; check that it is one and was copied whole`, { source: name });
  };
  if (size < CLASSIC.header) noTiff();
  const head = await source.read(0, Math.min(size, BIG.header)), order = String.fromCharCode(head[0]!, head[1]!), little = order === 'II';
  if (!little && order !== 'MM') noTiff();
  const header = numbersIn(head, little), big = header.short(2) === 43;
  if ((!big && header.short(2) !== 42) || (big && (size < BIG.header || header.short(4) !== 8))) noTiff();
  const sizes = big ? BIG : CLASSIC, seen = new Set<number>(), images: TiffDirectory[] = [];
  for (let at = big ? header.long8(8) : header.long(4); at !== 0;) {
    const which = `directory ${images.length + 1} (at byte ${at})`;
    if (seen.has(at)) damaged(`its chain of directories comes back to byte ${at}`);
    if (images.length >= MAX_DIRECTORIES) throw new UnsupportedInput(`${name}: has more than ${MAX_DIRECTORIES} directories; split it with gdal_translate -sd N, or export it again`, { source: name });
    seen.add(at);
    if (at + sizes.count > size) damaged(`its ${which} lies beyond its end at byte ${size}`);
    const counted = numbersIn(await source.read(at, sizes.count), little), count = big ? counted.long8(0) : counted.short(0);
    if (count > MAX_TAGS) damaged(`its ${which} says that it holds ${count} tags`);
    const length = count * sizes.entry + sizes.value;
    if (at + sizes.count + length > size) damaged(`its ${which} with ${count} tags reaches beyond its end at byte ${size}`);
    const bytes = numbersIn(await source.read(at + sizes.count, length), little);
    const image = directoryOf(bytes, at + sizes.count, count, big);
    for (const [tag, entry] of image.tags) {
      const end = entry.at + entry.count * (TYPE_BYTES[entry.type] ?? 0);
      if (end > size) damaged(`tag ${tag} of its ${which} has ${entry.count} values up to byte ${end}, beyond its end at byte ${size}`);
    }
    if (image.width * image.height > maxPixels) {
      throw new UnsupportedInput(`${name}: says that it holds ${image.width} x ${image.height} pixels, more than ${maxPixels}; if that is true, cut it with gdal_translate -srcwin, else export it again`, { source: name });
    }
    images.push(image);
    at = big ? bytes.long8(count * sizes.entry) : bytes.long(count * sizes.entry);
  }
  if (images.length === 0) damaged('it holds no image');
  return { littleEndian: little, images };
}

function directoryOf(bytes: Numbers, start: number, count: number, big: boolean): TiffDirectory {
  const sizes = big ? BIG : CLASSIC, tags = new Map<number, TagEntry>();
  let width = 0, height = 0;
  for (let i = 0; i < count; i++) {
    const own = i * sizes.entry, value = own + sizes.entry - sizes.value;
    const tag = bytes.short(own), type = bytes.short(own + 2), values = big ? bytes.long8(own + 4) : bytes.long(own + 4);
    const inside = values * (TYPE_BYTES[type] ?? 0) <= sizes.value;
    tags.set(tag, { type, count: values, at: inside ? start + value : big ? bytes.long8(value) : bytes.long(value) });
    if (tag !== WIDTH && tag !== HEIGHT) continue;
    const px = type === 3 ? bytes.short(value) : type === 16 ? bytes.long8(value) : bytes.long(value);
    if (tag === WIDTH) width = px;
    else height = px;
  }
  return { tags, width, height };
}

const PAGE = 8192, MAX_PAGES = 64;

/**
 * The values of a tag, read a page at a time: of the offsets of ten million tiles only those that are asked for are held.
 *
 * @returns null where the entry is none of whole numbers
 */
export function tagValues(source: ByteSource, { type, count, at }: TagEntry, littleEndian: boolean): ((index: number) => Promise<number>) | null {
  const size = TYPE_BYTES[type] ?? 0;
  if (![1, 3, 4, 13, 16, 18].includes(type)) return null;
  const pageAt = keptPages(async (page): Promise<Numbers | Uint8Array> => {
    const bytes = await source.read(at + page * PAGE * size, Math.min(PAGE, count - page * PAGE) * size);
    return size === 1 ? bytes : numbersIn(bytes, littleEndian);
  }, MAX_PAGES);
  return async (index) => {
    if (index < 0 || index >= count) return 0;
    const offset = (index % PAGE) * size, bytes = await pageAt(Math.floor(index / PAGE));
    if (bytes instanceof Uint8Array) return bytes[offset]!;
    return size === 2 ? bytes.short(offset) : size === 4 ? bytes.long(offset) : bytes.long8(offset);
  };
}
