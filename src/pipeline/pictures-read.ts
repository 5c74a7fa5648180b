// pipeline/pictures-read.ts: the pixels of one picture as an image layer of the program, at column 0 and row 0 of a lattice. IO.
import { readFile } from 'node:fs/promises';
import type { PixelArray, Window } from '../types.ts';
import { InvalidInput, UsageError, messageOf } from '../errors.ts';
import { bytesSource } from '../files/byte-source.ts';
import { crsFromEpsg } from '../geo/crs.ts';
import { intersectWindows } from '../geo/lattice.ts';
import { roundTo } from '../geo/units.ts';
import { SAME_GSD } from '../infer/card.ts';
import type { ModelCard } from '../infer/card.ts';
import { openRaster } from '../ingest/geotiff-reader.ts';
import type { RasterFile, RasterHeader } from '../ingest/geotiff-reader.ts';
import { planImage } from '../ingest/image-source.ts';
import type { ImagePlan, ImageSource } from '../ingest/image-source.ts';
import type { PictureFiles } from './pictures-folder.ts';

/** A picture in memory: bands of its own pixels, row-major, and which are valid. */
export interface Picture {
  name: string;
  width: number;
  height: number;
  bands: PixelArray[];
  roles: string[];
  mask: Uint8Array;
  /** what its file says; null where it does not, or not in metres */
  gsdM: number | null;
  notes: string[];
}

/** A picture is held whole: larger ones are surveys. */
const MOST_PX = 2 ** 27;

/**
 * Read a picture.
 *
 * @param bands  roles of its bands in their order, as many as it has or fewer; null: red, green, blue and (a fourth, or the second file of a pair) nir. With as many roles as a GeoTIFF has
 *               samples, one that it declares as alpha is a band like the others: near infrared is often written so
 * @throws {InvalidInput} naming the file that cannot be read; {UsageError} for more roles than bands
 */
export async function readPicture({ name, image, nir }: PictureFiles, bands: readonly string[] | null): Promise<Picture> {
  const read = /\.tiff?$/i.test(image) ? await readTiff(image, bands) : await readPlain(image);
  if (nir !== null) await addNir(read, nir);
  const roles = bands ?? (read.bands.length === 1 ? ['red'] : ['red', 'green', 'blue', 'nir'].slice(0, read.bands.length));
  if (roles.length > read.bands.length) throw new UsageError(`--bands ${roles.join(',')}: ${image} has ${read.bands.length} bands`, { source: image });
  if (bands === null && read.bands.length > 4) throw new UsageError(`${image}: has ${read.bands.length} bands; say what they are with --bands red,green,...`, { source: image });
  return { name, ...read, roles: [...roles] };
}

type Pixels = Omit<Picture, 'name' | 'roles'>;

async function readTiff(path: string, bands: readonly string[] | null): Promise<Pixels> {
  const bytes = new Uint8Array(await readFile(path)), notes: string[] = [];
  let raster = await openRaster(bytesSource(path, bytes), undefined, { maxPixels: MOST_PX });
  if (raster.header.alpha !== null && bands !== null && bands.length === raster.header.bands + 1) raster = await openRaster(bytesSource(path, bytes), undefined, { maxPixels: MOST_PX, alphaIsBand: true });
  else if (raster.header.alpha !== null && bands === null) notes.push(`its band ${raster.header.alpha + 1} is declared alpha and taken as the mask; if it is near infrared, say --bands red,green,blue,nir`);
  const { width, height, bands: count } = raster.header, { data, mask } = await raster.readWindow(Array.from({ length: count }, (_, i) => i), { col: 0, row: 0, width, height });
  return { width, height, bands: data, mask, gsdM: gsdOf(raster.header), notes };
}

function gsdOf({ affine, epsg }: RasterHeader): number | null {
  if (affine === null || epsg === null || Math.abs(affine.resX / affine.resY - 1) > 1e-6) return null;
  const { isProjected, unitToMetre } = crsFromEpsg(epsg);
  return isProjected && unitToMetre !== null ? roundTo(affine.resX * unitToMetre, 5) : null;
}

/** Samples of a WebP, PNG or JPEG: 8 bits, red, green, blue (and alpha, which is the mask). @throws {InvalidInput} */
async function samplesOf(path: string): Promise<{ data: Uint8Array; width: number; height: number; channels: number }> {
  const { default: sharp } = await import('sharp');
  try {
    const { data, info } = await sharp(path, { failOn: 'error', limitInputPixels: MOST_PX }).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width: info.width, height: info.height, channels: info.channels };
  } catch (cause) {
    throw new InvalidInput(`${path}: cannot be read as a picture: ${messageOf(cause)}; copy it again, or convert it to PNG`, { source: path }, { cause });
  }
}

async function readPlain(path: string): Promise<Pixels> {
  const { data, width, height, channels } = await samplesOf(path), size = width * height, hasAlpha = channels === 4 || channels === 2, mask = new Uint8Array(size).fill(1);
  const bands = Array.from({ length: channels < 3 ? 1 : 3 }, (_, band) => channelOf(data, band, channels, size));
  if (hasAlpha) for (let i = 0; i < size; i++) mask[i] = data[i * channels + channels - 1]! > 0 ? 1 : 0;
  return { width, height, bands, mask, gsdM: null, notes: [] };
}

function channelOf(data: Uint8Array, channel: number, channels: number, size: number): Uint8Array {
  const out = new Uint8Array(size);
  for (let i = 0; i < size; i++) out[i] = data[i * channels + channel]!;
  return out;
}

/** Lay the near infrared of a pair behind the colours. */
async function addNir(picture: Pixels, path: string): Promise<void> {
  const { data, width, height, channels } = await samplesOf(path);
  if (width !== picture.width || height !== picture.height) throw new InvalidInput(`${path}: is ${width} x ${height} pixels, the picture of its colours ${picture.width} x ${picture.height}; a pair has one size`, { source: path });
  picture.bands.push(channelOf(data, 0, channels, width * height));
}

/** A mask of 0 and 1 from a PNG: anything but black is 1. @throws {InvalidInput} when it is not as large as its picture */
export async function readMask(path: string, { name, width, height }: Picture): Promise<Uint8Array> {
  const mask = await samplesOf(path), out = new Uint8Array(mask.width * mask.height);
  if (mask.width !== width || mask.height !== height) throw new InvalidInput(`${path}: is ${mask.width} x ${mask.height} pixels, the picture ${name} ${width} x ${height}; a mask has the size of its picture`, { source: path });
  for (let i = 0; i < out.length; i++) out[i] = mask.data[i * mask.channels]! > 0 ? 1 : 0;
  return out;
}

/** A picture as a layer of the program: what the network's reader asks. */
export interface PlacedPicture {
  image: ImageSource;
  /** of its own pixels, metres: references count them */
  gsdM: number;
}

/** A CRS in metres, in which pictures without one are resampled: nothing of it enters. */
const SOME_CRS = 32631;

/**
 * Put a picture at column 0, row 0 of a lattice: its own where its pixels are within 1 % of the card's, else the card's, to which it is resampled as `lattice: crs`
 * does in a survey. x runs to the right, y upward from its upper left corner, metres.
 *
 * @param gsdM  of its pixels; null: what its file says, else the card's
 * @throws {UsageError} when its pixels are coarser than the card allows
 */
export function placePicture(picture: Picture, { input, name: model }: ModelCard, gsdM: number | null): PlacedPicture {
  const own = gsdM ?? picture.gsdM ?? input.gsdM, { name, width, height, bands, roles } = picture, isSame = Math.abs(own / input.gsdM - 1) <= SAME_GSD;
  const [low, high] = input.gsdRangeM;
  if (own > high * (1 + SAME_GSD)) throw new UsageError(`${name}: its pixels are ${own} m, too coarse for ${model}, which takes ${low} to ${high} m; say --gsd if the file is wrong`, { source: name, gsdM: own });
  const header: RasterHeader = {
    name, width, height, bands: bands.length, sampleType: 'float32', nodata: null, epsg: SOME_CRS, crsIsOwn: false, affine: { x0: 0, y0: 0, resX: own, resY: own }, alpha: null,
    bandFacts: [], verticalEpsg: null, dateTime: null,
  };
  const whole = { col: 0, row: 0, width, height }, plan: ImagePlan = isSame
    ? { lattice: { resM: own, x0M: 0, y0M: 0 }, window: whole, bands: bands.length, epsg: SOME_CRS, files: [{ path: name, window: whole }] }
    : planImage([header], { lattice: 'crs', gsdM: input.gsdM, surveyEpsg: SOME_CRS });
  const file: RasterFile = { header, overviews: [], readWindow: async (indices, window) => cut(picture, indices, window), close: async () => {} };
  return { image: { plan, roles, valueScale: 1, withFile: (_, work) => work(file), close: async () => {} }, gsdM: own };
}

/** Bands of a window that may reach outside, where all is void. */
function cut({ bands, mask, width, height }: Picture, indices: readonly number[], window: Window): { data: PixelArray[]; mask: Uint8Array } {
  const inside = intersectWindows(window, { col: 0, row: 0, width, height }), valid = new Uint8Array(window.width * window.height), data = indices.map(() => new Float32Array(valid.length));
  for (let row = inside.row; inside.width > 0 && row < inside.row + inside.height; row++) {
    const from = row * width + inside.col, to = (row - window.row) * window.width + inside.col - window.col;
    valid.set(mask.subarray(from, from + inside.width), to);
    indices.forEach((band, b) => data[b]!.set(bands[band]!.subarray(from, from + inside.width), to));
  }
  return { data, mask: valid };
}
