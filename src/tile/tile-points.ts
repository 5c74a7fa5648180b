// tile/tile-points.ts: the points of a window, from the buckets of every LiDAR file that meets it. IO.
import { join } from 'node:path';
import type { Box, Points, Tile } from '../types.ts';
import { openFile } from '../files/byte-source.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { BucketPoints, SubCells } from './bucket-format.ts';
import { SUB_CELL_M, allocateBucketPoints, blockBytes, blockColumns, copyPoints, headBytes, parseHead, subCellsOf } from './bucket-format.ts';
import { bucketFileName } from './bucket-write.ts';
import { tilesOfBox } from './grid.ts';
import { distinctOf, gatherPoints, sortSubCell } from './point-order.ts';

/** A LiDAR file's buckets: its part's folder and the tiles that have points. */
export interface BucketFolder {
  dir: string;
  tiles: ReadonlySet<string>;
}

const SUB = SUB_CELL_M * UNITS_PER_M;

/**
 * Read the points of a half-open box, in the one order: by sub-cell (row, column), then by every stored column; equal records once.
 * The result depends on the box alone, not on tile size, on the number of files or on how they were cut.
 */
export async function readTilePoints(folders: readonly BucketFolder[], box: Box, sizeM: number): Promise<Points> {
  const open = await openBuckets(folders, box, sizeM);
  try {
    const frame = frameOf(box);
    const starts = startsOfSubCells(open, frame);
    const gathered = allocateBucketPoints(starts[starts.length - 1]!);
    const filled = starts.slice(0, -1), runs = new Uint8Array(filled.length);
    for (const bucket of open) await gather(bucket, frame, gathered, filled, runs);
    const count = mergeRuns(gathered, starts, runs, frame);
    return toPoints(gathered, count, frame, box);
  } finally {
    await Promise.all(open.map(({ source }) => source.close()));
  }
}

/** The anchored sub-cells that cover a box; coordinates are kept from its lower-left corner. */
interface Frame extends SubCells {
  x0: number;
  y0: number;
}

function frameOf(box: Box): Frame {
  const col0 = Math.floor(toUnits(box.x0) / SUB), row0 = -Math.ceil(toUnits(box.y1) / SUB);
  const cols = Math.ceil(toUnits(box.x1) / SUB) - col0, rows = -Math.floor(toUnits(box.y0) / SUB) - row0;
  return { col0, row0, cols, rows, x0: col0 * SUB, y0: -(row0 + rows) * SUB };
}

interface OpenBucket {
  source: ByteSource;
  tile: Tile;
  cells: SubCells;
  counts: Uint32Array;
}

async function openBuckets(folders: readonly BucketFolder[], box: Box, sizeM: number): Promise<OpenBucket[]> {
  const open: OpenBucket[] = [];
  for (const folder of folders) {
    for (const tile of tilesOfBox(box, sizeM)) {
      if (!folder.tiles.has(tile.id)) continue;
      const source = await openFile(join(folder.dir, bucketFileName(tile.id)));
      const cells = subCellsOf(tile);
      open.push({ source, tile, cells, counts: parseHead(await source.read(0, headBytes(cells)), cells, source.name) });
    }
  }
  return open;
}

/** Where each sub-cell of the frame starts once all buckets are in, and at the end the total. */
function startsOfSubCells(open: readonly OpenBucket[], frame: Frame): Uint32Array {
  const starts = new Uint32Array(frame.cols * frame.rows + 1);
  for (const { cells, counts } of open) {
    forEachShared(cells, frame, (inBucket, inFrame) => {
      starts[inFrame + 1]! += counts[inBucket]!;
    });
  }
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
  return starts;
}

function forEachShared(cells: SubCells, frame: Frame, visit: (inBucket: number, inFrame: number) => void): void {
  const col0 = Math.max(cells.col0, frame.col0), col1 = Math.min(cells.col0 + cells.cols, frame.col0 + frame.cols);
  const row0 = Math.max(cells.row0, frame.row0), row1 = Math.min(cells.row0 + cells.rows, frame.row0 + frame.rows);
  for (let row = row0; row < row1; row++) {
    for (let col = col0; col < col1; col++) {
      visit((row - cells.row0) * cells.cols + col - cells.col0, (row - frame.row0) * frame.cols + col - frame.col0);
    }
  }
}

/** Copy a bucket's shared sub-cells to their places: one range read for each row of sub-cells. */
async function gather({ source, tile, cells, counts }: OpenBucket, frame: Frame, into: BucketPoints, filled: Uint32Array, runs: Uint8Array): Promise<void> {
  const offsets = new Float64Array(counts.length + 1);
  offsets[0] = headBytes(cells);
  for (let i = 0; i < counts.length; i++) offsets[i + 1] = offsets[i]! + blockBytes(counts[i]!);
  const dx = toUnits(tile.core.x0) - frame.x0, dy = toUnits(tile.core.y0) - frame.y0;
  const col0 = Math.max(cells.col0, frame.col0), col1 = Math.min(cells.col0 + cells.cols, frame.col0 + frame.cols);
  const row0 = Math.max(cells.row0, frame.row0), row1 = Math.min(cells.row0 + cells.rows, frame.row0 + frame.rows);
  for (let row = row0; row < row1 && col0 < col1; row++) {
    const first = (row - cells.row0) * cells.cols + col0 - cells.col0, last = first + col1 - col0;
    const length = offsets[last]! - offsets[first]!;
    if (length === 0) continue;
    const bytes = await source.read(offsets[first]!, length);
    for (let cell = first; cell < last; cell++) {
      const count = counts[cell]!;
      if (count === 0) continue;
      const block = blockColumns(bytes.buffer, bytes.byteOffset + offsets[cell]! - offsets[first]!, count);
      for (let i = 0; i < count; i++) {
        block.x[i]! += dx;
        block.y[i]! += dy;
      }
      const inFrame = (row - frame.row0) * frame.cols + (cell - first) + col0 - frame.col0;
      copyPoints(block, 0, count, into, filled[inFrame]!);
      filled[inFrame]! += count;
      runs[inFrame] = Math.min(2, runs[inFrame]! + 1);
    }
  }
}

/** Bring sub-cells that came from several buckets into order, drop equal records, close the gaps. @returns points left */
function mergeRuns(points: BucketPoints, starts: Uint32Array, runs: Uint8Array, frame: Frame): number {
  let total = 0;
  for (let cell = 0; cell < runs.length; cell++) {
    const from = starts[cell]!, count = starts[cell + 1]! - from;
    if (count === 0) continue;
    if (runs[cell] === 1) {
      if (total !== from) movePoints(points, from, count, total);
      total += count;
      continue;
    }
    const items = new Uint32Array(count);
    for (let k = 0; k < count; k++) items[k] = from + k;
    sortSubCell(points, items, (cell % frame.cols) * SUB, (frame.rows - 1 - Math.floor(cell / frame.cols)) * SUB);
    const distinct = distinctOf(points, items), merged = allocateBucketPoints(distinct.length);
    gatherPoints(points, distinct, merged, 0);
    copyPoints(merged, 0, distinct.length, points, total);
    total += distinct.length;
  }
  return total;
}

function movePoints(points: BucketPoints, from: number, count: number, to: number): void {
  for (const column of [points.time, points.x, points.y, points.z, points.intensity, points.returns, points.classification, points.flags]) {
    column.copyWithin(to, from, from + count);
  }
}

/** Absolute coordinates, cut to the box; times and flags have done their work and go. */
function toPoints(p: BucketPoints, count: number, frame: Frame, box: Box): Points {
  const items = insideOf(p, count, frame, box), inside = items.length;
  const out: Points = {
    count: inside,
    x: new Float64Array(inside), y: new Float64Array(inside), z: new Float64Array(inside),
    intensity: new Uint16Array(inside), returnNumber: new Uint8Array(inside), returnCount: new Uint8Array(inside), classification: new Uint8Array(inside),
  };
  const { x, y, z, intensity, returns, classification } = p, { x0, y0 } = frame;
  for (let k = 0; k < inside; k++) out.x[k] = x[items[k]!]! + x0;
  for (let k = 0; k < inside; k++) out.y[k] = y[items[k]!]! + y0;
  for (let k = 0; k < inside; k++) out.z[k] = z[items[k]!]!;
  for (let k = 0; k < inside; k++) out.intensity[k] = intensity[items[k]!]!;
  for (let k = 0; k < inside; k++) out.classification[k] = classification[items[k]!]!;
  for (let k = 0; k < inside; k++) {
    const both = returns[items[k]!]!;
    out.returnNumber[k] = both & 15;
    out.returnCount[k] = both >> 4;
  }
  return out;
}

/** Indices of the points of the half-open box. */
function insideOf({ x, y }: BucketPoints, count: number, frame: Frame, box: Box): Uint32Array {
  const x0 = toUnits(box.x0) - frame.x0, x1 = toUnits(box.x1) - frame.x0, y0 = toUnits(box.y0) - frame.y0, y1 = toUnits(box.y1) - frame.y0;
  const items = new Uint32Array(count);
  let inside = 0;
  for (let i = 0; i < count; i++) if (x[i]! >= x0 && x[i]! < x1 && y[i]! >= y0 && y[i]! < y1) items[inside++] = i;
  return items.subarray(0, inside);
}
