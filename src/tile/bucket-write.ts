// tile/bucket-write.ts: a LiDAR file's points into buckets, one a tile, with bounded memory. IO.
import { join } from 'node:path';
import type { Tile } from '../types.ts';
import { appendBytes, takeBytes, writeInside } from '../files/append.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { BucketPoints } from './bucket-format.ts';
import { SUB_CELL_M, allocateBucketPoints, blockBytes, blockColumns, copyPoints, newBucket, subCellsOf, subColOf, subRowOf } from './bucket-format.ts';
import { tileFromId } from './grid.ts';
import { distinctOf, gatherPoints, groupBySubCell, sortSubCell } from './point-order.ts';

/** A chunk of decoded points in the survey's CRS: `x`, `y`, `z` are integers of 1e-5 m; the other columns as in `BucketPoints`. */
export interface PointChunk {
  count: number;
  x: Float64Array;
  y: Float64Array;
  z: Float64Array;
  time: Float64Array;
  intensity: Uint16Array;
  returns: Uint8Array;
  classification: Uint8Array;
  flags: Uint8Array;
}

export interface BucketSummary {
  /** tile id and points kept, in the order of ids */
  tiles: { id: string; points: number }[];
  /** records that equalled another in every stored column */
  duplicates: number;
}

/** Points held in memory before the fullest bucket goes to scratch. 25 bytes a point, arrays up to twice as long. */
const POINTS_IN_MEMORY = 4_000_000;
const SPILL_HEAD = 8;

export const bucketFileName = (tile: string): string => `${tile}.points`;

/**
 * Sort a file's points into the buckets of the tile grid: one file `<tile>.points` a tile in `dir`.
 *
 * @param chunks  points in file order; read once
 * @param sizeM   tile size, metres
 * @param dir     an existing folder; scratch files come and go there
 */
export async function writeBuckets(
  chunks: AsyncIterable<PointChunk>, sizeM: number, dir: string, { pointsInMemory = POINTS_IN_MEMORY } = {},
): Promise<BucketSummary> {
  const filling = new Map<string, Filling>();
  const place = placer(filling, sizeM);
  let held = 0;
  for await (const chunk of chunks) {
    place(chunk);
    held += chunk.count;
    for (; held > pointsInMemory; held -= await spillFullest(filling, dir));
  }
  const tiles: BucketSummary['tiles'] = [];
  let duplicates = 0;
  for (const id of [...filling.keys()].sort()) {
    const all = await allPoints(filling.get(id)!, dir);
    filling.delete(id);
    const { bytes, points } = encodeTile(all, tileFromId(id, sizeM));
    duplicates += all.count - points;
    await writeInside(join(dir, bucketFileName(id)), bytes);
    tiles.push({ id, points });
  }
  return { tiles, duplicates };
}

/** A tile's points while the file is read: those in memory, and how many went to scratch. */
interface Filling {
  id: string;
  x0: number;
  y0: number;
  points: BucketPoints;
  used: number;
  spilled: number;
}

/** Give the points of a chunk to their tiles, run by run: neighbouring records mostly share a tile. */
function placer(filling: Map<string, Filling>, sizeM: number): (chunk: PointChunk) => void {
  const size = sizeM * UNITS_PER_M;
  const tileFor = (x: number, y: number): Filling => {
    const col = Math.floor(x / size), row = Math.floor(y / size), id = `${col * sizeM}_${row * sizeM}`;
    const known = filling.get(id);
    if (known) return known;
    const made = { id, x0: col * size, y0: row * size, points: allocateBucketPoints(4096), used: 0, spilled: 0 };
    filling.set(id, made);
    return made;
  };
  return (chunk) => {
    const { x, y, count } = chunk;
    for (let from = 0, end = 0; from < count; from = end) {
      const tile = tileFor(x[from]!, y[from]!), x1 = tile.x0 + size, y1 = tile.y0 + size;
      for (end = from + 1; end < count && x[end]! >= tile.x0 && x[end]! < x1 && y[end]! >= tile.y0 && y[end]! < y1;) end++;
      appendRun(tile, chunk, from, end);
    }
  };
}

function appendRun(tile: Filling, chunk: PointChunk, from: number, end: number): void {
  const count = end - from, to = tile.used;
  while (tile.points.count < to + count) tile.points = grown(tile.points);
  const { points, x0, y0 } = tile;
  for (let i = 0; i < count; i++) points.x[to + i] = chunk.x[from + i]! - x0;
  for (let i = 0; i < count; i++) points.y[to + i] = chunk.y[from + i]! - y0;
  for (let i = 0; i < count; i++) points.z[to + i] = chunk.z[from + i]!;
  for (let i = 0; i < count; i++) points.time[to + i] = chunk.time[from + i]!;
  for (let i = 0; i < count; i++) points.intensity[to + i] = chunk.intensity[from + i]!;
  for (let i = 0; i < count; i++) points.returns[to + i] = chunk.returns[from + i]!;
  for (let i = 0; i < count; i++) points.classification[to + i] = chunk.classification[from + i]!;
  for (let i = 0; i < count; i++) points.flags[to + i] = chunk.flags[from + i]!;
  tile.used = to + count;
}

function grown(points: BucketPoints): BucketPoints {
  const larger = allocateBucketPoints(points.count * 2);
  copyPoints(points, 0, points.count, larger, 0);
  return larger;
}

/** Append the fullest tile's points to its scratch file. @returns how many left memory */
async function spillFullest(filling: Map<string, Filling>, dir: string): Promise<number> {
  let fullest: Filling | null = null;
  for (const tile of filling.values()) if (!fullest || tile.used > fullest.used) fullest = tile;
  if (!fullest) return 0;
  const count = fullest.used, bytes = new ArrayBuffer(SPILL_HEAD + blockBytes(count));
  new Float64Array(bytes, 0, 1)[0] = count;
  copyPoints(fullest.points, 0, count, blockColumns(bytes, SPILL_HEAD, count), 0);
  await appendBytes(join(dir, `${fullest.id}.scratch`), new Uint8Array(bytes));
  fullest.spilled += count;
  fullest.used = 0;
  fullest.points = allocateBucketPoints(4096);
  return count;
}

/** All points of a tile: what is in memory, and what went to scratch. */
async function allPoints(tile: Filling, dir: string): Promise<BucketPoints> {
  if (tile.spilled === 0) return { ...tile.points, count: tile.used };
  const all = allocateBucketPoints(tile.spilled + tile.used);
  copyPoints(tile.points, 0, tile.used, all, 0);
  const scratch = await takeBytes(join(dir, `${tile.id}.scratch`)), aligned = scratch.byteOffset % 8 === 0 ? scratch : scratch.slice();
  for (let offset = 0, at = tile.used; offset < aligned.length;) {
    const start = aligned.byteOffset + offset, count = new Float64Array(aligned.buffer, start, 1)[0]!;
    copyPoints(blockColumns(aligned.buffer, start + SPILL_HEAD, count), 0, count, all, at);
    at += count;
    offset += SPILL_HEAD + blockBytes(count);
  }
  return all;
}

/** Sort a tile's points into its sub-cells and, within each, canonically; equal records become one. */
function encodeTile(points: BucketPoints, tile: Tile): { bytes: Uint8Array; points: number } {
  const cells = subCellsOf(tile), x0 = toUnits(tile.core.x0), y0 = toUnits(tile.core.y0), sub = SUB_CELL_M * UNITS_PER_M;
  const subCellOf = new Uint32Array(points.count);
  for (let i = 0; i < points.count; i++) {
    subCellOf[i] = (subRowOf(points.y[i]! + y0) - cells.row0) * cells.cols + subColOf(points.x[i]! + x0) - cells.col0;
  }
  const { starts, items } = groupBySubCell(subCellOf, cells.cols * cells.rows), bucket = newBucket(cells, points.count);
  let kept = 0;
  for (let cell = 0; cell + 1 < starts.length; cell++) {
    const own = items.subarray(starts[cell]!, starts[cell + 1]!);
    if (own.length === 0) continue;
    const col = cells.col0 + (cell % cells.cols), row = cells.row0 + Math.floor(cell / cells.cols);
    sortSubCell(points, own, col * sub - x0, -(row + 1) * sub - y0);
    const distinct = distinctOf(points, own);
    gatherPoints(points, distinct, bucket.block(cell, distinct.length), 0);
    kept += distinct.length;
  }
  return { bytes: bucket.bytes(), points: kept };
}
