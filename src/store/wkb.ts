// store/wkb.ts: polygons to and from well-known binary (OGC 06-103r4), two dimensions. Pure.
import { InvalidInput } from '../errors.ts';
import type { MultiPolygon, Polygon, Ring } from '../types.ts';

const POLYGON = 3, MULTIPOLYGON = 6, LITTLE = 1;

const polygonBytes = (polygon: Polygon): number => 9 + polygon.reduce((sum, ring) => sum + 4 + 16 * ring.length, 0);

function putPolygon(view: DataView, start: number, polygon: Polygon): number {
  let at = start;
  view.setUint8(at, LITTLE);
  view.setUint32(at + 1, POLYGON, true);
  view.setUint32(at + 5, polygon.length, true);
  at += 9;
  for (const ring of polygon) {
    view.setUint32(at, ring.length, true);
    at += 4;
    for (const point of ring) {
      view.setFloat64(at, point[0], true);
      view.setFloat64(at + 8, point[1], true);
      at += 16;
    }
  }
  return at;
}

/** A polygon as little-endian WKB. Rings are written as they are: closed, in their order. */
export function encodePolygon(polygon: Polygon): Uint8Array {
  const bytes = new Uint8Array(polygonBytes(polygon));
  putPolygon(new DataView(bytes.buffer), 0, polygon);
  return bytes;
}

/** A multipolygon as little-endian WKB. */
export function encodeMultiPolygon(polygons: MultiPolygon): Uint8Array {
  const bytes = new Uint8Array(9 + polygons.reduce((sum, polygon) => sum + polygonBytes(polygon), 0));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, LITTLE);
  view.setUint32(1, MULTIPOLYGON, true);
  view.setUint32(5, polygons.length, true);
  let at = 9;
  for (const polygon of polygons) at = putPolygon(view, at, polygon);
  return bytes;
}

interface Cursor {
  view: DataView;
  at: number;
}

function takeHeader(cursor: Cursor): { little: boolean; type: number; count: number } {
  const little = cursor.view.getUint8(cursor.at) === LITTLE;
  const type = cursor.view.getUint32(cursor.at + 1, little), count = cursor.view.getUint32(cursor.at + 5, little);
  cursor.at += 9;
  return { little, type, count };
}

function takeRing(cursor: Cursor, little: boolean): Ring {
  const count = cursor.view.getUint32(cursor.at, little);
  cursor.at += 4;
  const ring: Ring = [];
  for (let i = 0; i < count; i++, cursor.at += 16) {
    ring.push([cursor.view.getFloat64(cursor.at, little), cursor.view.getFloat64(cursor.at + 8, little)]);
  }
  return ring;
}

function takeRings(cursor: Cursor, little: boolean, count: number): Polygon {
  const polygon: Polygon = [];
  for (let i = 0; i < count; i++) polygon.push(takeRing(cursor, little));
  return polygon;
}

/**
 * Read a polygon or multipolygon; a polygon comes back as a multipolygon of one.
 *
 * @param wkb  either byte order, two dimensions
 * @throws {InvalidInput} for another geometry type, or bytes that end early
 */
export function decodeMultiPolygon(wkb: Uint8Array): MultiPolygon {
  const cursor: Cursor = { view: new DataView(wkb.buffer, wkb.byteOffset, wkb.byteLength), at: 0 };
  try {
    const { little, type, count } = takeHeader(cursor);
    if (type === POLYGON) return [takeRings(cursor, little, count)];
    if (type === MULTIPOLYGON) {
      const polygons: MultiPolygon = [];
      for (let i = 0; i < count; i++) {
        const part = takeHeader(cursor);
        polygons.push(takeRings(cursor, part.little, part.count));
      }
      return polygons;
    }
    throw new InvalidInput(`well-known binary of type ${type} is neither a polygon (3) nor a multipolygon (6); write flat polygons`);
  } catch (cause) {
    if (cause instanceof RangeError) throw new InvalidInput(`well-known binary ends early, after ${wkb.length} bytes; write the geometry again`, {}, { cause });
    throw cause;
  }
}

/** Read one polygon. @throws {InvalidInput} for a multipolygon of more or fewer than one part, or as `decodeMultiPolygon`. */
export function decodePolygon(wkb: Uint8Array): Polygon {
  const polygons = decodeMultiPolygon(wkb);
  if (polygons.length !== 1) throw new InvalidInput(`expected one polygon, found ${polygons.length}; store it in a multipolygon column`);
  return polygons[0]!;
}

const ringText = (ring: Ring): string => `(${ring.map(([x, y]) => `${x} ${y}`).join(', ')})`;
const ringsText = (polygon: Polygon): string => `(${polygon.map(ringText).join(', ')})`;

/** Well-known text: POLYGON for one part, MULTIPOLYGON otherwise. */
export const toWkt = (polygons: MultiPolygon): string =>
  polygons.length === 1 ? `POLYGON ${ringsText(polygons[0]!)}` : `MULTIPOLYGON ${polygons.length === 0 ? 'EMPTY' : `(${polygons.map(ringsText).join(', ')})`}`;
