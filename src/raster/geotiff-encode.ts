// raster/geotiff-encode.ts: bands of pixels to the bytes of a tiled GeoTIFF. Pure.
import { deflateSync } from 'node:zlib';
import { InvalidInput } from '../errors.ts';
import { boxOfWindow, pixelCount } from '../geo/lattice.ts';
import type { Lattice, PixelArray, Window } from '../types.ts';
import { layOutTiff, type TiffTag } from './tiff-layout.ts';

/** What goes into a GeoTIFF: north-up, pixels as areas, all bands of one pixel type. */
export interface GeoTiffInput {
  lattice: Lattice;
  window: Window;
  /** one array a band, all of the same type, row-major, `window.width x window.height` */
  bands: PixelArray[];
  /** what masked pixels are written as, and what readers take for missing; must fit the pixel type */
  nodata?: number | null;
  /** 1 valid, 0 void; needs `nodata` as soon as one pixel is void */
  mask?: Uint8Array;
  /** EPSG code of a projected CRS in metres; null leaves the CRS out */
  epsg: number | null;
  /** pixels are areas, never points: the only convention written */
  pixelIsArea?: true;
  /** one name a band; an 8-bit file whose names begin red, green, blue is marked as a colour picture */
  bandNames?: string[];
  /** unit of the values, the same for all bands: `m` ... */
  units?: string;
  /** edge of a tile in pixels, a multiple of 16 */
  tileSize?: number;
  compression?: 'deflate' | 'none';
  /** 1 none, 2 differences (whole numbers), 3 floating point; default by type, 1 without compression */
  predictor?: 1 | 2 | 3;
}

interface PixelType { bits: 8 | 16 | 32 | 64; sampleFormat: 1 | 2 | 3; make: (length: number) => PixelArray }

/** Sample formats of TIFF: 1 unsigned, 2 signed, 3 floating point. */
const PIXEL_TYPES = new Map<string, PixelType>([
  ['Uint8Array', { bits: 8, sampleFormat: 1, make: (n) => new Uint8Array(n) }],
  ['Int8Array', { bits: 8, sampleFormat: 2, make: (n) => new Int8Array(n) }],
  ['Uint16Array', { bits: 16, sampleFormat: 1, make: (n) => new Uint16Array(n) }],
  ['Int16Array', { bits: 16, sampleFormat: 2, make: (n) => new Int16Array(n) }],
  ['Uint32Array', { bits: 32, sampleFormat: 1, make: (n) => new Uint32Array(n) }],
  ['Int32Array', { bits: 32, sampleFormat: 2, make: (n) => new Int32Array(n) }],
  ['Float32Array', { bits: 32, sampleFormat: 3, make: (n) => new Float32Array(n) }],
  ['Float64Array', { bits: 64, sampleFormat: 3, make: (n) => new Float64Array(n) }],
]);

/**
 * Encode bands as a tiled, little-endian, classic GeoTIFF with pixels interleaved.
 *
 * No time, host or software tag is written: the bytes are a function of the input and, when deflated, of the zlib in this
 * Node (its matches may differ between processors; the pixels never do). `compression: 'none'` gives the same bytes everywhere.
 *
 * @param raster  bands on a north-up lattice in a projected CRS; void pixels are written as `nodata`
 * @returns the whole file
 * @throws {InvalidInput} for bands that differ in type or do not fill the window, a void without `nodata`, a valid pixel that
 *   equals `nodata`, a `nodata` that the type cannot hold, a tile size that is no multiple of 16, or more than 4 GiB
 */
export function encodeGeoTiff(raster: GeoTiffInput): Uint8Array {
  const type = pixelTypeOf(raster);
  const nodata = checkNodata(raster, type);
  const deflated = (raster.compression ?? 'deflate') === 'deflate';
  const predictor = raster.predictor ?? (deflated ? (type.sampleFormat === 3 ? 3 : 2) : 1);
  if ((predictor === 3) !== (type.sampleFormat === 3) && predictor !== 1) {
    throw new InvalidInput(`predictor ${predictor} does not go with ${type.sampleFormat === 3 ? 'floats, take 3' : 'whole numbers, take 2'} or 1`);
  }
  const { tileWidth, tileHeight } = tileShape(raster);
  const tiles: Uint8Array[] = [];
  for (let row = 0; row < raster.window.height; row += tileHeight) {
    for (let col = 0; col < raster.window.width; col += tileWidth) {
      const samples = cutTile(raster, type, nodata, { col, row, width: tileWidth, height: tileHeight });
      const bytes = predict(samples, predictor, tileWidth * raster.bands.length, raster.bands.length);
      tiles.push(deflated ? deflateSync(bytes, { level: 6 }) : bytes);
    }
  }
  return layOutTiff([...imageTags(raster, type, { tileWidth, tileHeight, deflated, predictor }), ...geoTags(raster), ...gdalTags(raster, nodata)], tiles);
}

function pixelTypeOf({ bands, window, mask, bandNames }: GeoTiffInput): PixelType {
  const name = bands[0]?.constructor.name ?? 'nothing';
  const type = PIXEL_TYPES.get(name);
  if (!type) throw new InvalidInput(`a GeoTIFF cannot hold bands of ${name}; give at least one typed array of pixels`);
  const count = pixelCount(window);
  if (count === 0) throw new InvalidInput('a GeoTIFF needs at least one pixel; the window is empty');
  for (const band of bands) {
    if (band.constructor.name !== name) throw new InvalidInput(`bands of ${name} and ${band.constructor.name} cannot share a GeoTIFF; convert them to one type`);
    if (band.length !== count) throw new InvalidInput(`a band of ${band.length} pixels does not fill a window of ${window.width} x ${window.height}`);
  }
  if (mask && mask.length !== count) throw new InvalidInput(`a mask of ${mask.length} pixels does not fill a window of ${window.width} x ${window.height}`);
  if (bandNames && bandNames.length !== bands.length) throw new InvalidInput(`${bandNames.length} band names for ${bands.length} bands`);
  return type;
}

function checkNodata({ bands, nodata, mask }: GeoTiffInput, type: PixelType): number | null {
  if (nodata === null || nodata === undefined) {
    if (mask?.includes(0)) throw new InvalidInput('masked pixels cannot be written without a nodata value; give `nodata`');
    return null;
  }
  const probe = type.make(1);
  probe[0] = nodata;
  if (!Object.is(probe[0], nodata)) throw new InvalidInput(`nodata ${nodata} does not fit ${type.bits}-bit pixels; a reader would not find it again`);
  if (!mask) return nodata; // the bands hold nodata already, as they came
  for (const band of bands) {
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] && Object.is(band[i], nodata)) throw new InvalidInput(`a valid pixel (number ${i}) equals nodata ${nodata} and would be lost; choose another nodata value`);
    }
  }
  return nodata;
}

/** Tiles no larger than the image needs, so that a small file holds no padding to speak of. */
function tileShape({ tileSize = 256, window, bands, compression }: GeoTiffInput): { tileWidth: number; tileHeight: number } {
  if (!(tileSize > 0) || tileSize % 16 !== 0) throw new InvalidInput(`tile size ${tileSize} is no multiple of 16, as TIFF asks`);
  const fit = (px: number) => Math.min(tileSize, Math.ceil(px / 16) * 16);
  const tileWidth = fit(window.width), tileHeight = fit(window.height);
  const tilesAcross = Math.ceil(window.width / tileWidth), tilesDown = Math.ceil(window.height / tileHeight);
  const rawBytes = tilesAcross * tilesDown * tileWidth * tileHeight * bands.length * bands[0]!.BYTES_PER_ELEMENT;
  if (compression === 'none' && rawBytes > 0xffff_0000) {
    throw new InvalidInput(`${window.width} x ${window.height} pixels take ${rawBytes} bytes, more than a classic TIFF holds (4 GiB); write several files`);
  }
  return { tileWidth, tileHeight };
}

/** One tile, pixels interleaved; voids become nodata, what lies outside the image is 0. */
function cutTile({ bands, window, mask }: GeoTiffInput, type: PixelType, nodata: number | null, tile: Window): PixelArray {
  const samples = bands.length, out = type.make(tile.width * tile.height * samples);
  const rows = Math.min(tile.height, window.height - tile.row), cols = Math.min(tile.width, window.width - tile.col);
  for (let b = 0; b < samples; b++) {
    const band = bands[b]!;
    for (let r = 0; r < rows; r++) {
      let from = (tile.row + r) * window.width + tile.col, to = r * tile.width * samples + b;
      for (let c = 0; c < cols; c++, from++, to += samples) {
        out[to] = nodata !== null && mask && !mask[from] ? nodata : band[from]!;
      }
    }
  }
  return out;
}

/** Differences along rows (2), or bytes sorted by significance and then differenced (3), as libtiff does. Assumes a little-endian host, as every Node has. */
function predict(samples: PixelArray, predictor: 1 | 2 | 3, rowSamples: number, stride: number): Uint8Array {
  if (predictor === 2) {
    for (let start = 0; start < samples.length; start += rowSamples) {
      for (let i = start + rowSamples - 1; i >= start + stride; i--) samples[i] = samples[i]! - samples[i - stride]!; // wraps, as it must
    }
  }
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  if (predictor !== 3) return bytes;
  const size = samples.BYTES_PER_ELEMENT, rowBytes = rowSamples * size, out = new Uint8Array(bytes.length);
  for (let start = 0; start < bytes.length; start += rowBytes) {
    for (let i = 0; i < rowSamples; i++) {
      for (let b = 0; b < size; b++) out[start + (size - 1 - b) * rowSamples + i] = bytes[start + i * size + b]!;
    }
    for (let i = start + rowBytes - 1; i >= start + stride; i--) out[i] = out[i]! - out[i - stride]!;
  }
  return out;
}

interface TileLook { tileWidth: number; tileHeight: number; deflated: boolean; predictor: 1 | 2 | 3 }

function imageTags({ window, bands, bandNames }: GeoTiffInput, type: PixelType, look: TileLook): TiffTag[] {
  const colour = type.bits === 8 && bands.length >= 3 && bandNames?.slice(0, 3).join() === 'red,green,blue';
  const extra = bands.length - (colour ? 3 : 1);
  const tags: TiffTag[] = [
    { tag: 256, type: 'long', values: [window.width] },
    { tag: 257, type: 'long', values: [window.height] },
    { tag: 258, type: 'short', values: bands.map(() => type.bits) },
    { tag: 259, type: 'short', values: [look.deflated ? 8 : 1] },
    { tag: 262, type: 'short', values: [colour ? 2 : 1] },
    { tag: 277, type: 'short', values: [bands.length] },
    { tag: 284, type: 'short', values: [1] }, // interleaved
    { tag: 322, type: 'long', values: [look.tileWidth] },
    { tag: 323, type: 'long', values: [look.tileHeight] },
    { tag: 339, type: 'short', values: bands.map(() => type.sampleFormat) },
  ];
  if (look.predictor !== 1) tags.push({ tag: 317, type: 'short', values: [look.predictor] });
  if (extra > 0) tags.push({ tag: 338, type: 'short', values: new Array<number>(extra).fill(0) }); // 0: not an alpha
  return tags;
}

/** North-up pixel scale and tie point, and the geo keys: projected (1), pixel is area (1), the EPSG code, metres (9001). */
function geoTags({ lattice, window, epsg }: GeoTiffInput): TiffTag[] {
  if (epsg !== null && !(Number.isInteger(epsg) && epsg > 0 && epsg < 32767)) {
    throw new InvalidInput(`EPSG:${epsg} cannot be written as a projected CRS in a GeoTIFF`, { epsg });
  }
  const { x0, y1 } = boxOfWindow(lattice, window);
  const place: TiffTag[] = [
    { tag: 33550, type: 'double', values: [lattice.resM, lattice.resM, 0] },
    { tag: 33922, type: 'double', values: [0, 0, 0, x0, y1, 0] },
  ];
  if (epsg === null) return place; // geo keys without a CRS read as a nameless engineering CRS
  const keys = [[1024, 1], [1025, 1], [3072, epsg], [3076, 9001]].flatMap(([key, value]) => [key!, 0, 1, value!]);
  return [...place, { tag: 34735, type: 'short', values: [1, 1, 0, keys.length / 4, ...keys] }];
}

function gdalTags({ bandNames, units, bands }: GeoTiffInput, nodata: number | null): TiffTag[] {
  const items = bands.flatMap((_, i) => [
    ...(bandNames ? [item(i, 'DESCRIPTION', 'description', bandNames[i]!)] : []),
    ...(units ? [item(i, 'UNITTYPE', 'unittype', units)] : []),
  ]);
  const tags: TiffTag[] = [];
  if (items.length > 0) tags.push({ tag: 42112, type: 'ascii', text: `<GDALMetadata>\n${items.join('')}</GDALMetadata>\n` });
  if (nodata !== null) tags.push({ tag: 42113, type: 'ascii', text: Number.isNaN(nodata) ? 'nan' : String(nodata) });
  return tags;
}

const XML_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (c) => XML_ENTITIES[c]!);

/** GDAL escapes its metadata twice, and undoes both when it reads. */
const item = (sample: number, name: string, role: string, text: string): string =>
  `  <Item name="${name}" sample="${sample}" role="${role}">${escapeXml(escapeXml(text))}</Item>\n`;
