// tile/bucket-format.ts: the bytes of a bucket: one LiDAR file's points in one tile, by anchored sub-cells. Pure.
//
//   header   'UBK1', sub-cell columns, sub-cell rows, points: four uint32
//   counts   points of each sub-cell, row-major southward: uint32
//   blocks   for each sub-cell its columns one after another, padded to 8 bytes
//
// A neighbour's halo is therefore a header, and one range for each row of sub-cells.
import type { Tile } from '../types.ts';
import { InvalidInput } from '../errors.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';

/** Edge of a sub-cell, metres: anchored to the CRS origin, whatever the tile size. A tile's border may cut one. */
export const SUB_CELL_M = 10;
const SUB_CELL = SUB_CELL_M * UNITS_PER_M;

/** Columns of stored points. `x`, `y` are integers of 1e-5 m from the tile's lower-left corner, `z` from 0. */
export interface BucketPoints {
  count: number;
  time: Float64Array;
  x: Int32Array;
  y: Int32Array;
  z: Int32Array;
  intensity: Uint16Array;
  /** return number in the low four bits, number of returns in the high four */
  returns: Uint8Array;
  classification: Uint8Array;
  /** bit 0 withheld, 1 overlap, 2 synthetic, 3 key point */
  flags: Uint8Array;
}

/** The anchored sub-cells that a tile meets; `col0`, `row0` are global, rows southward. */
export interface SubCells {
  col0: number;
  row0: number;
  cols: number;
  rows: number;
}

const BYTES_A_POINT = 25;
const HEADER_BYTES = 16;
const MAGIC = 0x314b4255;

export const blockBytes = (count: number): number => Math.ceil((count * BYTES_A_POINT) / 8) * 8;
export const headBytes = (cells: SubCells): number => Math.ceil((HEADER_BYTES + 4 * cells.cols * cells.rows) / 8) * 8;

/** Sub-cells of a tile, global indices. */
export function subCellsOf(tile: Tile): SubCells {
  const { x0, y0, x1, y1 } = tile.core;
  const col0 = Math.floor(toUnits(x0) / SUB_CELL), row0 = -Math.ceil(toUnits(y1) / SUB_CELL);
  return { col0, row0, cols: Math.ceil(toUnits(x1) / SUB_CELL) - col0, rows: -Math.floor(toUnits(y0) / SUB_CELL) - row0 };
}

/** Global column and row of the sub-cell that holds a coordinate in units. */
export const subColOf = (x: number): number => Math.floor(x / SUB_CELL);
export const subRowOf = (y: number): number => -Math.floor(y / SUB_CELL) - 1;

export function allocateBucketPoints(count: number): BucketPoints {
  return {
    count,
    time: new Float64Array(count), x: new Int32Array(count), y: new Int32Array(count), z: new Int32Array(count),
    intensity: new Uint16Array(count), returns: new Uint8Array(count), classification: new Uint8Array(count), flags: new Uint8Array(count),
  };
}

/** Views of the columns of a block of `count` points that starts at `offset` of an 8-byte aligned buffer. */
export function blockColumns(buffer: ArrayBufferLike, offset: number, count: number): BucketPoints {
  const ints = offset + 8 * count, words = ints + 12 * count, bytes = words + 2 * count;
  return {
    count,
    time: new Float64Array(buffer, offset, count),
    x: new Int32Array(buffer, ints, count), y: new Int32Array(buffer, ints + 4 * count, count), z: new Int32Array(buffer, ints + 8 * count, count),
    intensity: new Uint16Array(buffer, words, count),
    returns: new Uint8Array(buffer, bytes, count), classification: new Uint8Array(buffer, bytes + count, count), flags: new Uint8Array(buffer, bytes + 2 * count, count),
  };
}

/** Copy points [from, from + count) of one set of columns into another at `to`. */
export function copyPoints(source: BucketPoints, from: number, count: number, target: BucketPoints, to: number): void {
  const end = from + count;
  target.time.set(source.time.subarray(from, end), to);
  target.x.set(source.x.subarray(from, end), to);
  target.y.set(source.y.subarray(from, end), to);
  target.z.set(source.z.subarray(from, end), to);
  target.intensity.set(source.intensity.subarray(from, end), to);
  target.returns.set(source.returns.subarray(from, end), to);
  target.classification.set(source.classification.subarray(from, end), to);
  target.flags.set(source.flags.subarray(from, end), to);
}

/** A bucket's header. @throws {InvalidInput} when the bytes are no bucket of these sub-cells */
export function parseHead(bytes: Uint8Array, cells: SubCells, source: string): Uint32Array {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  if (words[0] !== MAGIC || words[1] !== cells.cols || words[2] !== cells.rows) {
    throw new InvalidInput(`${source}: not a bucket of this grid; delete the folder parts/bucket and run again`, { source });
  }
  return words.subarray(4, 4 + cells.cols * cells.rows);
}

/**
 * A bucket under construction: blocks are filled sub-cell by sub-cell, in order.
 *
 * @param mostPoints  at least as many as will come
 */
export function newBucket(cells: SubCells, mostPoints: number): {
  /** the columns to fill for the next sub-cell that has points */
  block(cell: number, count: number): BucketPoints;
  bytes(): Uint8Array;
} {
  const blocks = cells.cols * cells.rows;
  const buffer = new ArrayBuffer(headBytes(cells) + blockBytes(mostPoints) + 8 * blocks);
  const head = new Uint32Array(buffer, 0, 4 + blocks);
  head.set([MAGIC, cells.cols, cells.rows, 0]);
  let offset = headBytes(cells);
  return {
    block(cell, count) {
      const columns = blockColumns(buffer, offset, count);
      head[3]! += count;
      head[4 + cell] = count;
      offset += blockBytes(count);
      return columns;
    },
    bytes: () => new Uint8Array(buffer, 0, offset),
  };
}
