// ingest/coordinates.ts: a file's integers to integers of 1e-5 m, exactly. Pure.
import { UNITS_PER_M } from '../geo/units.ts';
import type { PointFileHeader, RawPoints } from './point-reader.ts';

/**
 * How the integers of one axis become integers of 1e-5 (metres, for a file in metres).
 * Exact: round((raw x step + start) / divisor), all integers. Not exact: step and start are in units, divisor 1.
 */
export interface AxisPlan {
  exact: boolean;
  step: number;
  start: number;
  divisor: number;
}

/** Finer scales and offsets than 1e-5 m are still decimal fractions: 1e-6, 2.5e-7 ... */
const DIVISORS = [1, 10, 100, 1_000, 10_000];
/** A double near 0.01 is off by less than this share of itself. */
const SCALE_TOLERANCE = 1e-12;
/** A double near 1e7 m, times 1e5, is off by less than 1e-3: nearer than 1e-8 m to a multiple of 1e-5 m is that multiple. */
const OFFSET_TOLERANCE = 1e-3;
const MAX_RAW = 2 ** 31;

/**
 * Plan the conversion of one axis.
 *
 * Where scale and offset are multiples of 1e-5 (or, rounding the result once, of 1e-6 to 1e-9), it is integer
 * arithmetic, and files cut from one survey with other offsets give the same integers. Otherwise
 * (a scale like 1e-5/9, an offset with more decimals) it is round((raw x scale + offset) x 1e5) in doubles:
 * the same for the same file, within 1e-5 m of what the file says.
 */
export function planAxis(scale: number, offset: number): AxisPlan {
  for (const divisor of DIVISORS) {
    const step = Math.round(scale * UNITS_PER_M * divisor), start = Math.round(offset * UNITS_PER_M * divisor);
    const fits = Math.abs(scale * UNITS_PER_M * divisor - step) <= SCALE_TOLERANCE * step
      && Math.abs(offset * UNITS_PER_M * divisor - start) <= OFFSET_TOLERANCE
      && MAX_RAW * step + Math.abs(start) <= Number.MAX_SAFE_INTEGER;
    if (fits && step > 0) return { exact: true, step, start, divisor };
  }
  return { exact: false, step: scale, start: offset, divisor: 1 };
}

/** One integer of the file as an integer of 1e-5. */
export function toUnitsOfAxis({ exact, step, start, divisor }: AxisPlan, raw: number): number {
  if (!exact) return Math.round((raw * step + start) * UNITS_PER_M) + 0; // + 0 makes -0 a 0, which hashes otherwise
  const units = raw * step + start;
  return divisor === 1 ? units : Math.round(units / divisor) + 0;
}

/** Conversions of the three axes of a file, one value at a time. */
export function planCoordinates({ scale, offset }: Pick<PointFileHeader, 'scale' | 'offset'>): { exact: boolean; toX(raw: number): number; toY(raw: number): number; toZ(raw: number): number } {
  const [x, y, z] = [planAxis(scale[0], offset[0]), planAxis(scale[1], offset[1]), planAxis(scale[2], offset[2])];
  return {
    exact: x.exact && y.exact && z.exact,
    toX: (raw) => toUnitsOfAxis(x, raw),
    toY: (raw) => toUnitsOfAxis(y, raw),
    toZ: (raw) => toUnitsOfAxis(z, raw),
  };
}

/**
 * Convert an axis of a chunk.
 *
 * @param raw  the file's integers
 * @param out  integers of 1e-5, same length; what is there is overwritten
 * @returns `out`
 */
export function convertAxis(raw: Int32Array, scale: number, offset: number, out = new Float64Array(raw.length)): Float64Array {
  const plan = planAxis(scale, offset);
  const { exact, step, start, divisor } = plan;
  if (exact && divisor === 1) {
    for (let i = 0; i < raw.length; i++) out[i] = raw[i]! * step + start;
    return out;
  }
  for (let i = 0; i < raw.length; i++) out[i] = toUnitsOfAxis(plan, raw[i]!);
  return out;
}

/** x, y and z of a chunk as integers of 1e-5. */
export function convertCoordinates(points: Pick<RawPoints, 'x' | 'y' | 'z'>, { scale, offset }: Pick<PointFileHeader, 'scale' | 'offset'>): { x: Float64Array; y: Float64Array; z: Float64Array } {
  return {
    x: convertAxis(points.x, scale[0], offset[0]),
    y: convertAxis(points.y, scale[1], offset[1]),
    z: convertAxis(points.z, scale[2], offset[2]),
  };
}

/** How a file whose CRS or unit is not the survey's comes to integers of 1e-5 m. */
export interface PointConversion {
  /** from the file's x, y to the survey's, in place, NaN where a point has no image; null: they are the survey's already */
  transform: ((x: Float64Array, y: Float64Array, count: number) => void) | null;
  /** metres in one unit of the file's z */
  zToMetre: number;
}

/**
 * An axis of a chunk in the file's own units, as doubles.
 *
 * Where the plan is exact, it is the double nearest to the decimal fraction that scale and offset mean, so that files cut from one
 * survey with other offsets still give the same numbers; else raw x scale + offset.
 */
export function toFileUnits(raw: Int32Array, scale: number, offset: number): Float64Array {
  const { exact, step, start, divisor } = planAxis(scale, offset), per = exact ? UNITS_PER_M * divisor : 1, out = new Float64Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = (raw[i]! * step + start) / per;
  return out;
}

/**
 * Convert a chunk of a file that is in another CRS or unit. x and y go through doubles of the file's units only where they are
 * transformed, z only where its unit is not the metre: what needs no conversion stays exact, as in `convertCoordinates`.
 *
 * @returns integers of 1e-5 m; x and y NaN for a point outside the box of the file's header (grown by one scale unit), in the
 *   file's own units, and for one that has no image in the survey's CRS
 */
export function convertForeign(points: Pick<RawPoints, 'x' | 'y' | 'z'>, header: Pick<PointFileHeader, 'scale' | 'offset' | 'min' | 'max'>, { transform, zToMetre }: PointConversion): { x: Float64Array; y: Float64Array; z: Float64Array } {
  const { scale, offset } = header, count = points.x.length;
  const z = zToMetre === 1 ? convertAxis(points.z, scale[2], offset[2]) : roundUnits(toFileUnits(points.z, scale[2], offset[2]), zToMetre);
  if (transform === null) return { x: convertAxis(points.x, scale[0], offset[0]), y: convertAxis(points.y, scale[1], offset[1]), z };
  const x = toFileUnits(points.x, scale[0], offset[0]), y = toFileUnits(points.y, scale[1], offset[1]);
  dropOutside(x, y, header);
  transform(x, y, count);
  return { x: roundUnits(x, 1), y: roundUnits(y, 1), z };
}

/** Values times a factor to integers of 1e-5, in place; NaN stays. */
function roundUnits(values: Float64Array, factor: number): Float64Array {
  for (let i = 0; i < values.length; i++) values[i] = Math.round(values[i]! * factor * UNITS_PER_M) + 0;
  return values;
}

function dropOutside(x: Float64Array, y: Float64Array, { min, max, scale }: Pick<PointFileHeader, 'scale' | 'min' | 'max'>): void {
  const x0 = min[0] - scale[0], x1 = max[0] + scale[0], y0 = min[1] - scale[1], y1 = max[1] + scale[1];
  for (let i = 0; i < x.length; i++) if (!(x[i]! >= x0 && x[i]! <= x1 && y[i]! >= y0 && y[i]! <= y1)) x[i] = y[i] = NaN;
}
