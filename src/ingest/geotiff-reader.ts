// ingest/geotiff-reader.ts: windows of a GeoTIFF as one array a band and a mask of valid pixels. IO.
import GeoTIFF from 'geotiff';
import type { GeoTIFFImage } from 'geotiff';
import { InvalidInput, UnderstoryError } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import type { PixelArray, Window } from '../types.ts';
import { BlockCache, blockReader } from './geotiff-blocks.ts';
import type { BlockReader } from './geotiff-blocks.ts';
import { samplesOf } from './geotiff-decode.ts';
import { rasterHeader } from './geotiff-header.ts';
import type { RasterHeader } from './geotiff-header.ts';

export { BlockCache } from './geotiff-blocks.ts';
export type { RasterAffine, RasterHeader, SampleType } from './geotiff-header.ts';

export interface RasterWindow {
  /** one array a band asked for, row-major; 0 where the mask is 0 */
  data: PixelArray[];
  /** 1: valid, 0: void */
  mask: Uint8Array;
}

/** An open GeoTIFF: its full image, read by window. */
export interface RasterFile {
  readonly header: RasterHeader;
  /**
   * Read bands (0-based, without alpha) of a window in pixels of the file; it may reach outside, where all is void.
   *
   * A pixel is void outside the file, in a block that was never written, where the alpha band or the file's mask image is 0,
   * and by nodata: of floats and signed integers, where any band asked for holds it (a network cannot use the rest);
   * of unsigned integers, where all of them do, since dark or saturated pixels hold 0 or 255 in one band and are no voids.
   * @throws {InvalidInput} when a block is damaged
   */
  readWindow(bands: number[], window: Window): Promise<RasterWindow>;
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

const MASK = 4;

async function imagesOf(source: ByteSource): Promise<{ main: GeoTIFFImage; mask: GeoTIFFImage | null }> {
  const tiff = await GeoTIFF.fromSource(asGeotiffSource(source));
  const main = await tiff.getImage(0), count = await tiff.getImageCount();
  for (let i = 1; i < count; i++) {
    const image = await tiff.getImage(i), kind = image.getFileDirectory().getValue('NewSubfileType') ?? 0;
    const sameSize = image.getWidth() === main.getWidth() && image.getHeight() === main.getHeight();
    if ((kind & MASK) !== 0 && sameSize) return { main, mask: image };
  }
  return { main, mask: null };
}

/**
 * Open a GeoTIFF, plain or COG, tiled or in strips, of 1 to 64 bits a sample.
 *
 * @param cache  decoded blocks; give one to several files so that they share a budget of memory
 * @throws {InvalidInput} when it is no TIFF or damaged; {UnsupportedInput} for what is not read, with how to convert it; the source is closed then
 */
export async function openRaster(source: ByteSource, cache = new BlockCache()): Promise<RasterFile> {
  try {
    const { main, mask } = await imagesOf(source);
    const blocks = await blockReader(source, main, cache), header = rasterHeader(main, source.name, blocks.layout);
    const maskBlocks = mask && (await blockReader(source, mask, cache));
    return {
      header,
      readWindow: (bands, window) => readWindow(header, blocks, maskBlocks, bands, window),
      close: () => source.close(),
    };
  } catch (cause) {
    await source.close();
    if (cause instanceof UnderstoryError) throw cause;
    throw new InvalidInput(`${source.name}: cannot be read as a GeoTIFF; check that it is one and was copied whole`, { source: source.name }, { cause });
  }
}

/** Samples to copy: into `out`, from sample `sample` of each pixel. */
interface Target {
  out: PixelArray;
  sample: number;
}

async function readWindow(header: RasterHeader, blocks: BlockReader, maskBlocks: BlockReader | null, bands: number[], window: Window): Promise<RasterWindow> {
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
  if (header.nodata !== null) voidNodata(mask, data, header.nodata, /^uint/.test(sampleType));
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

function voidNodata(mask: Uint8Array, data: PixelArray[], nodata: number, all: boolean): void {
  const isNan = Number.isNaN(nodata);
  const value = data[0] instanceof Float32Array ? Math.fround(nodata) : nodata; // the text has more digits than the pixels
  const held = new Uint8Array(mask.length);
  for (const band of data) for (let i = 0; i < mask.length; i++) if (band[i] === value || (isNan && Number.isNaN(band[i]))) held[i]! += 1;
  const limit = all ? data.length : 1;
  for (let i = 0; i < mask.length; i++) if (held[i]! >= limit) mask[i] = 0;
}

/** Copy the part of every block that a window meets; `mask` becomes 1 where a block was written. */
async function copyBlocks({ layout, block }: BlockReader, targets: Target[], window: Window, mask: Uint8Array | null): Promise<void> {
  const { blockWidth, blockHeight, planar, samples } = layout;
  const col0 = Math.max(0, window.col), row0 = Math.max(0, window.row);
  const col1 = Math.min(layout.width, window.col + window.width), row1 = Math.min(layout.height, window.row + window.height);
  if (col0 >= col1 || row0 >= row1) return;
  for (let br = Math.floor(row0 / blockHeight); br * blockHeight < row1; br++) {
    for (let bc = Math.floor(col0 / blockWidth); bc * blockWidth < col1; bc++) {
      const left = Math.max(col0, bc * blockWidth), right = Math.min(col1, (bc + 1) * blockWidth);
      const top = Math.max(row0, br * blockHeight), bottom = Math.min(row1, (br + 1) * blockHeight);
      let written = true;
      for (const { out, sample } of targets) {
        const pixels = await block(bc, br, planar ? sample : 0);
        if (!pixels) {
          written = false;
          continue;
        }
        const step = planar ? 1 : samples;
        for (let row = top; row < bottom; row++) {
          const from = ((row - br * blockHeight) * blockWidth + left - bc * blockWidth) * step + (planar ? 0 : sample);
          copyStrided(out, (row - window.row) * window.width + left - window.col, pixels, from, step, right - left);
        }
      }
      if (!mask || !written) continue;
      for (let row = top; row < bottom; row++) {
        const at = (row - window.row) * window.width - window.col;
        mask.fill(1, at + left, at + right);
      }
    }
  }
}

function copyStrided(out: PixelArray, to: number, from: PixelArray, start: number, step: number, count: number): void {
  if (step === 1) out.set(from.subarray(start, start + count), to);
  else for (let i = 0, at = start; i < count; i++, at += step) out[to + i] = from[at]!;
}
