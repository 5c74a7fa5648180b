// geo/crs-box.ts: boxes from one CRS to another, and the place of a box on the globe. Pure.
import type { Box } from '../types.ts';
import { crsFromEpsg, transformer, WGS84, type Crs, type Transform } from './crs.ts';

/** Points a side of a box that are transformed: between two of them a side of 10 km bends by some millimetres. */
const POINTS_A_SIDE = 21;

/**
 * The box around a box's image: 21 points a side.
 *
 * @param box  in the units that `transform` takes; closed, so a box without width or height is a line or a point
 * @throws as `transform`, for a point without an image
 */
export function transformBox(transform: Transform, { x0, y0, x1, y1 }: Box): Box {
  const out = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  const take = (x: number, y: number): void => {
    const [tx, ty] = transform(x, y);
    out.x0 = Math.min(out.x0, tx);
    out.y0 = Math.min(out.y0, ty);
    out.x1 = Math.max(out.x1, tx);
    out.y1 = Math.max(out.y1, ty);
  };
  for (let i = 0; i < POINTS_A_SIDE; i++) {
    const part = i / (POINTS_A_SIDE - 1), x = i === POINTS_A_SIDE - 1 ? x1 : x0 + (x1 - x0) * part, y = i === POINTS_A_SIDE - 1 ? y1 : y0 + (y1 - y0) * part;
    take(x, y0);
    take(x, y1);
    take(x0, y);
    take(x1, y);
  }
  return out;
}

/** A box of a CRS as longitudes (x) and latitudes (y) in WGS 84, degrees; a box across the date line has x1 above 180. */
export function lonLatBox(crs: Crs, box: Box): Box {
  const transform = transformer(crs, crsFromEpsg(WGS84)), [middle] = transform((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2);
  return transformBox((x, y) => {
    const [lon, lat] = transform(x, y);
    return [lon + 360 * Math.round((middle - lon) / 360), lat];
  }, box);
}

/** True where a box of longitudes and latitudes meets the area of use of a CRS, grown by `marginDeg`. */
export function meetsAreaOfUse({ areaOfUse: { west, south, east, north } }: Crs, box: Box, marginDeg: number): boolean {
  if (!(box.y1 >= south - marginDeg && box.y0 <= north + marginDeg)) return false;
  const end = east < west ? east + 360 : east;
  return [-360, 0, 360].some((turn) => box.x1 + turn >= west - marginDeg && box.x0 + turn <= end + marginDeg);
}
