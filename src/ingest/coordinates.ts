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
