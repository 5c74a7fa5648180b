// geo/crs-columns.ts: columns of coordinates from one CRS to another, in place. Pure.
import proj4 from 'proj4';
import { withoutShift, type Crs } from './crs.ts';

/** Overwrites the first `count` entries of `x` and `y`; a point that has no image becomes NaN, NaN. */
export type ColumnTransform = (x: Float64Array, y: Float64Array, count: number) => void;

/** One leg: a point that proj4 may overwrite in, a point or nothing out. */
type Leg = (point: { x: number; y: number }) => { x: number; y: number } | undefined;

/**
 * As `transformer`, for columns: the same numbers, without an array a point. East, north or longitude, latitude on both sides.
 *
 * Where datums differ it goes through WGS 84 in two legs: proj4 alone does the same, but reads the definition of WGS 84 anew for each point.
 */
export function columnTransformer(from: Crs, to: Crs): ColumnTransform {
  if (from.epsg === to.epsg) return () => {};
  const legs = legsOf(from, to);
  return (x, y, count) => {
    for (let i = 0; i < count; i++) {
      const image = imageOf(legs, x[i]!, y[i]!);
      x[i] = image ? image.x : NaN;
      y[i] = image ? image.y : NaN;
    }
  };
}

function legsOf(from: Crs, to: Crs): Leg[] {
  const leg = (a: string, b: string): Leg => {
    const [source, target] = [new proj4.Proj(a), new proj4.Proj(b)];
    return (point) => proj4.transform(source, target, point);
  };
  if (from.base === to.base) return [leg(withoutShift(from.proj4), withoutShift(to.proj4))];
  return [leg(from.proj4, 'WGS84'), leg('WGS84', to.proj4)];
}

function imageOf(legs: readonly Leg[], x: number, y: number): { x: number; y: number } | null {
  if (!Number.isFinite(x) || !Number.isFinite(y)) return null;
  let point: { x: number; y: number } | undefined = { x, y };
  try {
    for (const leg of legs) {
      point = leg(point);
      if (!point || !Number.isFinite(point.x) || !Number.isFinite(point.y)) return null;
    }
  } catch {
    return null; // proj4 throws where a projection ends: a point without an image
  }
  return point;
}
