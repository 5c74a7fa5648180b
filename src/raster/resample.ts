// raster/resample.ts: pixels of one lattice made from those of another: area average, bilinear, cubic; never nearest. Pure.
import type { Window } from '../types.ts';

/** `average`: the mean over the output pixel's area; where that is smaller than a source pixel, all three interpolate. */
export type ResampleMethod = 'average' | 'bilinear' | 'cubic';

/** A window of source pixels: `window` counts them on the source's lattice. */
export interface SourcePixels {
  window: Window;
  /** one array a band, row-major */
  bands: Float32Array[];
  /** 1: valid, 0: void */
  mask: Uint8Array;
}

/** Where output pixels lie along one axis of the source, in source pixels: pixel i of the source is [i, i + 1). */
export interface AxisPlaces {
  centres: Float64Array;
  /** width of the output pixel */
  spans: Float64Array;
}

/** The output: `mask` 1 where a pixel is there already; such pixels stay as they are. */
export interface ResampleTarget {
  /** pixels of a row of `bands` and `mask` */
  rowLength: number;
  /** index of the first pixel to make */
  at: number;
  width: number;
  height: number;
  bands: Float32Array[];
  mask: Uint8Array;
}

// Steps of 2^-20 px: an edge that is on a pixel's edge but for a double's last bits is on it, and whole-number weights add exactly.
const STEPS = 2 ** 20;

/** A position or width in source pixels, to the nearest 2^-20: what kernels are given, so that the last bits of a projection decide nothing. */
export const snapPx = (px: number): number => Math.round(px * STEPS) / STEPS;

const REACH: Record<ResampleMethod, number> = { average: 0.5, bilinear: 1, cubic: 2 };

/** Source pixels on either side of an output pixel's centre that a kernel may touch. */
export const reachPx = (method: ResampleMethod, spanPx: number): number => REACH[method] * Math.max(1, spanPx) + (method === 'average' ? 0 : 0.5);

/** Kernels along one axis: which source pixels, with which weights. Kept as a table, one line of `stride` an output pixel. */
interface Taps {
  method: ResampleMethod;
  stride: number;
  first: Int32Array;
  count: Int32Array;
  total: Float64Array;
  weights: Float64Array;
}

function makeTaps(lines: number, method: ResampleMethod, maxSpan: number): Taps {
  const stride = Math.ceil(2 * reachPx(method, maxSpan)) + 2;
  return { method, stride, first: new Int32Array(lines), count: new Int32Array(lines), total: new Float64Array(lines), weights: new Float64Array(lines * stride) };
}

/** Catmull-Rom: the cubic convolution of Keys 1981 with a = -1/2, at distance t >= 0. */
const catmullRom = (t: number): number => (t >= 2 ? 0 : t >= 1 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : (1.5 * t - 2.5) * t * t + 1);

/** The kernel of an output pixel. Wider than a source pixel, it is stretched to the output pixel's width, so that nothing is skipped. */
function setTaps(taps: Taps, line: number, centre: number, span: number): void {
  const { method, stride, weights } = taps, scale = Math.max(1, span), at = line * stride;
  const first = method === 'average' ? Math.floor(centre - scale / 2) : Math.ceil(centre - REACH[method] * scale - 0.5);
  const end = method === 'average' ? Math.ceil(centre + scale / 2) : Math.floor(centre + REACH[method] * scale - 0.5) + 1;
  let total = 0;
  for (let i = first; i < end; i++) {
    const distance = Math.abs(i + 0.5 - centre) / scale;
    const weight = method === 'average' ? Math.min(i + 1, centre + scale / 2) - Math.max(i, centre - scale / 2) : method === 'bilinear' ? Math.max(0, 1 - distance) : catmullRom(distance);
    weights[at + i - first] = weight;
    total += weight;
  }
  taps.first[line] = first;
  taps.count[line] = end - first;
  taps.total[line] = total;
}

/**
 * Weighted sums of the valid source pixels under a kernel, into `sums`, one a band.
 *
 * @returns the weight of the valid ones; NaN when `whole` is asked for and a pixel that weighs is void or outside
 */
function gather({ window, bands, mask }: SourcePixels, x: Taps, column: number, y: Taps, line: number, sums: Float64Array, whole: boolean): number {
  const fx = x.first[column]! - window.col, fy = y.first[line]! - window.row, nx = x.count[column]!, ny = y.count[line]!;
  const ax = column * x.stride, ay = line * y.stride;
  let valid = 0;
  sums.fill(0);
  for (let j = 0; j < ny; j++) {
    const wy = y.weights[ay + j]!, row = fy + j, inside = row >= 0 && row < window.height;
    if (wy === 0) continue;
    for (let i = 0, at = row * window.width + fx; i < nx; i++, at++) {
      const wx = x.weights[ax + i]!;
      if (wx === 0) continue;
      if (!inside || fx + i < 0 || fx + i >= window.width || mask[at] === 0) {
        if (whole) return NaN;
        continue;
      }
      const weight = wx * wy;
      valid += weight;
      for (let b = 0; b < bands.length; b++) sums[b]! += weight * bands[b]![at]!;
    }
  }
  return valid;
}

/** A kernel for both axes, and the one that takes over where a cubic meets a void. */
interface Kernel {
  x: Taps;
  y: Taps;
  softX: Taps | null;
  softY: Taps | null;
}

function makeKernel(columns: number, lines: number, method: ResampleMethod, maxSpanX: number, maxSpanY: number): Kernel {
  const soft = method === 'cubic';
  return {
    x: makeTaps(columns, method, maxSpanX), y: makeTaps(lines, method, maxSpanY),
    softX: soft ? makeTaps(columns, 'bilinear', maxSpanX) : null, softY: soft ? makeTaps(lines, 'bilinear', maxSpanY) : null,
  };
}

function fillPixel(source: SourcePixels, kernel: Kernel, column: number, line: number, sums: Float64Array, { bands, mask }: ResampleTarget, at: number): void {
  let { x, y } = kernel, valid = gather(source, x, column, y, line, sums, kernel.softX !== null);
  if (kernel.softX && kernel.softY && Number.isNaN(valid)) {
    x = kernel.softX;
    y = kernel.softY;
    valid = gather(source, x, column, y, line, sums, false);
  }
  if (!(valid > 0) || 2 * valid < x.total[column]! * y.total[line]!) return;
  mask[at] = 1;
  for (let b = 0; b < bands.length; b++) bands[b]![at] = sums[b]! / valid;
}

const maxOf = (values: Float64Array): number => values.reduce((most, value) => (value > most ? value : most), 0);

/**
 * Make output pixels whose edges run along those of the source (the same CRS).
 *
 * Void pixels never contribute: the kernel is normalised over the valid ones, and an output pixel is valid if these have at least half
 * of its weight. A cubic of which one pixel that weighs is void becomes a bilinear one. Each axis has its own kernel, so oblong pixels
 * may be averaged along one axis and interpolated along the other. Values are added in double precision, in raster order of the source.
 *
 * Local: a pixel depends on its own places and the source pixels under its kernel, never on the window that is made.
 *
 * @param target   where to put the pixels; those with mask 1 stay
 * @param columns  places of the target's columns, from `snapPx`
 * @param rows     places of the target's rows, counted downward
 */
export function resampleAligned(source: SourcePixels, target: ResampleTarget, columns: AxisPlaces, rows: AxisPlaces, method: ResampleMethod): void {
  const kernel = makeKernel(target.width, target.height, method, maxOf(columns.spans), maxOf(rows.spans)), sums = new Float64Array(target.bands.length);
  for (const [taps, places] of [[kernel.x, columns], [kernel.y, rows], [kernel.softX, columns], [kernel.softY, rows]] as const) {
    if (taps) places.centres.forEach((centre, i) => setTaps(taps, i, centre, places.spans[i]!));
  }
  for (let row = 0; row < target.height; row++) {
    for (let col = 0, at = target.at + row * target.rowLength; col < target.width; col++, at++) {
      if (target.mask[at] === 0) fillPixel(source, kernel, col, row, sums, target, at);
    }
  }
}

/**
 * Make output pixels that lie anywhere on the source (another CRS): as `resampleAligned`, with a place for each pixel.
 *
 * The footprint of an output pixel is taken as a box of its size along the axes of the source, centred where the pixel's centre falls;
 * its turn, a degree or two between neighbouring UTM zones, is left out. A pixel whose centre has no place (NaN) is a void.
 *
 * @param u  along columns, `width x height`, row-major
 * @param v  along rows
 */
export function resampleWarped(source: SourcePixels, target: ResampleTarget, u: AxisPlaces, v: AxisPlaces, method: ResampleMethod): void {
  const kernel = makeKernel(1, 1, method, maxOf(u.spans), maxOf(v.spans)), sums = new Float64Array(target.bands.length);
  for (let row = 0, i = 0; row < target.height; row++) {
    for (let col = 0, at = target.at + row * target.rowLength; col < target.width; col++, at++, i++) {
      const x = u.centres[i]!, y = v.centres[i]!;
      if (target.mask[at] !== 0 || Number.isNaN(x) || Number.isNaN(y)) continue;
      setTaps(kernel.x, 0, x, u.spans[i]!);
      setTaps(kernel.y, 0, y, v.spans[i]!);
      if (kernel.softX && kernel.softY) {
        setTaps(kernel.softX, 0, x, u.spans[i]!);
        setTaps(kernel.softY, 0, y, v.spans[i]!);
      }
      fillPixel(source, kernel, 0, 0, sums, target, at);
    }
  }
}
