// raster/geotiff-tags.ts: the tags of a tiled GeoTIFF: image, place, CRS, and what GDAL adds. Pure.
import { InvalidInput } from '../errors.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import type { Lattice, PixelArray, Window } from '../types.ts';
import type { TiffTag } from './tiff-layout.ts';

/** What the tags say of an image; `samples` is its number of bands. */
export interface ImageFacts {
  lattice: Lattice;
  window: Window;
  samples: number;
  epsg: number | null;
  nodata: number | null;
  bandNames?: string[];
  units?: string;
}

/** How a typed array stands in a TIFF. */
export interface PixelType { bits: 8 | 16 | 32 | 64; sampleFormat: 1 | 2 | 3; make: (length: number) => PixelArray }

/** By the array's name. Sample formats of TIFF: 1 unsigned, 2 signed, 3 floating point. */
export const PIXEL_TYPES = new Map<string, PixelType>([
  ['Uint8Array', { bits: 8, sampleFormat: 1, make: (n) => new Uint8Array(n) }],
  ['Int8Array', { bits: 8, sampleFormat: 2, make: (n) => new Int8Array(n) }],
  ['Uint16Array', { bits: 16, sampleFormat: 1, make: (n) => new Uint16Array(n) }],
  ['Int16Array', { bits: 16, sampleFormat: 2, make: (n) => new Int16Array(n) }],
  ['Uint32Array', { bits: 32, sampleFormat: 1, make: (n) => new Uint32Array(n) }],
  ['Int32Array', { bits: 32, sampleFormat: 2, make: (n) => new Int32Array(n) }],
  ['Float32Array', { bits: 32, sampleFormat: 3, make: (n) => new Float32Array(n) }],
  ['Float64Array', { bits: 64, sampleFormat: 3, make: (n) => new Float64Array(n) }],
]);

/** @throws {InvalidInput} when pixels of a type cannot hold a nodata value: a reader would not find it again */
export function checkNodata(nodata: number, { make, bits }: PixelType): void {
  const probe = make(1);
  probe[0] = nodata;
  if (!Object.is(probe[0], nodata)) throw new InvalidInput(`nodata ${nodata} does not fit ${bits}-bit pixels; a reader would not find it again`);
}

/** How tiles are cut and packed. */
export interface TileLook { tileWidth: number; tileHeight: number; deflated: boolean; predictor: 1 | 2 | 3 }

/** Size, pixel type, tiles and colours. */
export function imageTags({ window, samples, bandNames }: ImageFacts, type: PixelType, look: TileLook): TiffTag[] {
  const colour = type.bits === 8 && samples >= 3 && bandNames?.slice(0, 3).join() === 'red,green,blue';
  const extra = samples - (colour ? 3 : 1);
  const tags: TiffTag[] = [
    { tag: 256, type: 'long', values: [window.width] },
    { tag: 257, type: 'long', values: [window.height] },
    { tag: 258, type: 'short', values: new Array<number>(samples).fill(type.bits) },
    { tag: 259, type: 'short', values: [look.deflated ? 8 : 1] },
    { tag: 262, type: 'short', values: [colour ? 2 : 1] },
    { tag: 277, type: 'short', values: [samples] },
    { tag: 284, type: 'short', values: [1] }, // interleaved
    { tag: 322, type: 'long', values: [look.tileWidth] },
    { tag: 323, type: 'long', values: [look.tileHeight] },
    { tag: 339, type: 'short', values: new Array<number>(samples).fill(type.sampleFormat) },
  ];
  if (look.predictor !== 1) tags.push({ tag: 317, type: 'short', values: [look.predictor] });
  if (extra > 0) tags.push({ tag: 338, type: 'short', values: new Array<number>(extra).fill(0) }); // 0: not an alpha
  return tags;
}

/**
 * North-up pixel scale and tie point, and the geo keys: projected (1), pixel is area (1), the EPSG code, metres (9001).
 * @throws {InvalidInput} for a code that is no projected CRS of EPSG
 */
export function geoTags({ lattice, window, epsg }: ImageFacts): TiffTag[] {
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

/** Marks a directory as a coarser view of the first one. */
export const overviewTags = (): TiffTag[] => [{ tag: 254, type: 'long', values: [1] }];

/** What voids are written as, as GDAL keeps it: in each directory of a file. */
export const nodataTags = ({ nodata }: Pick<ImageFacts, 'nodata'>): TiffTag[] =>
  (nodata === null ? [] : [{ tag: 42113, type: 'ascii', text: Number.isNaN(nodata) ? 'nan' : String(nodata) }]);

/** Band names and unit, as GDAL keeps them. */
export function gdalTags({ bandNames, units, samples }: ImageFacts): TiffTag[] {
  const items = Array.from({ length: samples }, (_, i) => [
    ...(bandNames ? [item(i, 'DESCRIPTION', 'description', bandNames[i]!)] : []),
    ...(units ? [item(i, 'UNITTYPE', 'unittype', units)] : []),
  ]).flat();
  return items.length === 0 ? [] : [{ tag: 42112, type: 'ascii', text: `<GDALMetadata>\n${items.join('')}</GDALMetadata>\n` }];
}

const XML_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (c) => XML_ENTITIES[c]!);

/** GDAL escapes its metadata twice, and undoes both when it reads. */
const item = (sample: number, name: string, role: string, text: string): string =>
  `  <Item name="${name}" sample="${sample}" role="${role}">${escapeXml(escapeXml(text))}</Item>\n`;
