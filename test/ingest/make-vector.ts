// make-vector.ts: writes small vector layers byte by byte or through their library: GeoPackage, FlatGeobuf, Shapefile, zip.
import { DatabaseSync } from 'node:sqlite';
import { crc32, deflateRawSync } from 'node:zlib';
import { ColumnType } from 'flatgeobuf/lib/mjs/flat-geobuf/column-type.js';
import { GeometryType } from 'flatgeobuf/lib/mjs/flat-geobuf/geometry-type.js';
import { buildFeature } from 'flatgeobuf/lib/mjs/generic/feature.js';
import { buildHeader } from 'flatgeobuf/lib/mjs/generic/featurecollection.js';
import { parseGeometry } from 'flatgeobuf/lib/mjs/geojson/geometry.js';

type Position = number[];

/** A feature as the tests draw it; the properties are texts and numbers. */
export interface Drawn {
  properties: Record<string, string | number>;
  /** polygons of rings */
  coordinates: Position[][][];
}

const bytes = (length: number, write: (view: DataView) => void): Buffer => {
  const out = Buffer.alloc(length);
  write(new DataView(out.buffer, out.byteOffset, length));
  return out;
};

/** WKB of a multi-polygon, little-endian; `z` adds ISO's third ordinate. */
export function wkbOf(coordinates: Position[][][], { z = false }: { z?: boolean } = {}): Buffer {
  const word = (code: number): Buffer => bytes(5, (view) => { view.setUint8(0, 1); view.setUint32(1, code + (z ? 1000 : 0), true); });
  const count = (n: number): Buffer => bytes(4, (view) => view.setUint32(0, n, true));
  const position = ([x, y]: Position): Buffer => bytes(z ? 24 : 16, (view) => { view.setFloat64(0, x!, true); view.setFloat64(8, y!, true); if (z) view.setFloat64(16, 77, true); });
  return Buffer.concat([word(6), count(coordinates.length), ...coordinates.flatMap((polygon) => [word(3), count(polygon.length), ...polygon.flatMap((ring) => [count(ring.length), ...ring.map(position)])])]);
}

/** GeoPackage's blob around a WKB; `empty` sets the flag. */
export const blobOf = (wkb: Buffer, { empty = false }: { empty?: boolean } = {}): Buffer =>
  Buffer.concat([bytes(8, (view) => { view.setUint16(0, 0x4750); view.setUint8(3, empty ? 0x11 : 0x01); view.setInt32(4, 32611, true); }), wkb]);

export interface GpkgLayer {
  name: string;
  /** declarations: `no TEXT, ha REAL` */
  columns: string;
  srs: { id: number; organisation: string; wkt: string };
  rows: { values: (string | number | bigint | null)[]; blob: Buffer | null }[];
}

/** A GeoPackage with the tables that the standard asks for. */
export function writeGpkg(path: string, layers: readonly GpkgLayer[]): void {
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, organization_coordsys_id INTEGER, definition TEXT);
    CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, srs_id INTEGER);
    CREATE TABLE gpkg_geometry_columns (table_name TEXT PRIMARY KEY, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER)`);
  for (const { name, columns, srs, rows } of layers) {
    db.prepare('INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?)').run('', srs.id, srs.organisation, srs.id, srs.wkt);
    db.prepare("INSERT INTO gpkg_contents VALUES (?, 'features', ?)").run(name, srs.id);
    db.prepare("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'MULTIPOLYGON', ?)").run(name, srs.id);
    const table = `"${name.replaceAll('"', '""')}"`;
    db.exec(`CREATE TABLE ${table} (fid INTEGER PRIMARY KEY, geom BLOB, ${columns})`);
    rows.forEach(({ values, blob }, i) => db.prepare(`INSERT INTO ${table} VALUES (${['?', '?', ...values.map(() => '?')].join(', ')})`).run(i + 1, blob, ...values));
  }
  db.close();
}

/** A FlatGeobuf file without index through the flatgeobuf package; numbers are doubles. */
export function flatgeobufOf(features: readonly Drawn[], epsg: number): Buffer {
  const columns = Object.entries(features[0]!.properties).map(([name, value]) => ({ name, type: typeof value === 'number' ? ColumnType.Double : ColumnType.String, title: null, description: null, width: 0, precision: 0, scale: 0, nullable: true, unique: false, primary_key: false }));
  const header = { geometryType: GeometryType.MultiPolygon, columns, envelope: null, featuresCount: features.length, indexNodeSize: 0, crs: null, title: null, description: null, metadata: null };
  return Buffer.concat([Buffer.from([0x66, 0x67, 0x62, 3, 0x66, 0x67, 0x62, 0]), buildHeader(header, epsg),
    ...features.map(({ properties, coordinates }) => buildFeature(parseGeometry({ type: 'MultiPolygon', coordinates }), properties, header))]);
}

/** The .shp of features (null: a null shape) with rings in the order and direction given. */
export function shpOf(shapes: readonly (Position[][] | null)[], type = 5): { shp: Buffer; shx: Buffer } {
  const contents = shapes.map((rings) => (rings === null ? bytes(4, () => {}) : polygonRecord(rings, type)));
  const header = (length: number): Buffer => bytes(100, (view) => { view.setInt32(0, 9994); view.setInt32(24, length / 2); view.setInt32(28, 1000, true); view.setInt32(32, type, true); });
  const records = contents.map((content, i) => Buffer.concat([bytes(8, (view) => { view.setInt32(0, i + 1); view.setInt32(4, content.length / 2); }), content]));
  let at = 100;
  const index = records.map((record) => bytes(8, (view) => { view.setInt32(0, at / 2); view.setInt32(4, (record.length - 8) / 2); at += record.length; }));
  return { shp: Buffer.concat([header(records.reduce((sum, { length }) => sum + length, 100)), ...records]), shx: Buffer.concat([header(100 + 8 * index.length), ...index]) };
}

function polygonRecord(rings: Position[][], type: number): Buffer {
  const points = rings.flat();
  return bytes(44 + 4 * rings.length + 16 * points.length, (view) => {
    view.setInt32(0, type, true);
    view.setInt32(36, rings.length, true);
    view.setInt32(40, points.length, true);
    rings.reduce((sum, ring, i) => { view.setInt32(44 + 4 * i, sum, true); return sum + ring.length; }, 0);
    points.forEach(([x, y], i) => { view.setFloat64(44 + 4 * rings.length + 16 * i, x!, true); view.setFloat64(52 + 4 * rings.length + 16 * i, y!, true); });
  });
}

/** A dBASE table; `fields` as [name, type, length], rows of byte texts in the fields' order; `deleted` are indices of rows. */
export function dbfOf(fields: readonly [string, string, number][], rows: readonly (string | Buffer)[][], { driver = 0, deleted = [] as number[] } = {}): Buffer {
  const recordLength = 1 + fields.reduce((sum, [, , length]) => sum + length, 0);
  const head = bytes(32, (view) => { view.setUint8(0, 3); view.setUint32(4, rows.length, true); view.setUint16(8, 33 + 32 * fields.length, true); view.setUint16(10, recordLength, true); view.setUint8(29, driver); });
  const descriptors = fields.map(([name, type, length]) => { const out = Buffer.alloc(32); out.write(name, 'latin1'); out.write(type, 11, 'latin1'); out[16] = length; return out; });
  const records = rows.map((row, r) => Buffer.concat([Buffer.from(deleted.includes(r) ? '*' : ' '), ...row.map((value, i) => { const out = Buffer.alloc(fields[i]![2], ' '); Buffer.from(value).copy(out); return out; })]));
  return Buffer.concat([head, ...descriptors, Buffer.from([0x0d]), ...records, Buffer.from([0x1a])]);
}

/** A zip of members, deflated. */
export function zipOf(members: Record<string, Buffer>): Buffer {
  const local: Buffer[] = [], central: Buffer[] = [];
  let at = 0;
  for (const [name, data] of Object.entries(members)) {
    const packed = deflateRawSync(data), path = Buffer.from(name);
    const fields = bytes(26, (view) => { view.setUint16(0, 20, true); view.setUint16(4, 8, true); view.setUint32(10, crc32(data), true); view.setUint32(14, packed.length, true); view.setUint32(18, data.length, true); view.setUint16(22, path.length, true); });
    const place = bytes(14, (view) => view.setUint32(10, at, true));
    local.push(Buffer.from('PK\x03\x04', 'latin1'), fields, path, packed);
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, place, path);
    at += 30 + path.length + packed.length;
  }
  const directory = Buffer.concat(central), count = Object.keys(members).length;
  const end = bytes(22, (view) => { view.setUint32(0, 0x504b0506); view.setUint16(8, count, true); view.setUint16(10, count, true); view.setUint32(12, directory.length, true); view.setUint32(16, at, true); });
  return Buffer.concat([...local, directory, end]);
}
