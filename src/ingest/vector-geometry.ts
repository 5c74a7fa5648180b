// ingest/vector-geometry.ts: GeoJSON geometries to polygons, checked: closed, simple, oriented rings. Pure.
import Flatbush from 'flatbush';
import { orient2d } from 'robust-predicates';
import { InvalidInput, type ErrorPlace } from '../errors.ts';
import { orientRings } from '../geo/polygon.ts';
import type { MultiPolygon, Polygon, Ring } from '../types.ts';

/** How to name the feature in a message, and the same for machines. */
export interface FeatureName {
  text: string;
  place: ErrorPlace;
}

const REPAIR = 'repair it, for example with QGIS "Fix geometries" or ogr2ogr -makevalid';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Polygons of a Polygon, MultiPolygon or GeometryCollection of those, in the file's coordinates.
 * Rings come back closed, without repeated points, outer counter-clockwise and holes clockwise.
 *
 * @param isLonLat  coordinates are checked against the ranges of longitude and latitude
 * @throws {InvalidInput} for another geometry, a ring with fewer than three corners, one that meets itself, rings that cross, numbers out of range
 */
export function polygonsOf(geometry: unknown, feature: FeatureName, isLonLat: boolean): MultiPolygon {
  const polygons = collect(geometry, feature).map((polygon) => ringsOf(polygon, feature, isLonLat));
  if (polygons.length === 0) throw invalid(feature, 'has an empty geometry; remove it or draw its polygon');
  refuseCrossings(polygons, feature);
  return polygons.map(orientRings);
}

const invalid = ({ text, place }: FeatureName, what: string): InvalidInput => new InvalidInput(`${text} ${what}`, place);

function collect(geometry: unknown, feature: FeatureName): unknown[] {
  if (!isRecord(geometry)) throw invalid(feature, 'has no geometry; remove it or draw its polygon');
  const { type, coordinates, geometries } = geometry;
  if (type === 'Polygon') return [coordinates];
  if (type === 'MultiPolygon' && Array.isArray(coordinates)) return coordinates;
  if (type === 'GeometryCollection' && Array.isArray(geometries)) return geometries.flatMap((each) => collect(each, feature));
  throw invalid(feature, `is a ${typeof type === 'string' ? type : 'geometry without a type'}; only Polygon and MultiPolygon are read here: remove it`);
}

function ringsOf(polygon: unknown, feature: FeatureName, isLonLat: boolean): Polygon {
  if (!Array.isArray(polygon) || polygon.length === 0) throw invalid(feature, 'has a polygon without rings; remove it or draw its polygon');
  return polygon.map((ring) => ringOf(ring, feature, isLonLat));
}

function ringOf(positions: unknown, feature: FeatureName, isLonLat: boolean): Ring {
  if (!Array.isArray(positions)) throw invalid(feature, 'has a ring that is no list of positions; write the file again');
  const ring: Ring = [];
  for (const position of positions) {
    const [x, y] = Array.isArray(position) ? position : [];
    if (typeof x !== 'number' || typeof y !== 'number') throw invalid(feature, `has a position that is no pair of numbers, ${JSON.stringify(position)}; write the file again`);
    if (isLonLat && !(Math.abs(x) <= 180 && Math.abs(y) <= 90)) {
      throw invalid(feature, `has the position ${x}, ${y}, which is no longitude and latitude: GeoJSON is in WGS 84 unless its crs member says otherwise; name the CRS there, or reproject with ogr2ogr -t_srs EPSG:4326`);
    }
    const last = ring.at(-1);
    if (!last || last[0] !== x || last[1] !== y) ring.push([x, y]);
  }
  const first = ring[0], last = ring.at(-1);
  if (first && last && (first[0] !== last[0] || first[1] !== last[1])) ring.push([first[0], first[1]]);
  if (ring.length < 4) throw invalid(feature, `has a ring with ${Math.max(0, ring.length - 1)} corners, three are needed; ${REPAIR}`);
  return ring;
}

/** Edges of all rings: two rings may touch but not cross, and no ring may meet itself. */
function refuseCrossings(polygons: MultiPolygon, feature: FeatureName): void {
  const rings = polygons.flat(), ends: number[] = [], ringOfEdge: number[] = [];
  rings.forEach((ring, r) => {
    for (let i = 1; i < ring.length; i++) {
      ends.push(ring[i - 1]![0], ring[i - 1]![1], ring[i]![0], ring[i]![1]);
      ringOfEdge.push(r);
    }
  });
  const count = ringOfEdge.length, index = new Flatbush(count);
  for (let e = 0; e < count; e++) {
    const [ax, ay, bx, by] = ends.slice(4 * e, 4 * e + 4) as [number, number, number, number];
    index.add(Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by));
  }
  index.finish();
  for (let e = 0; e < count; e++) {
    const a = ends.slice(4 * e, 4 * e + 4) as Segment;
    const near = index.search(Math.min(a[0], a[2]), Math.min(a[1], a[3]), Math.max(a[0], a[2]), Math.max(a[1], a[3]), (other) => other > e);
    for (const other of near) {
      const b = ends.slice(4 * other, 4 * other + 4) as Segment, sameRing = ringOfEdge[e] === ringOfEdge[other];
      if (sameRing ? meetsWrongly(a, b) : crosses(a, b)) {
        const what = sameRing ? 'has a ring that meets itself' : 'has rings that cross';
        throw invalid(feature, `${what} near ${b[0]}, ${b[1]}; ${REPAIR}`);
      }
    }
  }
}

type Segment = [number, number, number, number];

const sides = (a: Segment, b: Segment): [number, number] =>
  [Math.sign(orient2d(a[0], a[1], a[2], a[3], b[0], b[1])), Math.sign(orient2d(a[0], a[1], a[2], a[3], b[2], b[3]))];

/** True when two segments cross in a point inside both. */
function crosses(a: Segment, b: Segment): boolean {
  const [p, q] = sides(a, b), [r, s] = sides(b, a);
  return p * q < 0 && r * s < 0;
}

/** True when two edges of a ring share more than the corner between neighbours. */
function meetsWrongly(a: Segment, b: Segment): boolean {
  const [p, q] = sides(a, b), [r, s] = sides(b, a);
  if (p * q > 0 || r * s > 0) return false;
  const follows = a[2] === b[0] && a[3] === b[1], leads = b[2] === a[0] && b[3] === a[1];
  if (p === 0 && q === 0) { // on one line: the boxes meet
    const overlapX = Math.min(Math.max(a[0], a[2]), Math.max(b[0], b[2])) - Math.max(Math.min(a[0], a[2]), Math.min(b[0], b[2]));
    const overlapY = Math.min(Math.max(a[1], a[3]), Math.max(b[1], b[3])) - Math.max(Math.min(a[1], a[3]), Math.min(b[1], b[3]));
    return overlapX > 0 || overlapY > 0 || !(follows || leads);
  }
  return !(follows || leads);
}
