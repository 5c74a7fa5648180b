// geo/polygon-shares.ts: how much of each pixel a polygon covers: the same bits whatever the window. Pure.
import type { Lattice, MultiPolygon, Window } from '../types.ts';
import { edgesOf, windowOfPolygons } from './polygon.ts';
import { toUnits } from './units.ts';

/** Parts of a pixel are rounded to this, so that their sum is exact in any order: 8,192 edges may cross one row of pixels. */
const QUANTUM = 2 ** -40;

export interface PixelShares {
  /** indices into the window's arrays, ascending */
  index: Int32Array;
  /** area of the polygons inside the pixel / area of the pixel, in (0, 1] */
  share: Float64Array;
}

/**
 * The share of each pixel that the polygons cover.
 *
 * Each edge adds, to the pixels of its rows, the area east of it. In pixels wholly east of an edge that is a whole number of units times the
 * pixel's width: summed as integers. In the pixels that it crosses, the area is a closed form of edge and pixel, rounded to 2^-40: so sums are exact,
 * no pixel depends on the window or the order of edges, and the shares of neighbours with common vertices add up to 1.
 *
 * @param polygons rings in any orientation; parts may touch, not overlap
 */
export function pixelShares(polygons: MultiPolygon, lattice: Lattice, window: Window): PixelShares {
  const part = windowOfPolygons(polygons, lattice, window);
  if (part.width === 0 || part.height === 0) return { index: new Int32Array(0), share: new Float64Array(0) };
  const res = toUnits(lattice.resM), sums = accumulate(edgesOf(polygons), res, toUnits(lattice.x0M), toUnits(lattice.y0M), part);
  const index = new Int32Array(part.width * part.height), share = new Float64Array(part.width * part.height);
  let count = 0;
  for (let r = 0; r < part.height; r++) {
    let east = 0;
    for (let c = 0; c < part.width; c++) {
      east += sums.whole[r * part.width + c]!;
      const value = Math.min(1, east / res + sums.cut[r * part.width + c]!);
      if (value <= 0) continue;
      index[count] = (part.row + r - window.row) * window.width + (part.col + c - window.col);
      share[count++] = value;
    }
  }
  return { index: index.slice(0, count), share: share.slice(0, count) };
}

/** `whole`: units of height that an edge west of this column adds from here eastward; `cut`: fractions of a pixel that edges cross. */
function accumulate(edges: Float64Array, res: number, x0: number, y0: number, part: Window): { whole: Float64Array; cut: Float64Array } {
  const whole = new Float64Array(part.width * part.height), cut = new Float64Array(part.width * part.height);
  for (let e = 0; e < edges.length; e += 5) {
    const ax = edges[e]! - x0, ay = edges[e + 1]! - y0, bx = edges[e + 2]! - x0, by = edges[e + 3]! - y0, sign = edges[e + 4]!;
    const slope = (bx - ax) / (by - ay);
    const from = Math.max(part.row, -Math.ceil(by / res)), to = Math.min(part.row + part.height - 1, -Math.floor(ay / res) - 1);
    for (let row = from; row <= to; row++) {
      const bottom = -(row + 1) * res, top = bottom + res;
      const low = Math.max(ay, bottom), high = Math.min(by, top), dy = high - low; // integers
      const xLow = low === ay ? ax : ax + (low - ay) * slope, xHigh = high === by ? bx : ax + (high - ay) * slope;
      const west = Math.min(xLow, xHigh), east = Math.max(xLow, xHigh), line = (row - part.row) * part.width - part.col;
      const first = Math.max(part.col, Math.floor(west / res)), beyond = Math.ceil(east / res);
      for (let col = first; col < Math.min(beyond, part.col + part.width); col++) {
        const area = eastOf(west - col * res, east - col * res, res) - eastOf(west - col * res, east - col * res, 0);
        cut[line + col]! += sign * Math.round((area * dy) / (res * res) / QUANTUM) * QUANTUM;
      }
      if (beyond < part.col + part.width) whole[line + Math.max(part.col, beyond)]! += sign * dy;
    }
  }
  return { whole, cut };
}

/** Mean over the edge's height of max(0, x - edge), for an edge that runs evenly from `west` to `east`. */
function eastOf(west: number, east: number, x: number): number {
  if (x <= west) return 0;
  return x >= east ? x - (west + east) / 2 : ((x - west) * (x - west)) / (2 * (east - west));
}
