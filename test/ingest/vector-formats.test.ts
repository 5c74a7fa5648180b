import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesSource } from '../../src/files/byte-source.ts';
import { crsFromEpsg } from '../../src/geo/crs.ts';
import { polygonAreaM2 } from '../../src/geo/polygon.ts';
import { encodingOf } from '../../src/ingest/vector-dbf.ts';
import { readAhead } from '../../src/ingest/vector-format.ts';
import { geometryOfWkb } from '../../src/ingest/vector-wkb.ts';
import { filesOfVector, readFeatures, readPolygons, readStands } from '../../src/ingest/vector.ts';
import { blobOf, dbfOf, flatgeobufOf, shpOf, wkbOf, writeGpkg, zipOf, type Drawn, type GpkgLayer } from './make-vector.ts';

const surveyCrs = crsFromEpsg(32611);
const UTM11_ESRI = 'PROJCS["WGS_1984_UTM_Zone_11N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",-117.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]';
const [X, Y] = [452_000, 4_445_000];
const square = (x: number, y: number, size = 100): [number, number][] => [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]];

/** Two stands: one with a hole, one of two parts; as GeoJSON says, outer rings counter-clockwise. */
const drawn: Drawn[] = [
  { properties: { no: 'A', species: 'M\u00e9l\u00e8ze', ha: 0.99 }, coordinates: [[square(X, Y), square(X + 10, Y + 10, 10).toReversed()]] },
  { properties: { no: 'B', species: '\u5c3e\u702c', ha: 2 }, coordinates: [[square(X + 200, Y)], [square(X + 400, Y)]] },
];
const expected = drawn.map(({ properties: { no, ...attributes }, coordinates }) => ({ standId: no, attributes, polygons: coordinates }));
const clockwise = ({ coordinates }: Drawn) => coordinates.flat().map((ring) => ring.toReversed());

let dir = '';
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'vector-')); });
afterAll(() => rm(dir, { recursive: true, force: true }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}
const stands = (from: string | ReturnType<typeof bytesSource>, rest = {}) => all(readStands(from, { idField: 'no', surveyCrs, ...rest }));
async function save(name: string, data: Buffer): Promise<string> {
  await writeFile(join(dir, name), data);
  return join(dir, name);
}

const layerOf = (name: string, rest: Partial<GpkgLayer> = {}): GpkgLayer => ({
  name, columns: 'no TEXT, species TEXT, ha REAL', srs: { id: 32611, organisation: 'EPSG', wkt: 'undefined' },
  rows: drawn.map(({ properties, coordinates }) => ({ values: Object.values(properties), blob: blobOf(wkbOf(coordinates)) })), ...rest,
});
function gpkg(name: string, ...layers: GpkgLayer[]): string {
  writeGpkg(join(dir, name), layers);
  return join(dir, name);
}

const dbf = (encoding: BufferEncoding = 'utf8') => dbfOf([['no', 'C', 5], ['species', 'C', 20], ['ha', 'N', 8]], drawn.map(({ properties: { no, species, ha } }) => [String(no), Buffer.from(String(species), encoding), String(ha).padStart(8)]));
const members = (name: string): Record<string, Buffer> => ({ [`${name}.shp`]: shpOf(drawn.map(clockwise)).shp, [`${name}.shx`]: shpOf(drawn.map(clockwise)).shx, [`${name}.dbf`]: dbf(), [`${name}.prj`]: Buffer.from(UTM11_ESRI), [`${name}.cpg`]: Buffer.from('UTF-8\n') });
async function saveShapefile(name: string, files: Record<string, Buffer> = members(name)): Promise<string> {
  for (const [file, data] of Object.entries(files)) await save(file, data);
  return join(dir, `${name}.shp`);
}

test('GeoPackage, FlatGeobuf, Shapefile and zipped Shapefile give the stands that were drawn', async () => {
  expect(await stands(gpkg('a.gpkg', layerOf('stands')))).toEqual(expected);
  expect(await stands(await save('a.fgb', flatgeobufOf(drawn, 32611)))).toEqual(expected);
  expect(await stands(await saveShapefile('a'))).toEqual(expected);
  expect(await stands(await save('a.zip', zipOf(members('sub/a'))))).toEqual(expected);
});

test('each format keeps its own values: whole numbers beyond 2^53, truth values, dates, missing ones', async () => {
  const path = gpkg('values.gpkg', layerOf('stands', { columns: 'no INTEGER, big INTEGER, ok BOOLEAN, day DATE, note TEXT, raw BLOB', rows: [{ values: [7, 9_007_199_254_740_993n, 0, '2026-06-03', null, 'ff'], blob: blobOf(wkbOf(drawn[0]!.coordinates, { z: true })) }] }));
  expect(await stands(path)).toEqual([{ standId: '7', attributes: { big: '9007199254740993', ok: false, day: '2026-06-03', note: null, raw: 'ff' }, polygons: drawn[0]!.coordinates }]);
  const table = dbfOf([['no', 'N', 5], ['big', 'N', 18], ['wide', 'N', 4], ['ok', 'L', 1], ['maybe', 'L', 1], ['day', 'D', 8], ['none', 'D', 8], ['note', 'C', 4], ['zero', 'F', 4], ['memo', 'M', 10]], [['    7', '  9007199254740993', '****', 'T', '?', '20260603', '00000000', '    ', ' 0.0', '']]);
  const notes: string[] = [];
  const shp = await saveShapefile('values', { ...members('values'), 'values.shp': shpOf([clockwise(drawn[0]!)]).shp, 'values.shx': shpOf([clockwise(drawn[0]!)]).shx, 'values.dbf': table });
  expect((await stands(shp, { onNote: (note: string) => notes.push(note) }))[0]!.attributes).toEqual({ big: '9007199254740993', wide: null, ok: true, maybe: null, day: '2026-06-03', none: null, note: null, zero: 0 });
  expect(notes).toEqual([expect.stringContaining('left out memo (type M)')]);
});

test('content of another format than the ending says is named with the right ending', async () => {
  const bytes = flatgeobufOf(drawn, 32611);
  await expect(stands(bytesSource('a.geojson', bytes))).rejects.toThrow('a.geojson: ends in .geojson, but its content is a FlatGeobuf; rename it to .fgb');
  await expect(stands(bytesSource('a.fgb', Buffer.from('{"type": "FeatureCollection"}')))).rejects.toThrow('content is a GeoJSON; rename it to .geojson');
  for (const ending of ['gpkg', 'fgb', 'shp', 'zip', 'json']) await expect(stands(bytesSource(`a.${ending}`, Buffer.from('hello, world')))).rejects.toThrow(new RegExp(`a.${ending}: is no .*, though it ends in .${ending}`));
});

test('a GeoPackage: layers by name, features by fid, and a layer without CRS asks for the line', async () => {
  const two = gpkg('two.gpkg', layerOf('stands'), layerOf('cloud"s', { rows: [] }));
  await expect(stands(two)).rejects.toThrow(/has 2 layers; add the line `layer: NAME` under this input in the job file: cloud"s \(MULTIPOLYGON\), stands/);
  await expect(stands(two, { layer: 'stand' })).rejects.toThrow("has no layer 'stand'; its layers are cloud\"s");
  expect(await stands(two, { layer: 'stands' })).toEqual(expected);
  expect(await stands(two, { layer: 'cloud"s' })).toEqual([]);
  expect((await stands(two, { layer: 'stands', idField: 'fid' })).map(({ standId }) => standId)).toEqual(['1', '2']);
  for (const id of [-1, 0]) await expect(stands(gpkg(`srs${id}.gpkg`, layerOf('stands', { srs: { id, organisation: 'NONE', wkt: 'undefined' } })))).rejects.toThrow('its CRS is unknown: it states no CRS; add the line `crs: EPSG:N` under this input');
  expect(await stands(join(dir, 'srs0.gpkg'), { statedCrs: surveyCrs })).toEqual(expected);
  await expect(stands(gpkg('own.gpkg', layerOf('stands', { srs: { id: 100000, organisation: 'NONE', wkt: 'undefined' } })))).rejects.toThrow('its CRS NONE:100000 is none of EPSG');
});

test('of a compound CRS the horizontal part counts, also where the code is that of the whole', async () => {
  const horizontal = UTM11_ESRI.replace(/\]$/, ',AUTHORITY["EPSG","32611"]]'), wkt = `COMPD_CS["UTM 11 and NAVD88",${horizontal},VERT_CS["NAVD88",VERT_DATUM["NAVD88",2005],UNIT["metre",1]],AUTHORITY["EPSG","7415"]]`;
  expect(await stands(gpkg('compound.gpkg', layerOf('stands', { srs: { id: 7415, organisation: 'EPSG', wkt } })))).toEqual(expected);
});

test('a GeoPackage in the journal mode of QGIS is read and nothing is written beside it', async () => {
  const path = gpkg('wal.gpkg', layerOf('stands')), db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL');
  db.close();
  expect(await stands(path)).toEqual(expected);
  for (const beside of ['-wal', '-shm']) await expect(stat(path + beside)).rejects.toThrow('ENOENT');
});

test('geometries of a GeoPackage: Z is left out, empty ones are told, points and damage are named', async () => {
  const notes: string[] = [], [whole] = drawn.map(({ coordinates }) => wkbOf(coordinates)), rows = (blob: Buffer | null) => ({ rows: [{ values: ['A', '', 1], blob }] });
  for (const [i, blob] of [null, blobOf(Buffer.alloc(0), { empty: true }), blobOf(wkbOf([]))].entries()) {
    expect(await stands(gpkg(`empty${i}.gpkg`, layerOf('stands', rows(blob))), { onNote: (note: string) => notes.push(note) })).toEqual([]);
  }
  expect(notes.map((note) => note.replace(/^.*gpkg: /, ''))).toEqual(Array.from({ length: 3 }, () => 'feature 1 (fid 1) has an empty geometry and is left out; draw its polygon, or remove it'));
  const point = Buffer.from('0101000000000000000000f03f0000000000000040', 'hex');
  await expect(stands(gpkg('point.gpkg', layerOf('stands', rows(blobOf(point)))))).rejects.toThrow('feature 1 (fid 1) is a Point; only Polygon and MultiPolygon');
  await expect(stands(gpkg('cut.gpkg', layerOf('stands', rows(blobOf(whole!.subarray(0, 60))))))).rejects.toThrow('feature 1 has a geometry that cannot be read');
  await expect(stands(gpkg('text.gpkg', layerOf('stands', rows(Buffer.from('POLYGON((0 0')))))).rejects.toThrow('the header GP is missing');
  const plain = new DatabaseSync(join(dir, 'plain.gpkg'));
  plain.exec('CREATE TABLE a (b)');
  plain.close();
  await expect(stands(join(dir, 'plain.gpkg'))).rejects.toThrow('is an SQLite database, but no GeoPackage');
});

test('WKB of either byte order, with SRID and Z, M by ISO and EWKB', () => {
  const big = '0000000003' + '00000001' + '00000004' + [[0, 0], [1, 0], [1, 1], [0, 0]].flat().map((n) => (n === 0 ? '0000000000000000' : '3ff0000000000000')).join('');
  const ring = [[[0, 0], [1, 0], [1, 1], [0, 0]]];
  expect(geometryOfWkb(Buffer.from(big, 'hex'))).toEqual({ type: 'Polygon', coordinates: ring });
  const withSrid = `0020000003000010e6${big.slice(10)}`;
  expect(geometryOfWkb(Buffer.from(withSrid, 'hex'))).toEqual({ type: 'Polygon', coordinates: ring });
  const zm = (word: string) => Buffer.from(`00${word}0000000100000001${'3ff0000000000000'.repeat(4)}`, 'hex');
  for (const word of ['00000bbb', 'c0000003']) expect(geometryOfWkb(zm(word))).toEqual({ type: 'Polygon', coordinates: [[[1, 1]]] });
  expect(geometryOfWkb(Buffer.from(`000000000700000001${big}`, 'hex'))).toEqual({ type: 'GeometryCollection', geometries: [{ type: 'Polygon', coordinates: ring }] });
  expect(() => geometryOfWkb(Buffer.from('0000000003ffffffff', 'hex'))).toThrow('more than the bytes hold');
});

test('a FlatGeobuf that is cut short or without CRS says so', async () => {
  const bytes = flatgeobufOf(drawn, 32611);
  await expect(stands(bytesSource('cut.fgb', bytes.subarray(0, -20)))).rejects.toThrow('cut.fgb: ends within feature 2 of 2; the file is damaged or cut short');
  const first = 12 + bytes.readUInt32LE(8), second = first + 4 + bytes.readUInt32LE(first);
  await expect(stands(bytesSource('few.fgb', bytes.subarray(0, second)))).rejects.toThrow('states 2 features and holds 1');
  await expect(stands(bytesSource('long.fgb', Buffer.concat([bytes.subarray(0, 8), Buffer.from([255, 255, 255, 127]), bytes.subarray(12)])))).rejects.toThrow('states a header of 2147483647 bytes');
  await expect(stands(bytesSource('no.fgb', flatgeobufOf(drawn, 0)))).rejects.toThrow('its CRS is unknown: it states no CRS; add the line');
});

test('a Shapefile: holes by where they lie, not by direction or order, and what is turned is told', async () => {
  const hole = square(X + 10, Y + 10, 10), island = square(X + 12, Y + 12, 5), outer = square(X, Y), far = square(X + 200, Y);
  const notes: string[] = [], read = async (...rings: [number, number][][]) => {
    const { shp } = shpOf([rings]);
    return (await all(readPolygons(bytesSource('r.shp', shp), { surveyCrs, statedCrs: surveyCrs, onNote: (note) => notes.push(note) })))[0]!.polygons;
  };
  const right = await read(outer.toReversed(), far.toReversed(), hole, island.toReversed());
  expect(right.map((polygon) => polygon.length).sort()).toEqual([1, 1, 2]);
  expect(polygonAreaM2(right)).toBe(10_000 + 10_000 - 100 + 25);
  expect(notes.filter((note) => note.includes('turned'))).toEqual([]);
  expect(polygonAreaM2(await read(hole.toReversed(), island, outer, far))).toBe(polygonAreaM2(right)); // all the wrong way, the hole first
  expect(notes.filter((note) => note.includes('turned'))).toEqual(['r.shp: feature 1: 4 rings turned round']);
  await expect(read(outer, square(X + 50, Y + 50))).rejects.toThrow('r.shp: feature 1 has rings that cross');
});

test('a Shapefile: null shapes and deleted rows are told, and attributes stay with their shapes', async () => {
  const one = clockwise(drawn[0]!), { shp, shx } = shpOf([one, null, one, one]), notes: string[] = [];
  const table = dbfOf([['no', 'C', 1]], [['a'], ['b'], ['c'], ['d']], { deleted: [2] });
  const path = await saveShapefile('gaps', { 'gaps.SHP': shp, 'gaps.shp': shp, 'gaps.Shx': shx, 'gaps.DBF': table, 'gaps.prj': Buffer.from(UTM11_ESRI) });
  expect((await stands(path, { onNote: (note: string) => notes.push(note) })).map(({ standId }) => standId)).toEqual(['a', 'd']);
  expect(notes).toEqual([expect.stringContaining('feature 2 has an empty geometry'), expect.stringContaining('feature 3 is marked as deleted')]);
});

test('a Shapefile that was edited in place is read by its index, and without one it is refused', async () => {
  const old = shpOf([[square(X, Y).toReversed()], [square(X + 200, Y).toReversed()]]), grown = shpOf([[square(X, Y, 150).toReversed()]]).shp.subarray(100);
  const shp = Buffer.concat([old.shp, grown]), shx = Buffer.from(old.shx); // the new shape 1 stands at the end
  shx.writeInt32BE(old.shp.length / 2, 100);
  const table = dbfOf([['no', 'C', 1]], [['a'], ['b']]), beside = { 'edit.dbf': table, 'edit.prj': Buffer.from(UTM11_ESRI) };
  const path = await saveShapefile('edit', { 'edit.shp': shp, 'edit.shx': shx, ...beside });
  expect((await stands(path)).map(({ polygons }) => polygonAreaM2(polygons))).toEqual([22_500, 10_000]);
  expect((await stands(await save('edit.zip', zipOf({ 'edit.shp': shp, 'edit.shx': shx, ...beside })))).map(({ polygons }) => polygonAreaM2(polygons))).toEqual([22_500, 10_000]);
  await rm(join(dir, 'edit.shx'));
  await expect(stands(path)).rejects.toThrow('record 3 calls itself 1: the layer was edited or is damaged, and its .shx is not there');
});

test('a Shapefile: missing and wrong neighbours are named', async () => {
  const { shp, shx } = shpOf(drawn.map(clockwise)), read = (files: Record<string, Buffer>, rest = {}) => saveShapefile('n', files).then((path) => stands(path, rest)).finally(() => Promise.all(['shp', 'shx', 'dbf', 'prj', 'cpg'].map((ending) => rm(join(dir, `n.${ending}`), { force: true }))));
  await expect(read({ 'n.shp': shp, 'n.dbf': dbf() })).rejects.toThrow('n.shp: its CRS is unknown: it states no CRS; add the line `crs: EPSG:N`');
  await expect(read({ 'n.shp': shp, 'n.dbf': dbf(), 'n.prj': Buffer.from(UTM11_ESRI.replace('WGS_1984_UTM_Zone_11N', 'Our grid')) })).rejects.toThrow("its CRS 'Our grid' has no code, and no CRS of the EPSG table has this name; if you know it, add the lines `crs: EPSG:N` and `override: true`");
  await expect(read({ 'n.shp': shp }, { statedCrs: surveyCrs })).rejects.toThrow("feature 1 has no field 'no'; its fields are none");
  await expect(read({ 'n.shp': shp, 'n.dbf': dbfOf([['no', 'C', 1]], [['a']]) }, { statedCrs: surveyCrs })).rejects.toThrow('has more than 1 shapes, but its .dbf 1 rows');
  await expect(read({ 'n.shp': shpOf([clockwise(drawn[0]!)]).shp, 'n.dbf': dbf() }, { statedCrs: surveyCrs })).rejects.toThrow('has 1 shapes, but its .dbf 2 rows');
  await expect(read({ 'n.shp': shp.subarray(0, -8), 'n.shx': shx, 'n.dbf': dbf() }, { statedCrs: surveyCrs })).rejects.toThrow('feature 2 lies outside the file');
  await expect(read({ 'n.shp': shp, 'n.dbf': dbf().subarray(0, -20) }, { statedCrs: surveyCrs })).rejects.toThrow('n.dbf: states 2 rows, but ends before');
  await expect(read({ 'n.shp': shpOf([], 3).shp }, { statedCrs: surveyCrs })).rejects.toThrow('n.shp: is a layer of LineString; only polygons are read here');
});

test('texts of a Shapefile are read in the encoding that it states, and in none that it does not', async () => {
  expect(['UTF-8', 'utf8', '65001', '1252', 'ANSI 1252', 'cp1250', 'ISO-8859-1', 'ISO 8859-2', '88591', 'BIG5', 'OEM 866', '850', 'nonsense'].map(encodingOf))
    .toEqual(['utf-8', 'utf-8', 'utf-8', 'windows-1252', 'windows-1252', 'windows-1250', 'windows-1252', 'iso-8859-2', 'windows-1252', 'big5', 'ibm866', null, null]);
  const word = (bytes: Buffer, cpg: string | null, driver = 0) => async (notes: string[] = []) => {
    const { shp } = shpOf([clockwise(drawn[0]!)]), table = dbfOf([['no', 'C', 6]], [[bytes]], { driver });
    const path = await save('enc.zip', zipOf({ 'enc.shp': shp, 'enc.dbf': table, 'enc.prj': Buffer.from(UTM11_ESRI), ...(cpg === null ? {} : { 'enc.cpg': Buffer.from(cpg) }) }));
    return (await stands(path, { onNote: (note: string) => notes.push(note) }))[0]!.standId;
  };
  const latin = Buffer.from('B\u00e4r', 'latin1'), utf = Buffer.from('B\u00e4r');
  expect(await word(utf, 'UTF-8')()).toBe('B\u00e4r');
  expect(await word(latin, 'ISO-8859-1')()).toBe('B\u00e4r');
  expect(await word(latin, null, 0x57)()).toBe('B\u00e4r');
  expect(await word(Buffer.from([0xb3]), null, 0xc8)()).toBe('\u0142'); // windows-1250
  const notes: string[] = [];
  expect([await word(utf, null)(notes), await word(latin, null)(notes)]).toEqual(['B\u00e4r', 'B\u00e4r']);
  expect(notes).toEqual([expect.stringContaining('states no encoding; read as UTF-8'), expect.stringContaining('states no encoding; read as windows-1252')]);
  expect(await word(Buffer.from('abcde\u00e4').subarray(0, 6), 'UTF-8')()).toBe('abcde'); // cut at the field's width
  await expect(word(latin, 'UTF-8')()).rejects.toThrow("row 1, field no is not in the encoding 'UTF-8' that the layer states");
  await expect(word(latin, null, 0x02)()).rejects.toThrow("row 1, field no is in the encoding '850', which is not read");
  expect(await word(Buffer.from('plain'), null, 0x02)()).toBe('plain');
});

test('a zip with several Shapefiles asks which, and one without any, or cut short, says so', async () => {
  const two = await save('two.zip', zipOf({ ...members('north/a'), ...members('b'), '__MACOSX/._a.shp': Buffer.from('x'), 'readme.txt': Buffer.from('hi') }));
  await expect(stands(two)).rejects.toThrow('holds 2 Shapefiles; add the line `layer: NAME` under this input in the job file: a, b');
  expect(await stands(two, { layer: 'A' })).toEqual(expected);
  await expect(stands(two, { layer: 'c' })).rejects.toThrow("holds no Shapefile 'c'; it holds north/a.shp, b.shp");
  await expect(stands(await save('none.zip', zipOf({ 'a.txt': Buffer.from('x') })))).rejects.toThrow('none.zip: holds no Shapefile');
  await expect(stands(await save('cut.zip', zipOf(members('a')).subarray(0, 400)))).rejects.toThrow('cut.zip: cannot be read as a zip');
});

test('a file read from front to back is asked for each byte once, so that a zip is inflated once', async () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251)), asked: [number, number][] = [];
  const read = readAhead({ ...bytesSource('a', bytes), read: async (offset, length) => { asked.push([offset, offset + length]); return bytes.subarray(offset, offset + length); } }, 100);
  for (let at = 0; at < 1000; at += 40) expect(Buffer.from(await read(at, 40))).toEqual(bytes.subarray(at, at + 40)); // pieces lie across the windows' ends
  asked.forEach(([from], i) => expect(from).toBe(i === 0 ? 0 : asked[i - 1]![1]));
  expect(asked.at(-1)![1]).toBe(1000);
  expect(Buffer.from(await read(10, 300))).toEqual(bytes.subarray(10, 310));
});

test('many features of each format pass in the order of the file, read in pieces', async () => {
  const many: Drawn[] = Array.from({ length: 8_000 }, (_, i) => ({ properties: { no: i, note: '\u00fc'.repeat(i % 20) }, coordinates: [[square(X + 200 * (i % 100), Y + 200 * Math.floor(i / 100))]] }));
  const { shp, shx } = shpOf(many.map(clockwise)), table = dbfOf([['no', 'N', 9], ['note', 'C', 40]], many.map(({ properties }) => [String(properties['no']).padStart(9), String(properties['note'])]));
  const zip = zipOf({ 'm.shp': shp, 'm.shx': shx, 'm.dbf': table, 'm.prj': Buffer.from(UTM11_ESRI), 'm.cpg': Buffer.from('UTF-8') });
  for (const path of [await save('m.zip', zip), await save('m.fgb', flatgeobufOf(many, 32611))]) {
    let count = 0, wrong = 0;
    for await (const { properties, polygons } of readFeatures(path)) {
      const [x, y] = polygons[0]![0]![0]!, i = count++;
      if (properties['no'] !== i || (properties['note'] ?? '') !== '\u00fc'.repeat(i % 20) || Math.min(x, ...polygons[0]![0]!.map((p) => p[0])) !== X + 200 * (i % 100) || y < Y) wrong++;
    }
    expect([count, wrong]).toEqual([8_000, 0]);
  }
});

test('the files of a layer are those beside it that are read with it', async () => {
  const path = await saveShapefile('beside');
  expect((await filesOfVector(path)).map((file) => file.slice(dir.length + 1))).toEqual(['beside.shp', 'beside.cpg', 'beside.dbf', 'beside.prj', 'beside.shx']);
  expect(await filesOfVector(join(dir, 'a.fgb'))).toEqual([join(dir, 'a.fgb')]);
});
