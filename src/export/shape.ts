// export/shape.ts: the outline of a row in the survey's CRS, and GeoJSON coordinates from it. Pure.
import type { MultiPolygon, Polygon, Ring } from '../types.ts';

export type ToLonLat = (x: number, y: number) => [number, number];

const box = (x0: number, y0: number, x1: number, y1: number): Polygon => [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]];

/** The square of a cell: its lower-left corner is in its id, its centre half a side away. */
export const cellSquare = (xM: number, yM: number, sizeM: number): MultiPolygon =>
  [box(xM - sizeM / 2, yM - sizeM / 2, xM + sizeM / 2, yM + sizeM / 2)];

/** The box of a tile. */
export const boxOutline = (x0: number, y0: number, x1: number, y1: number): MultiPolygon => [box(x0, y0, x1, y1)];

const round7 = (degrees: number): number => Math.round(degrees * 1e7) / 1e7;

/** Twice the signed area; positive counter-clockwise. Taken from the first point, so that degrees do not cancel. */
function signedArea2(ring: Ring): number {
  const [x0, y0] = ring[0]!;
  let sum = 0;
  for (let i = 1; i + 1 < ring.length; i++) {
    const [xa, ya] = ring[i]!, [xb, yb] = ring[i + 1]!;
    sum += (xa - x0) * (yb - y0) - (xb - x0) * (ya - y0);
  }
  return sum;
}

/** A ring in degrees of 7 decimals, turned the way asked; points that fall together become one. Empty where nothing is left. */
function ringInDegrees(ring: Ring, toLonLat: ToLonLat, counterClockwise: boolean): Ring {
  const out: Ring = [];
  for (const [x, y] of ring) {
    const [lon, lat] = toLonLat(x, y), point: [number, number] = [round7(lon), round7(lat)], last = out.at(-1);
    if (!last || last[0] !== point[0] || last[1] !== point[1]) out.push(point);
  }
  if (out.length < 4) return [];
  return signedArea2(out) > 0 === counterClockwise ? out : out.reverse();
}

/**
 * A multipolygon in WGS 84 by the right-hand rule of RFC 7946: outer rings counter-clockwise, holes clockwise, 7 decimals (1 cm).
 * Rings that vanish at 1 cm are left out, with their holes where they are outer rings.
 */
export function inDegrees(polygons: MultiPolygon, toLonLat: ToLonLat): MultiPolygon {
  const out: MultiPolygon = [];
  for (const polygon of polygons) {
    const rings = polygon.map((ring, index) => ringInDegrees(ring, toLonLat, index === 0));
    if (rings[0] && rings[0].length > 0) out.push(rings.filter((ring) => ring.length > 0));
  }
  return out;
}

/** A GeoJSON geometry, of one type for a whole layer, as GIS tools want it; null for no part. @param multi MultiPolygon, else Polygon of the one part */
export function geometryJson(polygons: MultiPolygon, multi: boolean): string {
  if (polygons.length === 0) return 'null';
  return multi ? `{"type":"MultiPolygon","coordinates":${JSON.stringify(polygons)}}` : `{"type":"Polygon","coordinates":${JSON.stringify(polygons[0])}}`;
}

export const pointJson = (lon: number, lat: number): string => `{"type":"Point","coordinates":[${round7(lon)},${round7(lat)}]}`;
