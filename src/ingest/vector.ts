// ingest/vector.ts: polygon layers (stands, masks, the area, plots) feature by feature, in the survey's CRS. IO.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import { openFile, type ByteSource } from '../files/byte-source.ts';
import { transformer, type Crs, type Transform } from '../geo/crs.ts';
import { orientRings } from '../geo/polygon.ts';
import { toMetres, toUnits } from '../geo/units.ts';
import type { MultiPolygon, Ring, Stand } from '../types.ts';
import { settleLayerCrs } from './vector-crs.ts';
import type { VectorFile, VectorFormat } from './vector-format.ts';
import { polygonsOf } from './vector-geometry.ts';

/** The formats by the ending of their files, each loaded when first asked for. */
const formats = new Map<string, () => Promise<VectorFormat>>([
  ['.geojson', () => import('./vector-geojson.ts').then((m) => m.geojson)],
  ['.json', () => import('./vector-geojson.ts').then((m) => m.geojson)],
  ['.gpkg', () => import('./vector-geopackage.ts').then((m) => m.geopackage)],
  ['.fgb', () => import('./vector-flatgeobuf.ts').then((m) => m.flatgeobuf)],
  ['.shp', () => import('./vector-shapefile.ts').then((m) => m.shapefile)],
  ['.shz', () => import('./vector-zip.ts').then((m) => m.zippedShapefile)],
  ['.zip', () => import('./vector-zip.ts').then((m) => m.zippedShapefile)],
]);

const endingOf = (path: string): string => /\.[^./\\]+$/.exec(path.toLowerCase())?.[0] ?? '';

/** True for a path that ends as a vector layer does. */
export const isVectorPath = (path: string): boolean => formats.has(endingOf(path));

/** Files that belong to a layer beside the one that is named: a Shapefile's attributes, CRS and encoding, a GeoPackage's journal. */
const BESIDE = new Map([['.shp', ['.dbf', '.shx', '.prj', '.cpg']], ['.gpkg', ['.gpkg-wal']]]);

/** All files that a layer is read from, for its fingerprint: the one that is named, then those beside it, in alphabetical order. */
export async function filesOfVector(path: string): Promise<string[]> {
  const endings = BESIDE.get(endingOf(path)), stem = basename(path).replace(/\.[^.]+$/, '').toLowerCase();
  if (!endings) return [path];
  const names = await readdir(dirname(path)).catch(() => []);
  return [path, ...names.filter((name) => endings.includes(endingOf(name)) && name.replace(/\.[^.]+$/, '').toLowerCase() === stem).sort().map((name) => join(dirname(path), name))];
}

/**
 * Open a polygon layer: its format is known by the ending and checked by the content. Close it, then the source, after its last use.
 *
 * @param layer which one, for a GeoPackage with several layers or a zip with several Shapefiles
 * @throws {UnsupportedInput} for an ending of no known format, or content of another format
 * @throws {InvalidInput} when the file is damaged, or the layer is not there
 */
export async function openVector(source: ByteSource, { layer = null }: { layer?: string | null } = {}): Promise<VectorFile> {
  const ending = endingOf(source.name), load = formats.get(ending);
  if (!load) throw new UnsupportedInput(`${source.name}: polygon layers are read from ${[...formats.keys()].join(', ')} files; convert it with ogr2ogr -f GPKG`, { source: source.name });
  const format = await load(), head = await source.read(0, Math.min(64, source.size));
  if (!format.matches(head)) {
    for (const [otherEnding, other] of formats) {
      const { name, matches } = await other();
      if (matches(head)) throw new UnsupportedInput(`${source.name}: ends in ${ending}, but its content is a ${name}; rename it to ${otherEnding}`, { source: source.name });
    }
    throw new InvalidInput(`${source.name}: is no ${format.name}, though it ends in ${ending}${source.size === 0 ? ': it is empty' : ''}; write it again, or check that it was copied whole`, { source: source.name });
  }
  return format.open(source, { layer });
}

export interface LayerOptions {
  surveyCrs: Crs;
  /** which layer, where a file has several */
  layer?: string | null;
  /** the CRS that the job file says, for a file that states none */
  statedCrs?: Crs | null;
  /** take `statedCrs` even where the file says otherwise */
  override?: boolean;
  /** told what was mended or skipped, with the file and the number of the feature */
  onNote?: (note: string) => void;
}

/** A feature with its polygons: rings closed, simple, outer counter-clockwise. */
export interface PolygonFeature {
  /** counted from 1 in the file's order */
  number: number;
  properties: Record<string, unknown>;
  polygons: MultiPolygon;
}

/** A feature in the file's own coordinates, and the CRS that they are in. */
export interface VectorFeature extends PolygonFeature {
  /** the feature's own id, null without one */
  id: string | number | null;
  crs: Crs;
  file: VectorFile;
}

/**
 * Polygons of a layer in the survey's CRS, in the file's order; vertices are rounded to 1e-5 m. Memory holds one feature.
 *
 * @throws {InvalidInput} as `readFeatures`
 */
export async function* readPolygons(from: ByteSource | string, { surveyCrs, ...options }: LayerOptions): AsyncGenerator<PolygonFeature> {
  let transform: Transform | null = null;
  for await (const { number, properties, polygons, crs } of readFeatures(from, options)) {
    transform ??= transformer(crs, surveyCrs);
    yield { number, properties, polygons: reproject(polygons, transform) };
  }
}

/**
 * Features of a polygon layer in the file's own coordinates and order, each with the CRS of the layer.
 * Rings are mended where only one reading is possible, empty geometries skipped; both are told to `onNote`.
 *
 * @throws {InvalidInput} naming the feature: no polygon, a ring that meets itself, too few points, coordinates out of range; and
 *   naming the line to add where the CRS is missing or contradicts
 */
export async function* readFeatures(from: ByteSource | string, { layer = null, statedCrs = null, override = false, onNote = () => {} }: Omit<LayerOptions, 'surveyCrs'> = {}): AsyncGenerator<VectorFeature> {
  const source = typeof from === 'string' ? await openFile(from) : from;
  let file: VectorFile | null = null;
  try {
    file = await openVector(source, { layer });
    const crs = settleLayerCrs(file.name, file.crs, statedCrs, override), isLonLat = crs.unit === 'degree';
    for await (const { geometry, ...feature } of file.features(onNote)) {
      const text = `${file.name}: feature ${feature.number}${feature.id === null ? '' : ` (${file.idName ?? 'id'} ${feature.id})`}`;
      const name = { text, place: { source: source.name, feature: feature.number, id: feature.id } };
      const polygons = polygonsOf(geometry, name, { isLonLat, outer: file.outer, onMend: (what) => onNote(`${text}: ${what}`) });
      if (polygons === null) onNote(`${text} has an empty geometry and is left out; draw its polygon, or remove it`);
      else yield { ...feature, polygons, crs, file };
    }
  } finally {
    await file?.close();
    if (typeof from === 'string') await source.close();
  }
}

export interface StandOptions extends LayerOptions {
  /** property that holds the stand's id; null: the features' own ids */
  idField: string | null;
}

/**
 * Stands of a layer in the survey's CRS, in the file's order; vertices are rounded to 1e-5 m.
 * Memory holds one stand, and the ids.
 *
 * @throws {InvalidInput} as `readPolygons`, and where an id is missing or stands twice
 */
export async function* readStands(from: ByteSource | string, { idField, surveyCrs, ...options }: StandOptions): AsyncGenerator<Stand> {
  const seen = new Map<string, number>();
  let transform: Transform | null = null;
  for await (const feature of readFeatures(from, options)) {
    const { file } = feature;
    transform ??= transformer(feature.crs, surveyCrs);
    const standId = standIdOf(feature, idField), first = seen.get(standId);
    if (first !== undefined) {
      throw new InvalidInput(`${file.name}: features ${first} and ${feature.number} both have the id ${standId}; dissolve them into one stand, or name another field with the key id`, { source: file.name, feature: feature.number, id: standId });
    }
    seen.set(standId, feature.number);
    const attributes = { ...feature.properties };
    if (idField !== null) delete attributes[idField];
    yield { standId, attributes, polygons: reproject(feature.polygons, transform) };
  }
}

function standIdOf({ id, number, properties, file: { name: source, idName } }: VectorFeature, idField: string | null): string {
  const isOwn = idField === null || (idField === idName && !Object.hasOwn(properties, idField));
  const value = isOwn ? id : properties[idField];
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
