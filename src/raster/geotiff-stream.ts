// raster/geotiff-stream.ts: a GeoTIFF of any size whose tiles are appended one by one, its directory last. Pure.
import { deflateSync } from 'node:zlib';
import { InvalidInput } from '../errors.ts';
import { pixelCount } from '../geo/lattice.ts';
import type { Lattice, PixelArray, Window } from '../types.ts';
import { predict } from './geotiff-encode.ts';
import { checkNodata, gdalTags, geoTags, imageTags, PIXEL_TYPES } from './geotiff-tags.ts';
import { layOutDirectory, tiffHeader, tileTags } from './tiff-layout.ts';

/** What is known before the first pixel: one band, north-up, pixels as areas. */
export interface StreamedImage {
  lattice: Lattice;
  window: Window;
  type: 'uint8' | 'float32';
  /** what voids are written as; null: they are written as 0, which is then a value like others */
  nodata: number | null;
  /** EPSG code of a projected CRS in metres */
  epsg: number | null;
  bandName: string;
  /** of the values: `m` ... */
  units?: string;
  /** edge of a tile in pixels, a multiple of 16 */
  tilePx?: number;
  /** BigTIFF; default: only when the pixels, were they not deflated, could take more than a classic TIFF holds (4 GiB) */
  big?: boolean;
}

/** The pieces of a file in the order in which they are written: `head`, tiles, `close().directory`; then `close().head` over the first. */
export interface GeoTiffStream {
  readonly big: boolean;
  /** windows of the tiles on the lattice, row by row: the order of `add`; those at the eastern and southern edge reach beyond the image */
  readonly tiles: TileGrid;
  readonly head: Uint8Array;
  /**
   * Encode the next tile.
   *
   * @param data  `tilePx x tilePx`, row-major; left as it was
   * @param mask  1 valid, 0 void
   * @param at    where its bytes will stand
   * @returns null for a tile without a pixel to write: its place stays empty (sparse) and readers take it for nodata, or 0
   * @throws {InvalidInput} when a valid pixel equals `nodata` and would be lost
   */
  add(data: PixelArray, mask: Uint8Array, at: number): Uint8Array | null;
  /** @param at  end of the last tile  @throws {InvalidInput} when tiles are missing */
  close(at: number): { directory: Uint8Array; head: Uint8Array };
}

export interface TileGrid {
  tilePx: number;
  across: number;
  down: number;
}

/** Bytes that a classic TIFF may hold, less room for the directory. */
const CLASSIC_BYTES = 0xf000_0000;
/** Within 0.3 % of level 6 on heights: the predictor does most of the work. */
const DEFLATE_LEVEL = 5;

/** Window of a tile on the image's lattice. */
export const tileWindow = ({ window }: Pick<StreamedImage, 'window'>, { tilePx }: TileGrid, col: number, row: number): Window =>
  ({ col: window.col + col * tilePx, row: window.row + row * tilePx, width: tilePx, height: tilePx });

/**
 * Plan a tiled, deflated GeoTIFF that is written as its tiles come; memory holds one tile and 16 bytes a tile for the directory.
 * No time, host or software tag is written.
 *
 * @throws {InvalidInput} for an empty window, a tile size that TIFF does not know, a nodata that the type cannot hold
 */
export function geoTiffStream(image: StreamedImage): GeoTiffStream {
  const { window, nodata, tilePx = 512 } = image;
  const type = PIXEL_TYPES.get(image.type === 'uint8' ? 'Uint8Array' : 'Float32Array')!;
  if (pixelCount(window) <= 0) throw new InvalidInput('a GeoTIFF needs at least one pixel; the window is empty');
  if (!(tilePx > 0) || tilePx % 16 !== 0) throw new InvalidInput(`tile size ${tilePx} is no multiple of 16, as TIFF asks`);
  if (nodata !== null) checkNodata(nodata, type);
  const tiles = { tilePx, across: Math.ceil(window.width / tilePx), down: Math.ceil(window.height / tilePx) }, count = tiles.across * tiles.down;
  const big = image.big ?? count * tilePx * tilePx * (type.bits / 8) > CLASSIC_BYTES;
  const predictor = type.sampleFormat === 3 ? 3 : 2, scratch = type.make(tilePx * tilePx);
  const offsets = new Float64Array(count), byteCounts = new Uint32Array(count);
  let next = 0;
  return {
    big, tiles,
    head: tiffHeader(0, { big }),
    add(data, mask, at) {
      if (data.length !== scratch.length || mask.length !== scratch.length || next === count) {
        throw new InvalidInput(`${data.length} pixels do not make tile ${next + 1} of ${count}, of ${tilePx} x ${tilePx}`);
      }
      const index = next++;
      if (!fillVoids(scratch, data, mask, nodata)) return null;
      const bytes = deflateSync(predict(scratch, predictor, tilePx, 1), { level: DEFLATE_LEVEL });
      offsets[index] = at;
      byteCounts[index] = bytes.length;
      return bytes;
    },
    close(at) {
      if (next !== count) throw new InvalidInput(`the GeoTIFF has ${count} tiles, ${next} were written`);
      const facts = { ...image, samples: 1, bandNames: [image.bandName] }, look = { tileWidth: tilePx, tileHeight: tilePx, deflated: true, predictor } as const;
      const tags = [...imageTags(facts, type, look), ...geoTags(facts), ...gdalTags(facts), ...tileTags(offsets, byteCounts, { big })];
      const start = at + (at & 1), padded = new Uint8Array(start - at); // a directory stands at an even place
      return { directory: Buffer.concat([padded, layOutDirectory(tags, start, { big })]), head: tiffHeader(start, { big }) };
    },
  };
}

/** Copy a tile with its voids as nodata; false when nothing is left that a reader would not assume of an empty tile. */
function fillVoids(out: PixelArray, data: PixelArray, mask: Uint8Array, nodata: number | null): boolean {
  const empty = nodata ?? 0;
  let any = false;
  for (let i = 0; i < out.length; i++) {
    if (!mask[i]) {
      out[i] = empty;
      continue;
    }
    const value = data[i]!;
    if (nodata !== null && Object.is(value, nodata)) throw new InvalidInput(`a valid pixel equals nodata ${nodata} and would be lost; choose another nodata value`);
    out[i] = value;
    if (nodata !== null || value !== 0) any = true;
  }
  return any;
}
