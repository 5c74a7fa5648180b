// raster/geotiff-encode.ts: bands of pixels to the bytes of a tiled GeoTIFF. Pure.
import { deflateSync } from 'node:zlib';
import { InvalidInput } from '../errors.ts';
import { pixelCount } from '../geo/lattice.ts';
import type { Lattice, PixelArray, Window } from '../types.ts';
import { checkNodata, gdalTags, geoTags, imageTags, nodataTags, PIXEL_TYPES, type PixelType } from './geotiff-tags.ts';
import { layOutTiff } from './tiff-layout.ts';

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
  const nodata = nodataOf(raster, type);
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
  const image = { ...raster, samples: raster.bands.length, nodata };
  return layOutTiff([...imageTags(image, type, { tileWidth, tileHeight, deflated, predictor }), ...geoTags(image), ...gdalTags(image), ...nodataTags(image)], tiles);
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

function nodataOf({ bands, nodata, mask }: GeoTiffInput, type: PixelType): number | null {
  if (nodata === null || nodata === undefined) {
    if (mask?.includes(0)) throw new InvalidInput('masked pixels cannot be written without a nodata value; give `nodata`');
    return null;
  }
  checkNodata(nodata, type);
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

/**
 * What a predictor makes of a tile before it is deflated: differences along rows (2), or bytes sorted by significance and then
 * differenced (3), as libtiff does. Assumes a little-endian host, as every Node has.
 *
 * @param samples     row-major, bands interleaved; differenced in place by predictor 2
 * @param rowSamples  samples of a row of the tile
 * @param stride      samples of a pixel
 */
export function predict(samples: PixelArray, predictor: 1 | 2 | 3, rowSamples: number, stride: number): Uint8Array {
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
