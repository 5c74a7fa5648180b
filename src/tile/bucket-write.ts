// tile/bucket-write.ts: a LiDAR file's points into buckets, one a tile, with bounded memory. IO.
import { join } from 'node:path';
import type { Tile } from '../types.ts';
import { appendBytes, takeBytes, writeInside } from '../files/append.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { BucketPoints, SubCells } from './bucket-format.ts';
import { SUB_CELL_M, allocateBucketPoints, blockBytes, blockColumns, copyPoints, encodeBucket, subCellsOf, subColOf, subRowOf } from './bucket-format.ts';
import { tileFromId } from './grid.ts';
import { sortPoints } from './point-order.ts';

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
    const sorted = sortTile(all, tileFromId(id, sizeM));
    duplicates += all.count - sorted.points.count;
    await writeInside(join(dir, bucketFileName(id)), encodeBucket(sorted.points, sorted.counts, sorted.cells));
    tiles.push({ id, points: sorted.points.count });
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

/** Give each point of a chunk to its tile. Neighbouring records mostly share a tile, so the last one is kept at hand. */
function placer(filling: Map<string, Filling>, sizeM: number): (chunk: PointChunk) => void {
  const size = sizeM * UNITS_PER_M;
  const tileFor = (col: number, rowUp: number): Filling => {
    const id = `${col * sizeM}_${rowUp * sizeM}`;
    const known = filling.get(id);
    if (known) return known;
    const made = { id, x0: col * size, y0: rowUp * size, points: allocateBucketPoints(4096), used: 0, spilled: 0 };
    filling.set(id, made);
    return made;
  };
  let tile: Filling | null = null;
  return (chunk) => {
    for (let i = 0; i < chunk.count; i++) {
      const x = chunk.x[i]!, y = chunk.y[i]!;
      if (!tile || x < tile.x0 || y < tile.y0 || x >= tile.x0 + size || y >= tile.y0 + size) tile = tileFor(Math.floor(x / size), Math.floor(y / size));
      if (tile.used === tile.points.count) tile.points = grown(tile.points);
      const p = tile.points, at = tile.used++;
      p.time[at] = chunk.time[i]!;
      p.x[at] = x - tile.x0;
      p.y[at] = y - tile.y0;
      p.z[at] = chunk.z[i]!;
      p.intensity[at] = chunk.intensity[i]!;
      p.returns[at] = chunk.returns[i]!;
      p.classification[at] = chunk.classification[i]!;
      p.flags[at] = chunk.flags[i]!;
    }
  };
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

async function allPoints(tile: Filling, dir: string): Promise<BucketPoints> {
  const all = allocateBucketPoints(tile.spilled + tile.used);
  copyPoints(tile.points, 0, tile.used, all, 0);
  let at = tile.used;
  const scratch = tile.spilled === 0 ? new Uint8Array(0) : await takeBytes(join(dir, `${tile.id}.scratch`));
  const buffer = scratch.byteOffset % 8 === 0 ? scratch.buffer : scratch.slice().buffer;
  const base = buffer === scratch.buffer ? scratch.byteOffset : 0;
  for (let offset = 0; offset < scratch.length;) {
    const count = new Float64Array(buffer, base + offset, 1)[0]!;
    copyPoints(blockColumns(buffer, base + offset + SPILL_HEAD, count), 0, count, all, at);
    at += count;
    offset += SPILL_HEAD + blockBytes(count);
  }
  return all;
}

function sortTile(points: BucketPoints, tile: Tile): { points: BucketPoints; counts: Uint32Array; cells: SubCells } {
  const cells = subCellsOf(tile), x0 = toUnits(tile.core.x0), y0 = toUnits(tile.core.y0), sub = SUB_CELL_M * UNITS_PER_M;
  const subCellOf = new Uint32Array(points.count);
  for (let i = 0; i < points.count; i++) {
    subCellOf[i] = (subRowOf(points.y[i]! + y0) - cells.row0) * cells.cols + subColOf(points.x[i]! + x0) - cells.col0;
  }
  const cornerOf = (cell: number): [number, number] => {
    const row = cells.row0 + Math.floor(cell / cells.cols), col = cells.col0 + (cell % cells.cols);
    return [col * sub - x0, -(row + 1) * sub - y0];
  };
  return { ...sortPoints(points, subCellOf, cells.cols * cells.rows, cornerOf, allocateBucketPoints), cells };
}
