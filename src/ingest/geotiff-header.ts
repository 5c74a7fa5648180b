// ingest/geotiff-header.ts: what the tags of a GeoTIFF say: shape, type, place, voids. Settles half pixels and axes. Pure.
import type { GeoTIFFImage } from 'geotiff';
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import { USER_DEFINED, codeOf } from '../geo/crs-statement.ts';
import { bandFacts } from './geotiff-metadata.ts';
import type { BandFacts } from './geotiff-metadata.ts';

export type SampleType = 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';

/** North-up place of a raster: outer corner of its north-western pixel, and pixel sizes, all in CRS units and positive. */
export interface RasterAffine {
  x0: number;
  y0: number;
  resX: number;
  resY: number;
}

export interface RasterHeader {
  name: string;
  width: number;
  height: number;
  /** bands that hold data: an alpha band is not among them */
  bands: number;
  sampleType: SampleType;
  /** the file's nodata value; NaN is one too */
  nodata: number | null;
  /** code of the horizontal CRS; null when the file names none, or one of its own */
  epsg: number | null;
  /** it defines a CRS of its own, which has no code */
  crsIsOwn: boolean;
  /** null: the file says not where it lies */
  affine: RasterAffine | null;
  /** index of the alpha band among all samples */
  alpha: number | null;
  /** what GDAL's metadata say of each band; pixels are read as they are stored, never scaled by it */
  bandFacts: BandFacts[];
  /** code of the CRS of heights, where the file names one */
  verticalEpsg: number | null;
  /** when the picture was taken or written, as the file says it: `2026:06:03 10:15:00` */
  dateTime: string | null;
}

/** How the blocks (tiles or strips) of one image of a TIFF are laid out. */
export interface BlockLayout {
  width: number;
  height: number;
  samples: number;
  /** samples apart, one plane each */
  planar: boolean;
  tiled: boolean;
  blockWidth: number;
  blockHeight: number;
  blocksAcross: number;
  blocksDown: number;
  /** bits of a sample in the file: any number up to 16, 24, 32 or 64; unpacked to the next larger type */
  bits: number;
  sampleType: SampleType;
  compression: number;
  /** 1: none */
  predictor: number;
  photometric: number | undefined;
  littleEndian: boolean;
}

/** By sample format and bits; whole numbers of other bits are unpacked. */
const TYPES: Record<string, SampleType> = {
  '1/24': 'uint32', '1/32': 'uint32', '2/8': 'int8', '2/16': 'int16', '2/32': 'int32', '3/16': 'float32', '3/32': 'float32', '3/64': 'float64',
};
const unsignedType = (bits: number): SampleType | undefined => (bits >= 1 && bits <= 8 ? 'uint8' : bits <= 16 ? 'uint16' : undefined);
const MAX_BLOCK_BYTES = 2 ** 29;
const PALETTE = 3, CMYK = 5, CIELAB = 8, JPEG = 7;
export const YCBCR = 6;
/** Codecs that have predictors: elsewhere the tag means nothing. */
const PREDICTED = [5, 8, 32946, 50000];

function refuse(name: string, what: string, remedy: string): never {
  throw new UnsupportedInput(`${name}: ${what}; ${remedy}`, { source: name });
}

const UNTYPED = 4;

function sampleTypeOf(image: GeoTIFFImage, name: string): { bits: number; sampleType: SampleType } {
  const directory = image.getFileDirectory();
  const bits = Array.from(directory.getValue('BitsPerSample') ?? [1]), formats = Array.from(directory.getValue('SampleFormat') ?? [1]);
  if (new Set(bits).size > 1 || new Set(formats).size > 1) refuse(name, `bands differ in type (${bits.join(', ')} bits)`, 'write bands of different types to files of their own');
  const format = formats[0] === UNTYPED ? 1 : formats[0]!, sampleType = TYPES[`${format}/${bits[0]}`] ?? (format === 1 ? unsignedType(bits[0]!) : undefined);
  if (!sampleType) refuse(name, `samples of format ${formats[0]} with ${bits[0]} bits are not read`, 'convert with gdal_translate -ot Float32 or another type of 8, 16 or 32 bits');
  return { bits: bits[0]!, sampleType };
}

/** Layout of an image's blocks. @throws {UnsupportedInput} for colour models and block sizes that are not read */
export function blockLayout(image: GeoTIFFImage, name: string, predictor: number): BlockLayout {
  const directory = image.getFileDirectory(), photometric = directory.getValue('PhotometricInterpretation');
  if (photometric === PALETTE) refuse(name, 'its pixels are numbers of a colour table', 'expand it with gdal_translate -expand rgb');
  if (photometric === CMYK) refuse(name, 'its colours are those of a printer (CMYK)', 'convert it with gdal_translate -b 1 -b 2 -b 3 -co COMPRESS=DEFLATE -co TILED=YES');
  const compression = directory.getValue('Compression') ?? 1;
  if ((photometric === YCBCR && compression !== JPEG) || photometric === CIELAB) refuse(name, 'its colours are stored as YCbCr or Lab', 'convert it with gdal_translate -co COMPRESS=DEFLATE -co TILED=YES');
  const samples = image.getSamplesPerPixel(), planar = image.planarConfiguration === 2;
  const { bits, sampleType } = sampleTypeOf(image, name), predicted = PREDICTED.includes(compression) ? predictor : 1;
  if (predicted > 3 || (predicted === 2 && ![8, 16, 32, 64].includes(bits)) || (predicted === 3 && !sampleType.startsWith('float'))) {
    refuse(name, `its compression with predictor ${predictor} does not go with ${bits} bits a sample`, 'export it again from its source, with another predictor');
  }
  const tiled = directory.hasTag('TileWidth'), [width, height] = [image.getWidth(), image.getHeight()];
  const blockWidth = tiled ? directory.getValue('TileWidth') ?? 0 : width, blockHeight = tiled ? directory.getValue('TileLength') ?? 0 : Math.min(directory.getValue('RowsPerStrip') ?? height, height);
  if (!(width > 0 && height > 0 && blockWidth > 0 && blockHeight > 0)) throw new InvalidInput(`${name}: its header gives no size; the file is damaged, copy or export it again`, { source: name });
  if (photometric === YCBCR && (bits !== 8 || samples !== 3 || planar)) refuse(name, `its colours are stored as YCbCr, in ${samples} bands of ${bits} bits`, 'convert it with gdal_translate -co COMPRESS=DEFLATE -co TILED=YES');
  if ((blockWidth * blockHeight * (planar ? 1 : samples) * bits) / 8 > MAX_BLOCK_BYTES) {
    refuse(name, `one block holds ${blockWidth} x ${blockHeight} pixels, too much for memory`, 'write it tiled: gdal_translate -co TILED=YES -co COMPRESS=DEFLATE -co BIGTIFF=IF_SAFER');
  }
  return {
    width, height, samples, planar, tiled, blockWidth, blockHeight,
    blocksAcross: Math.ceil(width / blockWidth), blocksDown: Math.ceil(height / blockHeight),
    bits, sampleType, compression, predictor: predicted, photometric, littleEndian: image.littleEndian,
  };
}

/** Index of the alpha band: the first extra sample that is declared as one. */
function alphaOf(image: GeoTIFFImage): number | null {
  const extra = Array.from(image.getFileDirectory().getValue('ExtraSamples') ?? []);
  const at = extra.findIndex((kind) => kind === 1 || kind === 2);
  return at < 0 ? null : image.getSamplesPerPixel() - extra.length + at;
}

/** The nodata text of GDAL: a number with a NUL behind; `nan` is one. */
function nodataOf(image: GeoTIFFImage, name: string): number | null {
  const directory = image.getFileDirectory();
  const text = directory.hasTag('GDAL_NODATA') ? String(directory.getValue('GDAL_NODATA')).replaceAll('\0', '').trim() : '';
  if (text === '') return null;
  if (/^[+-]?nan/i.test(text)) return NaN;
  const infinite = /^([+-]?)inf/i.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  if (Number.isNaN(value)) throw new InvalidInput(`${name}: its nodata value "${text}" is no number; set it with gdal_edit.py -a_nodata`, { source: name });
  return value;
}

/**
 * The place of an image. The tie point of a PixelIsPoint file is the centre of a pixel: moved by half a pixel here and nowhere else.
 *
 * @returns null for a file without georeference
 * @throws {UnsupportedInput} for rotated, south-up and ground-control-point files, and those placed by a camera model (RPC)
 */
function affineOf(image: GeoTIFFImage, name: string): RasterAffine | null {
  const directory = image.getFileDirectory(), keys = image.getGeoKeys();
  const half = keys?.GTRasterTypeGeoKey === 2 ? 0.5 : 0;
  const matrix = directory.getValue('ModelTransformation'), scale = directory.getValue('ModelPixelScale'), ties = directory.getValue('ModelTiepoint');
  const north = (x: number, y: number, resX: number, resY: number): RasterAffine => {
    if (!(resX > 0 && resY > 0)) refuse(name, `its pixels are ${resX} x ${-resY} with rows northward, or of no size`, 'turn it north-up with gdalwarp');
    return { x0: x - half * resX, y0: y + half * resY, resX, resY };
  };
  if (matrix) {
    const [a, b, , x, d, e, , y] = Array.from(matrix) as number[];
    if (b !== 0 || d !== 0) refuse(name, 'it is rotated', 'turn it north-up with gdalwarp');
    return north(x!, y!, a!, -e!);
  }
  if (ties && ties.length > 6) refuse(name, 'it is placed by ground control points', 'rectify it with gdalwarp');
  if (!scale && directory.hasTag(RPC)) refuse(name, 'it is placed by a camera model (RPC)', 'orthorectify it with gdalwarp -rpc, with a terrain model where there is one');
  if (!ties || !scale) return null;
  const [col, row, , x, y] = Array.from(ties) as number[], [resX, resY] = Array.from(scale) as number[];
  return north(x! - col! * resX!, y! + row! * resY!, resX!, resY!);
}

const RPC = 50844;

function crsOf(image: GeoTIFFImage): { epsg: number | null; crsIsOwn: boolean; verticalEpsg: number | null } {
  const keys = image.getGeoKeys();
  const code: unknown = keys?.ProjectedCSTypeGeoKey ?? (keys?.GTModelTypeGeoKey === 2 ? keys.GeographicTypeGeoKey : undefined);
  return { epsg: codeOf(code), crsIsOwn: code === USER_DEFINED, verticalEpsg: codeOf(keys?.VerticalCSTypeGeoKey) };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : value instanceof Uint8Array ? new TextDecoder().decode(value) : '').replace(/\0[^]*$/, '').trim();

/** The header of a GeoTIFF's full image. */
export async function rasterHeader(image: GeoTIFFImage, name: string, { width, height, samples, sampleType }: BlockLayout): Promise<RasterHeader> {
  const alpha = alphaOf(image), directory = image.getFileDirectory();
  const facts = bandFacts(textOf(await directory.loadValue('GDAL_METADATA')), samples).filter((_, sample) => sample !== alpha);
  return {
    name, width, height, bands: facts.length, sampleType, nodata: nodataOf(image, name), ...crsOf(image), affine: affineOf(image, name), alpha,
    bandFacts: facts, dateTime: textOf(await directory.loadValue('DateTime')) || null,
  };
}

/**
 * What a user should know before heights are taken from a raster: each a sentence with what to do. Nothing of it is an error.
 *
 * A declared nodata of 0 is legal, but ground and gaps of a canopy height model are 0 m high: they become voids.
 */
export function heightWarnings({ name, nodata, sampleType, bandFacts: [fact] }: RasterHeader): string[] {
  const warnings: string[] = [];
  if (nodata === 0) warnings.push(`${name}: declares nodata 0, so that heights of 0 m are voids and no open ground; if 0 is a height in it, take the declaration out with gdal_edit.py -unsetnodata`);
  if (sampleType === 'uint8') warnings.push(`${name}: holds heights as whole numbers of 0 to 255; if they were scaled, write them as Float32 metres`);
  if (fact && (fact.scale !== 1 || fact.offset !== 0)) warnings.push(`${name}: says that its heights are pixel x ${fact.scale} + ${fact.offset}, which is not applied; write it out with gdal_translate -unscale -ot Float32`);
  if (fact?.unit && !/^(m|metre|metres|meter|meters)$/i.test(fact.unit)) warnings.push(`${name}: says that its heights are in ${fact.unit}; name the unit with the key z_unit`);
  return warnings;
}
