// raster/resample-places.ts: where the pixels of an output lattice lie on a source's, from absolute coordinates. Pure.
import { UNITS_PER_M, toUnits } from '../geo/units.ts';
import type { Lattice, Window } from '../types.ts';
import { reachPx, snapPx } from './resample.ts';
import type { AxisPlaces, ResampleMethod } from './resample.ts';

/**
 * The pixels of a source, in the units of its CRS and of any shape: pixel (col, row) holds x from (col + phaseX) resX to
 * (col + 1 + phaseX) resX and y from -(row + 1 + phaseY) resY to -(row + phaseY) resY. Phases are in pixels, 0 to 1.
 */
export interface SourceLattice {
  resX: number;
  resY: number;
  phaseX: number;
  phaseY: number;
}

const columnAt = ({ resX, phaseX }: SourceLattice, x: number): number => x / resX - phaseX;
const rowAt = ({ resY, phaseY }: SourceLattice, y: number): number => -y / resY - phaseY;

/** Places of `count` output pixels along an axis, from their edges: neighbours share one, so that areas add up to the whole. */
function alongAxis(first: number, count: number, placeOf: (edge: number) => number): AxisPlaces {
  const centres = new Float64Array(count), spans = new Float64Array(count);
  for (let i = 0, low = snapPx(placeOf(first)); i < count; i++) {
    const high = snapPx(placeOf(first + i + 1));
    centres[i] = (low + high) / 2;
    spans[i] = high - low;
    low = high;
  }
  return { centres, spans };
}

/** Places of a window's columns and rows on a source of the same CRS. */
export function alignedPlaces(lattice: Lattice, window: Window, source: SourceLattice): { columns: AxisPlaces; rows: AxisPlaces } {
  const res = toUnits(lattice.resM), x0 = toUnits(lattice.x0M), y0 = toUnits(lattice.y0M);
  return {
    columns: alongAxis(window.col, window.width, (col) => columnAt(source, (x0 + col * res) / UNITS_PER_M)),
    rows: alongAxis(window.row, window.height, (row) => rowAt(source, (y0 - row * res) / UNITS_PER_M)),
  };
}

/** Coordinates of the output's CRS to those of the source's; [NaN, NaN] for a point without image. */
export type ToSource = (x: number, y: number) => readonly [number, number];

/** Edge of a cell of nodes, in output pixels. */
const CELL_PX = 16;

/**
 * Places of a window's pixels on a source of another CRS.
 *
 * The transformation is exact at nodes every 16 pixels of the output lattice, counted from its origin and so the same for every
 * window, and bilinear between them: off by less than 16^2 / 8 x res / earth's radius, 5e-6 px for pixels of 1 m.
 */
export function warpedPlaces(lattice: Lattice, window: Window, source: SourceLattice, toSource: ToSource): { u: AxisPlaces; v: AxisPlaces } {
  const res = toUnits(lattice.resM), x0 = toUnits(lattice.x0M), y0 = toUnits(lattice.y0M);
  const cellCol = Math.floor(window.col / CELL_PX), cellRow = Math.floor(window.row / CELL_PX);
  const across = Math.floor((window.col + window.width - 1) / CELL_PX) - cellCol + 2, down = Math.floor((window.row + window.height - 1) / CELL_PX) - cellRow + 2;
  const nodeU = new Float64Array(across * down), nodeV = new Float64Array(across * down);
  for (let j = 0, n = 0; j < down; j++) {
    for (let i = 0; i < across; i++, n++) {
      const [x, y] = toSource((x0 + (cellCol + i) * CELL_PX * res) / UNITS_PER_M, (y0 - (cellRow + j) * CELL_PX * res) / UNITS_PER_M);
      nodeU[n] = columnAt(source, x);
      nodeV[n] = rowAt(source, y);
    }
  }
  const between = (nodes: Float64Array): AxisPlaces => interpolated(nodes, across, window, cellCol, cellRow);
  return { u: between(nodeU), v: between(nodeV) };
}

function interpolated(nodes: Float64Array, across: number, window: Window, cellCol: number, cellRow: number): AxisPlaces {
  const centres = new Float64Array(window.width * window.height), spans = new Float64Array(centres.length);
  for (let r = 0, i = 0; r < window.height; r++) {
    const row = window.row + r, j = Math.floor(row / CELL_PX), ty = (row + 0.5) / CELL_PX - j;
    for (let c = 0; c < window.width; c++, i++) {
      const col = window.col + c, k = Math.floor(col / CELL_PX), tx = (col + 0.5) / CELL_PX - k;
      const n = (j - cellRow) * across + k - cellCol;
      const a = nodes[n]!, b = nodes[n + 1]!, d = nodes[n + across]!, e = nodes[n + across + 1]!;
      const alongX = (1 - ty) * (b - a) + ty * (e - d), alongY = (1 - tx) * (d - a) + tx * (e - b);
      centres[i] = snapPx((1 - ty) * (a + tx * (b - a)) + ty * (d + tx * (e - d)));
      spans[i] = snapPx(Math.hypot(alongX, alongY) / CELL_PX);
    }
  }
  return { centres, spans };
}

/** First source pixel that the kernels of places touch and the one after the last, along their axis; [0, 0] where no pixel has a place. */
export function touched({ centres, spans }: AxisPlaces, method: ResampleMethod): [number, number] {
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < centres.length; i++) {
    if (Number.isNaN(centres[i]!)) continue;
    const reach = reachPx(method, spans[i]!);
    low = Math.min(low, centres[i]! - reach);
    high = Math.max(high, centres[i]! + reach);
  }
  return low <= high ? [Math.floor(low), Math.ceil(high)] : [0, 0];
}
