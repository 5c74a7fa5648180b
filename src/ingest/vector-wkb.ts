// ingest/vector-wkb.ts: well-known binary (OGC, ISO with Z and M, EWKB) to geometries in GeoJSON's shape. Pure.

/** A geometry in GeoJSON's shape; of types that are no polygons only the name is read. */
export interface WkbGeometry {
  type: string;
  coordinates?: unknown;
  geometries?: WkbGeometry[];
}

const TYPES = ['Geometry', 'Point', 'LineString', 'Polygon', 'MultiPoint', 'MultiLineString', 'MultiPolygon', 'GeometryCollection', 'CircularString',
  'CompoundCurve', 'CurvePolygon', 'MultiCurve', 'MultiSurface', 'Curve', 'Surface', 'PolyhedralSurface', 'TIN', 'Triangle'];
const POLYGON = 3, MULTI_POLYGON = 6, COLLECTION = 7;
const EWKB_Z = 0x80000000, EWKB_M = 0x40000000, EWKB_SRID = 0x20000000;

/**
 * Decode one geometry; Z and M are left out.
 *
 * @throws {RangeError} where the bytes end before the geometry does, or are none
 */
export function geometryOfWkb(bytes: Uint8Array): WkbGeometry {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  function header(): { code: number; ordinates: number; little: boolean } {
    const order = view.getUint8(at);
    if (order > 1) throw new RangeError(`byte order ${order} is none`);
    const little = order === 1, word = view.getUint32(at + 1, little), iso = Math.floor((word & 0xffff) / 1000);
    at += 5 + ((word & EWKB_SRID) === 0 ? 0 : 4);
    const hasZ = (word & EWKB_Z) !== 0 || iso === 1 || iso === 3, hasM = (word & EWKB_M) !== 0 || iso === 2 || iso === 3;
    return { code: (word & 0xffff) % 1000, ordinates: 2 + Number(hasZ) + Number(hasM), little };
  }

  /** A count of things of at least `least` bytes each: one that the rest cannot hold is damage, before anything is made of it. */
  function count(little: boolean, least: number): number {
    const value = view.getUint32(at, little);
    at += 4;
    if (value * least > view.byteLength - at) throw new RangeError(`a count of ${value} is more than the bytes hold`);
    return value;
  }

  function polygon(ordinates: number, little: boolean): [number, number][][] {
    return Array.from({ length: count(little, 4) }, () => Array.from({ length: count(little, 8 * ordinates) }, (): [number, number] => {
      const x = view.getFloat64(at, little), y = view.getFloat64(at + 8, little);
      at += 8 * ordinates;
      return [x, y];
    }));
  }

  function geometry(depth: number): WkbGeometry {
    const { code, ordinates, little } = header(), type = TYPES[code] ?? `geometry of type ${code}`;
    if (code === POLYGON) return { type, coordinates: polygon(ordinates, little) };
    if (code !== MULTI_POLYGON && code !== COLLECTION) return { type };
    if (depth > 16) throw new RangeError('collections lie too deep in each other');
    const parts: WkbGeometry[] = [];
    for (let left = count(little, 5); left > 0; left--) {
      const part = geometry(depth + 1);
      if (part.type !== 'Polygon' && code === MULTI_POLYGON) throw new RangeError(`a MultiPolygon holds a ${part.type}`);
      parts.push(part);
      if (code === COLLECTION && part.coordinates === undefined && part.geometries === undefined) break; // its end is unknown, and the feature is refused anyway
    }
    return code === COLLECTION ? { type, geometries: parts } : { type, coordinates: parts.map(({ coordinates }) => coordinates) };
  }

  return geometry(0);
}
