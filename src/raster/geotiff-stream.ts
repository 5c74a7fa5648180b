// raster/geotiff-stream.ts: a cloud optimised GeoTIFF of any size, encoded tile by tile, laid out once all tiles are known. Pure.
import { deflateSync } from 'node:zlib';
import { InvalidInput } from '../errors.ts';
import { pixelCount } from '../geo/lattice.ts';
import type { Lattice, PixelArray, Window } from '../types.ts';
import { predict } from './geotiff-encode.ts';
import { checkNodata, gdalTags, geoTags, imageTags, nodataTags, overviewTags, PIXEL_TYPES } from './geotiff-tags.ts';
import type { PixelType, TileLook } from './geotiff-tags.ts';
import { OverviewCascade, pyramid } from './overview.ts';
import type { Level, LevelTile, OverviewRule } from './overview.ts';
import { layOutDirectory, MAX_TIFF_BYTES, tiffHeader, tileTags } from './tiff-layout.ts';
import type { TiffTag } from './tiff-layout.ts';

/** What is known before the first pixel: one band, north-up, pixels as areas. */
export interface StreamedImage {
  lattice: Lattice;
  window: Window;
  type: 'uint8' | 'float32';
  /** what voids are written as; null: they are written as 0, which is then a value like others */
  nodata: number | null;
  overviews: OverviewRule;
  /** EPSG code of a projected CRS in metres */
  epsg: number | null;
  bandName: string;
  /** of the values: `m` ... */
  units?: string;
  /** edge of a tile in pixels, a multiple of 16 */
  tilePx?: number;
}

export interface TileGrid {
  tilePx: number;
  across: number;
  down: number;
}

/** A tile as it stands in the file; no bytes for one without a pixel to write: its place stays empty (sparse), and readers take it for nodata, or 0. */
export interface CodedTile {
  level: number;
  col: number;
  row: number;
  /** the deflated pixels between their length (4 bytes) and a copy of their last 4 bytes, as GDAL's layout asks */
  framed: Uint8Array | null;
}

export interface CogStream {
  /** windows of the image's tiles, row by row: the order of `add`; those at the eastern and southern edge reach beyond the image */
  readonly tiles: TileGrid;
  /** the image, and its overviews */
  readonly levels: readonly Level[];
  /**
   * Encode the next tile, and the tiles of overviews that it completes.
   *
   * @param data  `tilePx x tilePx`, row-major; left as it was
   * @param mask  1 valid, 0 void
   * @throws {InvalidInput} when a valid pixel equals `nodata` and would be lost, or there are more tiles than the image has
   */
  add(data: PixelArray, mask: Uint8Array): Generator<CodedTile>;
}

/** Where tiles go in a file, once the length of each is known. */
export interface CogLayout {
  /** of the whole file */
  bytes: number;
  /** header, structural metadata and directories; the tiles follow without gaps, in the order of `tilesInOrder` */
  head(): Uint8Array;
}

/** Edge of a tile where the caller names none. */
export const TILE_PX = 512;
/** Within 0.3 % of level 6 on heights: the predictor does most of the work. */
const DEFLATE_LEVEL = 5;
/** Bytes around a tile. */
const LEADER = 4, TRAILER = 4;

/** What tells GDAL that it need not ask for a tile's length first: behind the header, before the first directory. The last byte is its room for YES. */
const STRUCTURE = 'LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\nBLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ';
const GHOST = new TextEncoder().encode(`GDAL_STRUCTURAL_METADATA_SIZE=${String(STRUCTURE.length).padStart(6, '0')} bytes\n${STRUCTURE}`);

/** Window of a tile on the image's lattice. */
export const tileWindow = ({ window }: Pick<StreamedImage, 'window'>, { tilePx }: TileGrid, col: number, row: number): Window =>
  ({ col: window.col + col * tilePx, row: window.row + row * tilePx, width: tilePx, height: tilePx });

/**
 * Plan a tiled, deflated image with overviews whose tiles come row by row. Memory holds one row of tiles for the overviews.
 *
 * @throws {InvalidInput} for an empty window, a tile size that TIFF does not know, a nodata that the type cannot hold
 */
export function cogStream(image: StreamedImage): CogStream {
  const { window, nodata, overviews: rule, tilePx = TILE_PX } = image, type = typeOf(image), { predictor } = lookOf(image);
  if (pixelCount(window) <= 0) throw new InvalidInput('a GeoTIFF needs at least one pixel; the window is empty');
  if (!(tilePx > 0) || tilePx % 16 !== 0) throw new InvalidInput(`tile size ${tilePx} is no multiple of 16, as TIFF asks`);
  if (nodata !== null) checkNodata(nodata, type);
  const levels = pyramid(window, tilePx), { across, down } = levels[0]!, count = across * down, scratch = type.make(tilePx ** 2);
  const cascade = new OverviewCascade(levels, { tilePx, rule, make: type.make });
  let next = 0;
  const encode = ({ level, col, row, data, mask }: LevelTile): CodedTile => {
    const isEmpty = !fillVoids(scratch, { level, data, mask }, nodata);
    return { level, col, row, framed: isEmpty ? null : frame(deflateSync(predict(scratch, predictor, tilePx, 1), { level: DEFLATE_LEVEL })) };
  };
  return {
    levels,
    tiles: { tilePx, across, down },
    *add(data, mask) {
      if (data.length !== scratch.length || mask.length !== scratch.length || next === count) {
        throw new InvalidInput(`${data.length} pixels do not make tile ${next + 1} of ${count}, of ${tilePx} x ${tilePx}`);
      }
      const tile = { level: 0, col: next % across, row: Math.floor(next / across), data, mask };
      next++;
      for (const made of cascade.add(tile)) yield encode(made);
    },
  };
}

/** Tiles in the order of the file: the coarsest overview first, the image last, each row by row; so that a reader gets the whole view early. */
export function* tilesInOrder(levels: readonly Level[]): Generator<{ level: number; col: number; row: number }> {
  for (let level = levels.length - 1; level >= 0; level--) {
    const { across, down } = levels[level]!;
    for (let row = 0; row < down; row++) for (let col = 0; col < across; col++) yield { level, col, row };
  }
}

/**
 * Lay out an image and its overviews as a classic TIFF in the order of a cloud optimised GeoTIFF: header, GDAL's structural
 * metadata, directories from the finest level to the coarsest, tiles from the coarsest to the finest.
 * No time, host or software tag is written.
 *
 * @param framedBytes  of a tile (`CodedTile.framed`); 0 for one that is not written
 */
export function layOutCog(image: StreamedImage, framedBytes: (level: number, col: number, row: number) => number): CogLayout {
  const levels = pyramid(image.window, image.tilePx ?? TILE_PX);
  const offsets = levels.map(({ across, down }) => new Float64Array(across * down)), byteCounts = levels.map(({ across, down }) => new Uint32Array(across * down));
  const headBytes = layOutHead(image, levels, offsets, byteCounts).length;
  let at = headBytes;
  for (const { level, col, row } of tilesInOrder(levels)) {
    const framed = framedBytes(level, col, row), index = row * levels[level]!.across + col;
    if (framed === 0) continue;
    offsets[level]![index] = at + LEADER;
    byteCounts[level]![index] = framed - LEADER - TRAILER;
    at += framed;
  }
  return {
    bytes: at,
    head() {
      if (at > MAX_TIFF_BYTES) throw new InvalidInput(`the raster takes ${at} bytes, more than a classic TIFF holds (4 GiB); write several files`);
      return layOutHead(image, levels, offsets, byteCounts);
    },
  };
}

function layOutHead(image: StreamedImage, levels: readonly Level[], offsets: readonly Float64Array[], byteCounts: readonly Uint32Array[]): Uint8Array {
  const header = tiffHeader(0).length, first = header + GHOST.length + (GHOST.length & 1), pieces: Uint8Array[] = [];
  let at = first;
  levels.forEach((level, i) => {
    const tags = [...levelTags(image, level, i), ...tileTags(offsets[i]!, byteCounts[i]!)];
    pieces.push(layOutDirectory(tags, at, { hasNext: i + 1 < levels.length }));
    at += pieces[i]!.length;
  });
  const head = new Uint8Array(at);
  head.set(tiffHeader(first));
  head.set(GHOST, header);
  pieces.reduce((place, piece) => (head.set(piece, place), place + piece.length), first);
  return head;
}

function levelTags(image: StreamedImage, { width, height }: Level, level: number): TiffTag[] {
  const facts = { ...image, window: { ...image.window, width, height }, samples: 1, bandNames: [image.bandName] };
  const tags = imageTags(facts, typeOf(image), lookOf(image));
  return level === 0 ? [...tags, ...geoTags(facts), ...gdalTags(facts), ...nodataTags(facts)] : [...tags, ...overviewTags(), ...nodataTags(facts)];
}

const typeOf = ({ type }: StreamedImage): PixelType => PIXEL_TYPES.get(type === 'uint8' ? 'Uint8Array' : 'Float32Array')!;

const lookOf = ({ type, tilePx = TILE_PX }: StreamedImage): TileLook =>
  ({ tileWidth: tilePx, tileHeight: tilePx, deflated: true, predictor: type === 'uint8' ? 2 : 3 });

/** A tile between its length and a copy of its end. */
function frame(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LEADER + bytes.length + TRAILER);
  new DataView(framed.buffer).setUint32(0, bytes.length, true);
  framed.set(bytes, LEADER);
  framed.set(bytes.subarray(bytes.length - TRAILER), LEADER + bytes.length);
  return framed;
}

/**
 * Copy a tile with its voids as nodata; false when nothing is left that a reader would not assume of an empty tile.
 * A mean in an overview that happens to equal nodata reads as a void; a pixel of the image never does.
 */
function fillVoids(out: PixelArray, { level, data, mask }: Pick<LevelTile, 'level' | 'data' | 'mask'>, nodata: number | null): boolean {
  const empty = nodata ?? 0;
  let any = false;
  for (let i = 0; i < out.length; i++) {
    if (!mask[i]) {
      out[i] = empty;
      continue;
    }
    const value = data[i]!;
    if (level === 0 && nodata !== null && Object.is(value, nodata)) throw new InvalidInput(`a valid pixel equals nodata ${nodata} and would be lost; choose another nodata value`);
    out[i] = value;
    if (nodata !== null || value !== 0) any = true;
  }
  return any;
}
