// ingest/geotiff-reader.ts: windows of a GeoTIFF as one array a band and a mask of valid pixels. IO.
import { GeoTIFF } from 'geotiff';
import { InvalidInput, UnderstoryError } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import type { PixelArray, Window } from '../types.ts';
import { BlockCache, blockReader } from './geotiff-blocks.ts';
import type { BlockReader } from './geotiff-blocks.ts';
import { samplesOf } from './geotiff-decode.ts';
import { readDirectories } from './geotiff-directory.ts';
import type { TiffDirectories } from './geotiff-directory.ts';
import { rasterHeader } from './geotiff-header.ts';
import type { BlockLayout, RasterHeader, SampleType } from './geotiff-header.ts';

export { BlockCache } from './geotiff-blocks.ts';
export { heightWarnings } from './geotiff-header.ts';
export type { RasterAffine, RasterHeader, SampleType } from './geotiff-header.ts';
export type { BandFacts } from './geotiff-metadata.ts';

export interface RasterWindow {
  /** one array a band asked for, row-major; 0 where the mask is 0 */
  data: PixelArray[];
  /** 1: valid, 0: void */
  mask: Uint8Array;
}

/** An open GeoTIFF, read by window. */
export interface RasterFile {
  readonly header: RasterHeader;
  /** smaller copies of the image, from fine to coarse: levels 1, 2 ...; see `levelFor` */
  readonly overviews: { width: number; height: number }[];
  /**
   * Read bands (0-based, without alpha) of a window in pixels of the file; it may reach outside, where all is void.
   *
   * A pixel is void outside the file, in a block that was never written, where the alpha band or the file's mask image is 0,
   * and by nodata: of floats and signed integers, where any band asked for holds it (a network cannot use the rest);
   * of unsigned integers, where all of them do, since dark or saturated pixels hold 0 or 255 in one band and are no voids.
   * @param level  0: the full image; n: the n-th overview, and `window` counts its pixels
   * @throws {InvalidInput} when a block is damaged
   */
  readWindow(bands: number[], window: Window, level?: number): Promise<RasterWindow>;
  close(): Promise<void>;
}

// What geotiff asks of a source; its own classes open paths and URLs, ours reads by range.
const asGeotiffSource = (source: ByteSource) => {
  const fetchSlice = async ({ offset, length }: { offset: number; length: number }) => {
    const start = Math.min(offset, source.size); // it reads headers in pieces of a guessed length
    const bytes = await source.read(start, Math.max(0, Math.min(length, source.size - start)));
    return { offset, length, data: new Uint8Array(bytes).buffer };
  };
  return {
    fetchSlice,
    fetch: (slices: { offset: number; length: number }[]) => Promise.all(slices.map(async (slice) => (await fetchSlice(slice)).data)),
    fileSize: source.size,
    close: () => source.close(),
  };
};

const REDUCED = 1, MASK = 4;

/** A resolution of a file: its full image or an overview, with its mask where it has one. */
interface Level {
  width: number;
  height: number;
  /** of the image among the file's directories */
  image: number;
  mask: number | null;
}

/** The full image, then overviews from fine to coarse; other pages are left alone. */
async function levelsOf(tiff: GeoTIFF, { images }: TiffDirectories): Promise<Level[]> {
  const levels: Level[] = [{ ...images[0]!, image: 0, mask: null }], masks: Level[] = [];
  for (let i = 1; i < images.length; i++) {
    const kind = (await tiff.getImage(i)).getFileDirectory().getValue('NewSubfileType') ?? 0, level = { ...images[i]!, image: i, mask: null };
    if ((kind & MASK) !== 0) masks.push(level);
    else if ((kind & REDUCED) !== 0 && level.width < images[0]!.width) levels.push(level);
  }
  for (const level of levels) level.mask = masks.find(({ width, height }) => width === level.width && height === level.height)?.image ?? null;
  return levels.sort((a, b) => b.width - a.width);
}

export interface OpenRasterOptions {
  /** pixels that an image may have */
  maxPixels?: number;
  /** what the file declares alpha is a band like the others: near infrared in many an orthophoto */
  alphaIsBand?: boolean;
}

/** A header in which the alpha band is one of the bands. */
export function alphaAsBand(header: RasterHeader): RasterHeader {
  const { alpha, bands, bandFacts } = header;
  return alpha === null ? header : { ...header, alpha: null, bands: bands + 1, bandFacts: bandFacts.toSpliced(alpha, 0, { name: null, unit: null, scale: 1, offset: 0 }) };
}

/**
 * Open a GeoTIFF, plain or COG, classic or BigTIFF, tiled or in strips, of 1 to 64 bits a sample.
 *
 * Its directories are checked first: a size beyond `maxPixels`, offsets beyond the file, more blocks than an index may hold and chains
 * that never end are refused before anything is allocated on their word.
 *
 * @param cache  decoded blocks; give one to several files so that they share a budget of memory
 * @throws {InvalidInput} when it is no TIFF or damaged; {UnsupportedInput} for what is not read, with how to convert it; the source is closed then
 */
export async function openRaster(source: ByteSource, cache = new BlockCache(), { maxPixels, alphaIsBand = false }: OpenRasterOptions = {}): Promise<RasterFile> {
  try {
    const directories = await readDirectories(source, maxPixels), tiff = await GeoTIFF.fromSource(asGeotiffSource(source));
    const levels = await levelsOf(tiff, directories);
    const blocksOf = async (image: number) => blockReader(source, await tiff.getImage(image), directories.images[image]!.tags, cache);
    const readerOf = async ({ image, mask }: Level): Promise<LevelReader> => ({ blocks: await blocksOf(image), maskBlocks: mask === null ? null : await blocksOf(mask) });
    const full = await readerOf(levels[0]!), stated = await rasterHeader(await tiff.getImage(0), source.name, full.blocks.layout), header = alphaIsBand ? alphaAsBand(stated) : stated;
    const readers = new Map<number, Promise<LevelReader>>([[0, Promise.resolve(full)]]);
    return {
      header,
      overviews: levels.slice(1).map(({ width, height }) => ({ width, height })),
      async readWindow(bands, window, level = 0) {
        if (!levels[level]) throw new InvalidInput(`${source.name}: has ${levels.length - 1} overviews, number ${level} is asked for`, { source: source.name, level });
        const reader = readers.get(level) ?? readerOf(levels[level]);
        readers.set(level, reader);
        return readWindow(header, await reader, bands, window);
      },
      close: () => source.close(),
    };
  } catch (cause) {
    await source.close();
    if (cause instanceof UnderstoryError) throw cause;
    throw new InvalidInput(`${source.name}: cannot be read as a GeoTIFF; check that it is one and was copied whole`, { source: source.name }, { cause });
  }
}

/**
 * The level of a file for a pixel size: the coarsest whose pixels are no larger, 0 (the full image) where no overview is.
 *
 * For pictures that are looked at. What is measured reads level 0: makers of overviews differ in what they do at voids and edges.
 *
 * @param res  in the units of the file's CRS
 */
export function levelFor({ header: { affine, width }, overviews }: RasterFile, res: number): number {
  const full = affine?.resX ?? 1;
  return overviews.reduce((best, overview, i) => ((full * width) / overview.width <= res * (1 + 1e-9) ? i + 1 : best), 0);
}

interface LevelReader {
  blocks: BlockReader;
  maskBlocks: BlockReader | null;
}

/** Samples to copy: into `out`, from sample `sample` of each pixel. */
interface Target {
  out: PixelArray;
  sample: number;
}

async function readWindow(header: RasterHeader, { blocks, maskBlocks }: LevelReader, bands: number[], window: Window): Promise<RasterWindow> {
  const size = window.width * window.height, { alpha, sampleType } = header;
  const samples = bands.map((band) => sampleOf(header, band));
  const data = samples.map(() => samplesOf(sampleType, size)), mask = new Uint8Array(size);
  const targets: Target[] = samples.map((sample, i) => ({ out: data[i]!, sample }));
  const alphas = alpha === null ? null : samplesOf(sampleType, size);
  if (alphas) targets.push({ out: alphas, sample: alpha! });
  await copyBlocks(blocks, targets, window, mask);
  if (alphas) voidWhereZero(mask, alphas);
  if (maskBlocks) {
    const valid = new Uint8Array(size);
    await copyBlocks(maskBlocks, [{ out: valid, sample: 0 }], window, null);
    voidWhereZero(mask, valid);
  }
  if (header.nodata !== null && data.length > 0) voidNodata(mask, data, nodataRule(sampleType, header.nodata), /^uint/.test(sampleType));
  if (mask.includes(0)) for (const band of data) zeroVoids(band, mask);
  return { data, mask };
}

/** Sample of the n-th band: alpha is not counted. */
function sampleOf({ name, bands, alpha }: RasterHeader, band: number): number {
  if (band < 0 || band >= bands) throw new InvalidInput(`${name}: has ${bands} bands, band ${band + 1} is asked for; correct bands in the job file`, { source: name, band });
  return alpha !== null && band >= alpha ? band + 1 : band;
}

/** What stands under a void never leaks. */
function zeroVoids(band: PixelArray, mask: Uint8Array): void {
  for (let i = 0; i < mask.length; i++) if (!mask[i]) band[i] = 0;
}

function voidWhereZero(mask: Uint8Array, values: PixelArray): void {
  for (let i = 0; i < mask.length; i++) if (values[i] === 0) mask[i] = 0;
}

const FLOAT_MAX = 3.4028234663852886e38;

interface NodataRule {
  /** NaN: no value is meant, or NaN itself where `nan` */
  target: number;
  /** share by which a float may be off: texts of nodata are rounded, and so are pixels; GDAL takes two units of the last place */
  slack: number;
  nan: boolean;
}

/** What a file's nodata stands for among pixels of a type; one that they cannot hold stands for none. */
function nodataRule(sampleType: SampleType, nodata: number): NodataRule {
  if (Number.isNaN(nodata)) return { target: NaN, slack: 0, nan: true };
  if (sampleType === 'float64') return { target: nodata, slack: 2 * 2 ** -52, nan: false };
  if (sampleType !== 'float32') return { target: nodata, slack: 0, nan: false };
  const beyond = Math.abs(nodata) / FLOAT_MAX, near = beyond > 1 && beyond < 1 + 1e-6; // the largest float, printed with fewer digits
  const target = near ? Math.sign(nodata) * FLOAT_MAX : Math.fround(nodata);
  return { target: Number.isFinite(target) === Number.isFinite(nodata) ? target : NaN, slack: 2 * 2 ** -23, nan: false };
}

function voidNodata(mask: Uint8Array, data: PixelArray[], { target, slack, nan }: NodataRule, all: boolean): void {
  const held = new Uint16Array(mask.length), limit = all ? data.length : 1;
  for (const band of data) {
    for (let i = 0; i < mask.length; i++) {
      const value = band[i]!;
      if (value === target || Math.abs(value - target) < slack * Math.abs(value + target) || (nan && Number.isNaN(value))) held[i]! += 1;
    }
  }
  for (let i = 0; i < mask.length; i++) if (held[i]! >= limit) mask[i] = 0;
}

/** Bytes of blocks that are on their way while one is copied, and their number at most. */
const AHEAD_BYTES = 2 ** 22, MAX_AHEAD = 16;

/** Copy the part of every block that a window meets; `mask` becomes 1 where a block was written. */
async function copyBlocks(reader: BlockReader, targets: Target[], window: Window, mask: Uint8Array | null): Promise<void> {
  const { blockWidth, blockHeight, planar, samples, bits } = reader.layout;
  const planes = planar ? [...new Set(targets.map(({ sample }) => sample))] : [0];
  const blocks = [...blocksUnder(reader, window)], ahead = Math.max(1, Math.min(MAX_AHEAD, Math.floor(AHEAD_BYTES / ((blockWidth * blockHeight * (planar ? planes.length : samples) * bits) / 8))));
  const loading: Promise<(PixelArray | null)[]>[] = [];
  for (let next = 0, done = 0; done < blocks.length; done++) {
    for (; next < blocks.length && next < done + ahead; next++) {
      const { col, row } = blocks[next]!, load = Promise.all(planes.map((sample) => reader.block(col, row, sample)));
      load.catch(() => {}); // reported when its turn comes
      loading.push(load);
    }
    const planesOf = await loading.shift()!;
    copyBlock(reader.layout, blocks[done]!, planes.map((sample, i) => ({ sample, pixels: planesOf[i]! })), targets, window, mask);
  }
}

interface BlockPart {
  /** of the block */
  col: number;
  row: number;
  /** pixels of the image that are wanted */
  left: number;
  right: number;
  top: number;
  bottom: number;
}

function* blocksUnder({ layout: { width, height, blockWidth, blockHeight } }: BlockReader, window: Window): Generator<BlockPart> {
  const col0 = Math.max(0, window.col), row0 = Math.max(0, window.row);
  const col1 = Math.min(width, window.col + window.width), row1 = Math.min(height, window.row + window.height);
  if (col0 >= col1 || row0 >= row1) return;
  for (let row = Math.floor(row0 / blockHeight); row * blockHeight < row1; row++) {
    for (let col = Math.floor(col0 / blockWidth); col * blockWidth < col1; col++) {
      yield { col, row, left: Math.max(col0, col * blockWidth), right: Math.min(col1, (col + 1) * blockWidth), top: Math.max(row0, row * blockHeight), bottom: Math.min(row1, (row + 1) * blockHeight) };
    }
  }
}

function copyBlock({ blockWidth, blockHeight, planar, samples }: BlockLayout, { col, row, left, right, top, bottom }: BlockPart, planes: { sample: number; pixels: PixelArray | null }[], targets: Target[], window: Window, mask: Uint8Array | null): void {
  const step = planar ? 1 : samples, count = right - left;
  for (const { out, sample } of targets) {
    const pixels = planar ? planes.find((plane) => plane.sample === sample)!.pixels : planes[0]!.pixels;
    if (!pixels) continue;
    for (let y = top; y < bottom; y++) {
      const from = ((y - row * blockHeight) * step + (planar ? 0 : sample)) * blockWidth + left - col * blockWidth;
      out.set(pixels.subarray(from, from + count), (y - window.row) * window.width + left - window.col);
    }
  }
  if (!mask || planes.some(({ pixels }) => !pixels)) return;
  for (let y = top; y < bottom; y++) {
    const at = (y - window.row) * window.width - window.col;
    mask.fill(1, at + left, at + right);
  }
}
