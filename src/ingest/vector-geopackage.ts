// ingest/vector-geopackage.ts: polygons of a GeoPackage layer, row by row through SQLite, read-only. IO.
import { stat } from 'node:fs/promises';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { InvalidInput, messageOf } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { layerCrsOf, noCrs, type LayerCrs } from './vector-crs.ts';
import { plainValue, type RawFeature, type VectorFile, type VectorFormat } from './vector-format.ts';
import { geometryOfWkb } from './vector-wkb.ts';

const SQLITE = 'SQLite format 3\0';

export const geopackage: VectorFormat = {
  name: 'GeoPackage',
  matches: (head) => new TextDecoder('latin1').decode(head.subarray(0, SQLITE.length)) === SQLITE,
  open: openGeopackage,
};

type Row = Record<string, SQLOutputValue>;

interface Layer {
  table: string;
  geometryColumn: string;
  crs: LayerCrs;
  /** the integer primary key, null for a view */
  key: string | null;
  /** columns declared BOOLEAN, which SQLite holds as 0 and 1 */
  booleans: Set<string>;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The layer of a file on disk: `source.name` is its path, since SQLite reads it itself. */
async function openGeopackage(source: ByteSource, { layer }: { layer: string | null }): Promise<VectorFile> {
  const path = source.name, db = await openDatabase(source);
  try {
    const found = layerOf(db, path, layer);
    return {
      name: layer === null ? path : `${path} (layer ${layer})`, crs: found.crs, idName: found.key, outer: null,
      features: () => featuresOf(db, path, found), close: async () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error instanceof InvalidInput ? error : damaged(path, error);
  }
}

const damaged = (path: string, error: unknown): InvalidInput =>
  new InvalidInput(`${path}: cannot be read as a GeoPackage (${messageOf(error)}); close it in other programs, copy it whole, or write it again with ogr2ogr -f GPKG`, { source: path }, { cause: error });

/**
 * Read-only. In the journal mode that QGIS leaves behind, SQLite would write a file of locks beside it; where no journal waits,
 * `immutable` reads without one, also from folders that may not be written.
 */
async function openDatabase(source: ByteSource): Promise<DatabaseSync> {
  const isWal = source.size > 20 && (await source.read(18, 2)).includes(2), waiting = await stat(`${source.name}-wal`).catch(() => null);
  try {
    if (!isWal || (waiting !== null && waiting.size > 0)) return new DatabaseSync(source.name, { readOnly: true });
    const url = pathToFileURL(source.name);
    url.searchParams.set('immutable', '1');
    return new DatabaseSync(url, { readOnly: true });
  } catch (error) {
    throw damaged(source.name, error);
  }
}

function layerOf(db: DatabaseSync, path: string, wanted: string | null): Layer {
  if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_geometry_columns'").get() === undefined) {
    throw new InvalidInput(`${path}: is an SQLite database, but no GeoPackage with a layer of features: it has no table gpkg_geometry_columns; write it with ogr2ogr -f GPKG`, { source: path });
  }
  const layers = db.prepare(`SELECT c.table_name AS name, g.column_name AS geometry, g.geometry_type_name AS type, s.organization AS organisation, s.organization_coordsys_id AS code, s.srs_id AS srs, s.definition AS wkt
    FROM gpkg_contents c JOIN gpkg_geometry_columns g ON g.table_name = c.table_name LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
    WHERE c.data_type = 'features' ORDER BY c.table_name`).all();
  const listed = layers.map(({ name, type }) => `${String(name)} (${String(type)})`).join(', ');
  if (layers.length === 0) throw new InvalidInput(`${path}: has no layer of features`, { source: path });
  if (wanted === null && layers.length > 1) throw new InvalidInput(`${path}: has ${layers.length} layers; add the line \`layer: NAME\` under this input in the job file: ${listed}`, { source: path, path: 'layer' });
  const row = wanted === null ? layers[0] : layers.find(({ name }) => name === wanted);
  if (!row) throw new InvalidInput(`${path}: has no layer '${wanted}'; its layers are ${listed}`, { source: path, path: 'layer' });
  const table = String(row['name']), columns = db.prepare(`PRAGMA table_info(${quoted(table)})`).all();
  return {
    table, geometryColumn: String(row['geometry']), crs: crsOfRow(row),
    key: columns.filter(({ pk }) => Number(pk) > 0).map(({ name }) => String(name))[0] ?? null,
    booleans: new Set(columns.filter(({ type }) => /^BOOLEAN$/i.test(String(type))).map(({ name }) => String(name))),
  };
}

/** srs_id -1 and 0 are the standard's words for an undefined CRS. */
function crsOfRow({ organisation, code, srs, wkt }: Row): LayerCrs {
  if (srs === null || srs === undefined || Number(srs) <= 0) return noCrs();
  return layerCrsOf({ organisation: typeof organisation === 'string' ? organisation : null, code: Number(code), wkt: typeof wkt === 'string' ? wkt : null });
}

/** SQLite hands out rows one by one: memory holds one, and SQLite's own pages. */
async function* featuresOf(db: DatabaseSync, path: string, layer: Layer): AsyncGenerator<RawFeature> {
  const rows = db.prepare(`SELECT * FROM ${quoted(layer.table)}${layer.key === null ? '' : ` ORDER BY ${quoted(layer.key)}`}`);
  rows.setReadBigInts(true);
  let number = 0;
  try {
    for (const row of rows.iterate()) yield featureOf(row, ++number, path, layer);
  } catch (error) {
    throw error instanceof InvalidInput ? error : damaged(path, error);
  }
}

function featureOf(row: Row, number: number, path: string, { geometryColumn, key, booleans }: Layer): RawFeature {
  const properties: Record<string, unknown> = {}, own = key === null ? null : plainValue(row[key]);
  for (const [name, value] of Object.entries(row)) {
    if (name === geometryColumn || name === key) continue;
    properties[name] = booleans.has(name) && typeof value === 'bigint' ? value !== 0n : plainValue(value);
  }
  const blob = row[geometryColumn] ?? null;
  if (blob !== null && !(blob instanceof Uint8Array)) throw new InvalidInput(`${path}: feature ${number} has a geometry that is no GeoPackage geometry; write the layer again`, { source: path, feature: number });
  return { number, id: typeof own === 'number' || typeof own === 'string' ? own : null, properties, geometry: blob === null ? null : geometryOfBlob(blob, number, path) };
}

const ENVELOPE_BYTES = [0, 32, 48, 48, 64];

/** GeoPackage's header (`GP`, version, flags, SRS, envelope) before the WKB. Its flag says whether the geometry is empty. */
function geometryOfBlob(blob: Uint8Array, number: number, path: string): unknown {
  const flags = blob[3] ?? 0, envelope = ENVELOPE_BYTES[(flags >> 1) & 7];
  try {
    if (blob[0] !== 0x47 || blob[1] !== 0x50 || envelope === undefined) throw new RangeError('the header GP is missing');
    if ((flags & 0x20) !== 0) throw new RangeError('it is of an extended type');
    return (flags & 0x10) !== 0 ? null : geometryOfWkb(blob.subarray(8 + envelope));
  } catch (error) {
    throw new InvalidInput(`${path}: feature ${number} has a geometry that cannot be read (${messageOf(error)}); write the layer again with ogr2ogr -f GPKG`, { source: path, feature: number }, { cause: error });
  }
}
