// ingest/vector.ts: polygon layers (stands, masks, the area) feature by feature, and stands in the survey's CRS. IO.
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import { openFile, type ByteSource } from '../files/byte-source.ts';
import { transformer, type Crs, type Transform } from '../geo/crs.ts';
import { orientRings } from '../geo/polygon.ts';
import { toMetres, toUnits } from '../geo/units.ts';
import type { MultiPolygon, Ring, Stand } from '../types.ts';

export interface VectorFeature {
  /** counted from 1 in the file's order */
  number: number;
  /** the feature's own id, null without one */
  id: string | number | null;
  properties: Record<string, unknown>;
  /** in the file's coordinates; rings closed, simple, outer counter-clockwise */
  polygons: MultiPolygon;
}

export interface VectorFile {
  name: string;
  /** as the file states it, or as its format says */
  crs: Crs;
  /** reads the file anew each time */
  features(): AsyncIterable<VectorFeature>;
}

/** A format by the ending of its files. */
const formats = new Map<string, () => Promise<(source: ByteSource) => Promise<VectorFile>>>([
  ['.geojson', () => import('./vector-geojson.ts').then((m) => m.openGeojson)],
  ['.json', () => import('./vector-geojson.ts').then((m) => m.openGeojson)],
]);

/**
 * Open a polygon layer; close the source after its last use.
 *
 * @throws {UnsupportedInput} for an ending of no known format
 * @throws {InvalidInput} when the file is none, or its CRS cannot be used
 */
export async function openVector(source: ByteSource): Promise<VectorFile> {
  const ending = /\.[^./\\]+$/.exec(source.name.toLowerCase())?.[0] ?? '', load = formats.get(ending);
  if (!load) throw new UnsupportedInput(`${source.name}: polygon layers are read from ${[...formats.keys()].join(' and ')} files; convert it with ogr2ogr -f GeoJSON`, { source: source.name });
  return (await load())(source);
}

/**
 * Features of a polygon layer in the file's own coordinates and order, each with the CRS of the file.
 *
 * @throws {InvalidInput} naming the feature: no polygon, a ring that meets itself, too few points, coordinates out of range
 */
export async function* readFeatures(from: ByteSource | string): AsyncGenerator<VectorFeature & { crs: Crs }> {
  const source = typeof from === 'string' ? await openFile(from) : from;
  try {
    const { crs, features } = await openVector(source);
    for await (const feature of features()) yield { ...feature, crs };
  } finally {
    if (typeof from === 'string') await source.close();
  }
}

export interface StandOptions {
  /** property that holds the stand's id; null: the features' own ids */
  idField: string | null;
  surveyCrs: Crs;
}

/**
 * Stands of a layer in the survey's CRS, in the file's order; vertices are rounded to 1e-5 m.
 * Memory holds one stand, and the ids.
 *
 * @throws {InvalidInput} as `readFeatures`, and where an id is missing or stands twice
 */
export async function* readStands(from: ByteSource | string, { idField, surveyCrs }: StandOptions): AsyncGenerator<Stand> {
  const seen = new Map<string, number>(), name = typeof from === 'string' ? from : from.name;
  let transform: Transform | null = null;
  for await (const feature of readFeatures(from)) {
    transform ??= transformer(feature.crs, surveyCrs);
    const standId = standIdOf(feature, idField, name), first = seen.get(standId);
    if (first !== undefined) {
      throw new InvalidInput(`${name}: features ${first} and ${feature.number} both have the id ${standId}; dissolve them into one stand, or name another field with the key id`, { source: name, feature: feature.number, id: standId });
    }
    seen.set(standId, feature.number);
    const attributes = { ...feature.properties };
    if (idField !== null) delete attributes[idField];
    yield { standId, attributes, polygons: reproject(feature.polygons, transform) };
  }
}

function standIdOf({ id, number, properties }: VectorFeature, idField: string | null, source: string): string {
  const value = idField === null ? id : properties[idField];
  if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  const fields = Object.keys(properties).join(', ') || 'none', place = { source, feature: number, field: idField };
  if (idField === null) throw new InvalidInput(`${source}: feature ${number} has no id; name the field that holds it with the key id: its fields are ${fields}`, place);
  if (!Object.hasOwn(properties, idField)) throw new InvalidInput(`${source}: feature ${number} has no field '${idField}'; its fields are ${fields}`, place);
  throw new InvalidInput(`${source}: feature ${number} has ${JSON.stringify(value)} as '${idField}', which is no id; give it a text or a number`, place);
}

/** Vertices to another CRS, rounded to 1e-5 m. Borders stay as drawn between their vertices: no densification. */
function reproject(polygons: MultiPolygon, transform: Transform): MultiPolygon {
  const ring = (positions: Ring): Ring => positions.map(([x, y]) => {
    const [tx, ty] = transform(x, y);
    return [toMetres(toUnits(tx)), toMetres(toUnits(ty))];
  });
  return polygons.map((polygon) => orientRings(polygon.map(ring)));
}
