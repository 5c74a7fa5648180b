// ingest/vector-geometry.ts: geometries of any format to polygons: rings mended where only one reading is possible, else refused by name. Pure.
import { orient2d } from 'robust-predicates';
import { InvalidInput, type ErrorPlace } from '../errors.ts';
import type { MultiPolygon, Polygon, Ring } from '../types.ts';
import { isClockwise, meetingRings, nestRings, type Nesting } from './vector-rings.ts';

/** How to name the feature in a message, and the same for machines. */
export interface FeatureName {
  text: string;
  place: ErrorPlace;
}

export interface GeometryRules {
  /** coordinates are checked against the ranges of longitude and latitude */
  isLonLat: boolean;
  /** what the format says of the direction of outer rings; null where it says nothing, so that any is right */
  outer: 'clockwise' | 'counter-clockwise' | null;
  /** told of each mend: `1 ring closed, 2 repeated points dropped` */
  onMend?: ((what: string) => void) | undefined;
}

/** The rings of one Shapefile record: which of them is a hole of which is not written in the file. */
export const LOOSE_RINGS = 'LooseRings';

const REPAIR = 'repair it, for example with QGIS "Fix geometries" or ogr2ogr -makevalid';

interface Mends {
  closed: number;
  repeated: number;
  spikes: number;
  turned: number;
}

/**
 * Polygons of a Polygon, MultiPolygon, GeometryCollection of those, or loose rings, in the file's coordinates.
 * Rings come back closed, simple, without repeated points and spikes; outer counter-clockwise and holes clockwise.
 *
 * @returns null for an empty geometry
 * @throws {InvalidInput} for another geometry, a ring with fewer than three corners, one that meets itself, rings that cross,
 *   a hole outside its polygon, parts that overlap, numbers out of range
 */
export function polygonsOf(geometry: unknown, feature: FeatureName, rules: GeometryRules): MultiPolygon | null {
  const mends: Mends = { closed: 0, repeated: 0, spikes: 0, turned: 0 };
  const isLoose = isRecord(geometry) && geometry['type'] === LOOSE_RINGS;
  const polygons = (isLoose ? [geometry['coordinates']] : collect(geometry, feature)).filter((polygon) => !Array.isArray(polygon) || polygon.some((ring) => !Array.isArray(ring) || ring.length > 0))
    .map((polygon) => ringsOf(polygon, feature, rules, mends));
  if (polygons.length === 0) return null;
  const arranged = isLoose ? arrangeLoose(polygons[0]!, feature) : arrangeDrawn(polygons, feature);
  const oriented = arranged.map((polygon) => polygon.map((ring, i) => {
    const clockwise = isClockwise(ring), isOuter = i === 0;
    if (rules.outer !== null && clockwise !== (isOuter === (rules.outer === 'clockwise'))) mends.turned++;
    return clockwise === isOuter ? ring.toReversed() : ring;
  }));
  if (rules.onMend) report(mends, rules.onMend);
  return oriented;
}

function report({ closed, repeated, spikes, turned }: Mends, onMend: (what: string) => void): void {
  const many = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
  const done = [
    closed > 0 ? `${many(closed, 'ring')} closed` : '', repeated > 0 ? `${many(repeated, 'repeated point')} dropped` : '',
    spikes > 0 ? `${many(spikes, 'spike')} of no area cut off` : '', turned > 0 ? `${many(turned, 'ring')} turned round` : '',
  ].filter((text) => text !== '');
  if (done.length > 0) onMend(done.join(', '));
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = ({ text, place }: FeatureName, what: string): InvalidInput => new InvalidInput(`${text} ${what}`, place);

const CURVED = new Set(['CircularString', 'CompoundCurve', 'CurvePolygon', 'MultiCurve', 'MultiSurface', 'Curve', 'Surface', 'PolyhedralSurface', 'TIN', 'Triangle', 'MultiPatch']);

function collect(geometry: unknown, feature: FeatureName): unknown[] {
  if (geometry === null || geometry === undefined) return [];
  if (!isRecord(geometry)) throw invalid(feature, 'has a geometry that is no object; write the file again');
  const { type, coordinates, geometries } = geometry;
  if (type === 'Polygon') return [coordinates];
  if (type === 'MultiPolygon' && Array.isArray(coordinates)) return coordinates;
  if (type === 'GeometryCollection' && Array.isArray(geometries)) return geometries.flatMap((each) => collect(each, feature));
  if (typeof type === 'string' && CURVED.has(type)) throw invalid(feature, `is a ${type}; only Polygon and MultiPolygon are read here: convert it with ogr2ogr -nlt CONVERT_TO_LINEAR -nlt MULTIPOLYGON`);
  throw invalid(feature, `is a ${typeof type === 'string' ? type : 'geometry without a type'}; only Polygon and MultiPolygon are read here: remove it, or name a layer of polygons`);
}

function ringsOf(polygon: unknown, feature: FeatureName, rules: GeometryRules, mends: Mends): Polygon {
  if (!Array.isArray(polygon)) throw invalid(feature, 'has a polygon without rings; remove it or draw its polygon');
  return polygon.map((ring) => ringOf(ring, feature, rules, mends));
}

function ringOf(positions: unknown, feature: FeatureName, { isLonLat }: GeometryRules, mends: Mends): Ring {
  if (!Array.isArray(positions)) throw invalid(feature, 'has a ring that is no list of positions; write the file again');
  const corners: Ring = [];
  for (const position of positions) {
    const [x, y] = Array.isArray(position) ? position : [];
    if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x) || !Number.isFinite(y)) throw invalid(feature, `has a position that is no pair of numbers, ${JSON.stringify(position)}; write the file again`);
    if (isLonLat && !(Math.abs(x) <= 180 && Math.abs(y) <= 90)) {
      throw invalid(feature, `has the position ${x}, ${y}, which is no longitude and latitude, though the layer's CRS is in degrees (GeoJSON is in WGS 84 unless its crs member says otherwise); add the lines \`crs: EPSG:N\` and \`override: true\` under this input in the job file, or write the CRS into the file`);
    }
    if (samePlace(corners.at(-1), [x, y])) mends.repeated++;
    else corners.push([x, y]);
  }
  if (corners.length > 1 && samePlace(corners[0], corners.at(-1)!)) corners.pop();
  else mends.closed++;
  mends.spikes += cutSpikes(corners);
  if (corners.length < 3) throw invalid(feature, `has a ring with ${corners.length} corner${corners.length === 1 ? '' : 's'}, three are needed; ${REPAIR}`);
  return [...corners, [corners[0]![0], corners[0]![1]]];
}

const samePlace = (a: [number, number] | undefined, b: [number, number]): boolean => a !== undefined && a[0] === b[0] && a[1] === b[1];

/** Take out the tips of spikes, where the border runs back along its own line: exact, and no area changes. Corners are a ring without its closing point. */
function cutSpikes(corners: Ring): number {
  let cut = 0;
  for (let i = 0, unchanged = 0; corners.length >= 3 && unchanged < corners.length;) {
    const count = corners.length, before = (i + count - 1) % count, [ax, ay] = corners[before]!, [bx, by] = corners[i]!, [cx, cy] = corners[(i + 1) % count]!;
    if (orient2d(ax, ay, bx, by, cx, cy) === 0 && (ax - bx) * (cx - bx) + (ay - by) * (cy - by) > 0) {
      corners.splice(i, 1);
      if (ax === cx && ay === cy) corners.splice(i % corners.length, 1); // the tip's two sides were one line
      cut++;
      unchanged = 0;
      i = Math.max(0, i - 1) % Math.max(1, corners.length);
    } else {
      unchanged++;
      i = (i + 1) % count;
    }
  }
  return cut;
}

function refuse(fault: { fault: string; near: [number, number] } | null, feature: FeatureName): void {
  if (fault) throw invalid(feature, `${fault.fault} near ${fault.near[0]}, ${fault.near[1]}; ${REPAIR}`);
}

/** The rings around each ring, outermost first. @throws {InvalidInput} where rings meet wrongly */
function nestingOf(rings: Polygon, feature: FeatureName): Nesting {
  const { fault, touching } = meetingRings(rings);
  refuse(fault, feature);
  if (rings.length === 1) return [[]];
  const nesting = nestRings(rings, touching);
  refuse(nesting.fault, feature);
  return nesting.around;
}

/** Polygons as drawn: holes must lie inside their own outer ring, and parts may touch but not overlap. */
function arrangeDrawn(polygons: MultiPolygon, feature: FeatureName): MultiPolygon {
  const rings = polygons.flat(), around = nestingOf(rings, feature);
  let r = 0;
  for (const polygon of polygons) {
    const outer = r;
    for (let i = 0; i < polygon.length; i++, r++) {
      const isHole = i > 0, near = rings[r]![0]!;
      if (isHole && around[r]!.at(-1) !== outer) refuse({ fault: around[r]!.includes(outer) ? 'has a hole inside another hole' : 'has a hole outside its polygon', near }, feature);
      if (!isHole && around[r]!.length % 2 === 1) refuse({ fault: 'has parts that overlap', near }, feature);
    }
  }
  return polygons;
}

/** Loose rings: a ring inside an odd number of others is a hole of the innermost of them, whatever its direction. */
function arrangeLoose(rings: Polygon, feature: FeatureName): MultiPolygon {
  const around = nestingOf(rings, feature), polygons = new Map<number, Polygon>();
  rings.forEach((ring, r) => { if (around[r]!.length % 2 === 0) polygons.set(r, [ring]); });
  rings.forEach((ring, r) => { if (around[r]!.length % 2 === 1) polygons.get(around[r]!.at(-1)!)!.push(ring); });
  return [...polygons.values()];
}
