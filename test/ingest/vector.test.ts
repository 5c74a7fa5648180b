import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesSource } from '../../src/files/byte-source.ts';
import { crsFromEpsg } from '../../src/geo/crs.ts';
import { polygonAreaM2, ringIsClockwise } from '../../src/geo/polygon.ts';
import { readFeatures, readPolygons, readStands } from '../../src/ingest/vector.ts';

const UTM11 = { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } };
const square = (x: number, y: number, size = 100): number[][] => [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]];
const feature = (properties: object, ...rings: unknown[]) => ({ type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: rings } });
const layer = (features: unknown[], rest: object = { crs: UTM11 }) => bytesSource('stands.geojson', Buffer.from(JSON.stringify({ type: 'FeatureCollection', features, ...rest })));
const options = { idField: 'no', surveyCrs: crsFromEpsg(32611) };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}
const stands = (source: ReturnType<typeof layer>, rest = {}) => all(readStands(source, { ...options, ...rest }));

test('stands in the CRS of the survey come as they were drawn, closed and oriented', async () => {
  const clockwise = square(452_000, 4_445_000).toReversed(), hole = square(452_010, 4_445_010, 10);
  const [a, b] = await stands(layer([feature({ no: 17, species: 'spruce', n: null }, clockwise, hole), feature({ no: 'B/2' }, square(452_100, 4_445_000).slice(0, 4))]));
  expect(a).toMatchObject({ standId: '17', attributes: { species: 'spruce', n: null } });
  expect(a!.attributes).not.toHaveProperty('no');
  expect(a!.polygons[0]!.map(ringIsClockwise)).toEqual([false, true]);
  expect(polygonAreaM2(a!.polygons)).toBe(9900);
  expect(b!.standId).toBe('B/2');
  expect(b!.polygons[0]![0]!.at(-1)).toEqual(b!.polygons[0]![0]![0]); // it came unclosed
});

test('without a crs member a file is in WGS 84 and is brought to the CRS of the survey', async () => {
  // cs2cs EPSG:4326 EPSG:32611 of 37.25 N 117.5 W: 455657.8894, 4122723.3825
  const [stand] = await stands(layer([feature({ no: 1 }, [[-117.5, 37.25], [-117.49, 37.25], [-117.49, 37.26], [-117.5, 37.25]])], {}));
  const corner = stand!.polygons[0]![0]![0]!;
  expect(corner[0]).toBeCloseTo(455657.8894, 3);
  expect(corner[1]).toBeCloseTo(4122723.3825, 3);
});

test('a crs member after the features counts too, and one that cannot be read is refused', async () => {
  const last = bytesSource('a.geojson', Buffer.from(JSON.stringify({ type: 'FeatureCollection', features: [feature({ no: 1 }, square(452_000, 4_445_000))], crs: UTM11 })));
  expect((await all(readFeatures(last)))[0]!.crs.epsg).toBe(32611);
  await expect(stands(layer([], { crs: { type: 'name', properties: { name: 'local grid' } } }))).rejects.toThrow("names 'local grid', which is no EPSG code");
  await expect(stands(layer([], { crs: { type: 'name', properties: { name: 'EPSG:2046' } } }))).rejects.toThrow(/its CRS is unknown: EPSG:2046 .*add the lines `crs: EPSG:N` and `override: true`/);
});

test('a single feature, a multi-polygon and a collection are polygons as well', async () => {
  const multi = { type: 'MultiPolygon', coordinates: [[square(0, 0)], [square(200, 0)]] };
  const lone = bytesSource('area.json', Buffer.from(JSON.stringify({ type: 'Feature', id: 'area', properties: null, geometry: { type: 'GeometryCollection', geometries: [multi, { type: 'Polygon', coordinates: [square(400, 0)] }] }, crs: UTM11 })));
  expect((await all(readFeatures(lone)))[0]).toMatchObject({ id: 'area', properties: {}, polygons: { length: 3 } });
  const bare = bytesSource('area.json', Buffer.from(JSON.stringify({ ...multi, crs: UTM11 })));
  expect(polygonAreaM2((await all(readFeatures(bare)))[0]!.polygons)).toBe(20_000);
});

test('text and many features pass through small reads', async () => {
  const many = Array.from({ length: 3000 }, (_, i) => feature({ no: `Bärenwald ${i}`, note: 'ü'.repeat(i % 700) }, square(i * 100, 0)));
  const read = await stands(layer(many));
  expect(read).toHaveLength(3000);
  expect(read[2999]).toMatchObject({ standId: 'Bärenwald 2999', attributes: { note: 'ü'.repeat(2999 % 700) } });
});

test.each([
  ['a point', { type: 'Point', coordinates: [0, 0] }, /feature 1 \(id x\) is a Point; only Polygon/],
  ['two corners', { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 0], [0, 0]]] }, /ring with 2 corners, three are needed/],
  ['a bow tie', { type: 'Polygon', coordinates: [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]] }, /ring that meets itself.*makevalid/],
  ['a ring that touches itself', { type: 'Polygon', coordinates: [[[0, 0], [5, 5], [10, 0], [10, 10], [5, 5], [0, 10], [0, 0]]] }, /ring that meets itself/],
  ['a ring without area', { type: 'Polygon', coordinates: [[[0, 0], [10, 0], [20, 0], [10, 0], [0, 0]]] }, /ring with \d corners?, three are needed/],
  ['a hole that crosses at corners', { type: 'Polygon', coordinates: [square(0, 0, 10), [[5, 5], [10, 5], [15, 7], [10, 9], [5, 9], [5, 5]]] }, /rings that cross/],
  ['a hole outside', { type: 'Polygon', coordinates: [square(0, 0, 10), square(20, 0, 5)] }, /hole outside its polygon/],
  ['a hole in a hole', { type: 'Polygon', coordinates: [square(0, 0, 100), square(20, 20, 50), square(30, 30, 10)] }, /hole inside another hole/],
  ['a hole as large as the polygon', { type: 'Polygon', coordinates: [square(0, 0, 10), square(0, 0, 10)] }, /two rings on one line/],
  ['a part within another', { type: 'MultiPolygon', coordinates: [[square(0, 0, 100)], [square(20, 20, 10)]] }, /parts that overlap/],
  ['parts that overlap', { type: 'MultiPolygon', coordinates: [[square(0, 0, 100)], [square(50, 50, 100)]] }, /rings that cross/],
  ['a curve', { type: 'CurvePolygon' }, /is a CurvePolygon.*CONVERT_TO_LINEAR/],
  ['a number that is none', { type: 'Polygon', coordinates: [[[null, 0], [1, 0], [1, 1], [null, 0]]] }, /no pair of numbers/],
  ['a hole across the border', { type: 'Polygon', coordinates: [square(0, 0, 10), square(5, 5, 10)] }, /rings that cross/],
  ['a text as number', { type: 'Polygon', coordinates: [[['0', 0], [1, 0], [1, 1], [0, 0]]] }, /no pair of numbers/],
])('%s is refused by name with a remedy', async (_, geometry, message) => {
  const source = layer([{ type: 'Feature', id: 'x', properties: { no: 1 }, geometry }]);
  await expect(stands(source)).rejects.toThrow(message);
  await expect(stands(source)).rejects.toMatchObject({ place: { source: 'stands.geojson', feature: 1, id: 'x' } });
});

test('holes may touch the border, and points in line are no spike', async () => {
  const [stand] = await stands(layer([feature({ no: 1 }, [[0, 0], [5, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[0, 5], [2, 4], [2, 6], [0, 5]])]));
  expect(polygonAreaM2(stand!.polygons)).toBe(98);
});

test('metres in a file that says WGS 84 are refused with the way out', async () => {
  await expect(stands(layer([feature({ no: 1 }, square(452_000, 4_445_000))], {}))).rejects.toThrow(/452000, 4445000, which is no longitude and latitude.*crs member/);
});

test('ids: a missing field lists the fields there are, an empty one and a double one are named', async () => {
  await expect(stands(layer([feature({ stand_no: 1, ha: 2 }, square(0, 0))]))).rejects.toThrow("feature 1 has no field 'no'; its fields are stand_no, ha");
  await expect(stands(layer([feature({ no: null }, square(0, 0))]))).rejects.toThrow("has null as 'no', which is no id");
  await expect(stands(layer([feature({ no: 1 }, square(0, 0)), feature({ no: '1' }, square(200, 0))]))).rejects.toThrow('features 1 and 2 both have the id 1');
  await expect(stands(layer([feature({ a: 1 }, square(0, 0))]), { idField: null })).rejects.toThrow('name the field that holds it with the key id: its fields are a');
});

test('what is no GeoJSON ends in a clear error', async () => {
  const of = (name: string, text: string) => all(readFeatures(bytesSource(name, Buffer.from(text))));
  await expect(of('a.geojson', '{"type": "FeatureCollection", "features": [{')).rejects.toThrow('a.geojson: is not valid JSON');
  await expect(of('a.geojson', '')).rejects.toThrow('a.geojson: is no GeoJSON, though it ends in .geojson: it is empty');
  await expect(of('a.geojson', '{"type": "Topology"}')).rejects.toThrow('its type is "Topology"');
  await expect(of('a.geojson', '[]')).rejects.toThrow('a.geojson: is no GeoJSON, though it ends in .geojson');
  await expect(of('stands.kml', '')).rejects.toThrow(/read from .geojson, .json, .gpkg, .fgb, .shp, .shz, .zip files; convert it with ogr2ogr/);
});

test('what can be read in one way only is mended and told: ends, repeats, spikes, directions', async () => {
  const notes: string[] = [], note = { onNote: (text: string) => notes.push(text) }, wgs84 = { ...note, surveyCrs: crsFromEpsg(4326) };
  const spike = [[0, 0], [5, 0], [10, 0], [20, 0], [10, 0], [10, 10], [10, 10], [0, 10]];
  const [stand] = await stands(layer([feature({ no: 1 }, spike)]), note);
  expect(stand!.polygons[0]![0]).toHaveLength(6); // four corners, a point in line, and the end
  expect(polygonAreaM2(stand!.polygons)).toBe(100);
  expect(notes).toEqual(['stands.geojson: feature 1: 1 ring closed, 1 repeated point dropped, 1 spike of no area cut off']);
  notes.length = 0;
  await stands(layer([feature({ no: 1 }, square(1, 1, 5).toReversed(), square(2, 2, 1)), feature({ no: 2 }, square(1, 1, 5))], {}), wgs84); // RFC 7946 has a rule
  expect(notes).toEqual(['stands.geojson: feature 1: 2 rings turned round']);
  notes.length = 0;
  await stands(layer([feature({ no: 1 }, square(0, 0).toReversed())]), note); // with the older crs member there is none
  expect(notes).toEqual([]);
});

test('a feature without geometry is left out and told, whatever its emptiness looks like', async () => {
  const notes: string[] = [];
  const empty = [null, { type: 'Polygon', coordinates: [] }, { type: 'MultiPolygon', coordinates: [] }, { type: 'MultiPolygon', coordinates: [[]] }, { type: 'GeometryCollection', geometries: [] }];
  const read = await stands(layer([...empty.map((geometry, i) => ({ type: 'Feature', id: i, properties: { no: i }, geometry })), feature({ no: 9 }, square(0, 0))]), { onNote: (text: string) => notes.push(text) });
  expect(read.map(({ standId }) => standId)).toEqual(['9']);
  expect(notes).toHaveLength(5);
  expect(notes[1]).toBe('stands.geojson: feature 2 (id 1) has an empty geometry and is left out; draw its polygon, or remove it');
});

test('the CRS: a missing one needs the line, one that contradicts needs an override', async () => {
  const here = feature({ no: 1 }, square(452_000, 4_445_000)), bare = layer([here], {}), own = layer([here], { crs: { type: 'name', properties: { name: 'local grid' } } });
  const [utm11, utm12] = [crsFromEpsg(32611), crsFromEpsg(32612)];
  await expect(stands(own)).rejects.toThrow("its CRS is unknown: its crs member names 'local grid', which is no EPSG code; if you know it, add the lines `crs: EPSG:N` and `override: true` under this input in the job file");
  await expect(stands(own, { statedCrs: utm11 })).rejects.toThrow('its CRS is unknown');
  await expect(stands(bare, { statedCrs: utm11 })).rejects.toThrow('it is in EPSG:4326 (WGS 84), but the job file says EPSG:32611 (WGS 84 / UTM zone 11N); correct the line `crs` under this input, or add `override: true`');
  await expect(stands(layer([here]), { statedCrs: utm12 })).rejects.toThrow('it is in EPSG:32611');
  for (const source of [own, bare]) expect((await stands(source, { statedCrs: utm11, override: true }))[0]!.polygons[0]![0]![0]).toEqual([452_000, 4_445_000]);
  expect(await stands(layer([here]), { statedCrs: utm11 })).toHaveLength(1);
});

test('the area and masks come as polygons with their properties in the CRS of the survey', async () => {
  const read = await all(readPolygons(layer([feature({ kind: 'cloud' }, square(452_000, 4_445_000))]), { surveyCrs: crsFromEpsg(32611) }));
  expect(read).toEqual([{ number: 1, properties: { kind: 'cloud' }, polygons: [[square(452_000, 4_445_000)]] }]);
});

test('start, direction, closing and repeated points of a ring change nothing', async () => {
  const outer: [number, number][] = [[0, 0], [60, -10], [100, 40], [70, 90], [20, 80]], hole: [number, number][] = [[40, 20], [60, 30], [50, 50]];
  const area = polygonAreaM2([[[...outer, outer[0]!], [...hole, hole[0]!]]]);
  const drawn = (ring: [number, number][]) => fc.record({ start: fc.nat(ring.length - 1), turn: fc.boolean(), close: fc.boolean(), twice: fc.nat(ring.length - 1), spike: fc.boolean() }).map(({ start, turn, close, twice, spike }) => {
    const turned = [...ring.slice(start), ...ring.slice(0, start)], [x, y] = turned[twice]!;
    turned.splice(twice, 0, [x, y], ...(spike ? [[x + 3, y + 1] as [number, number], [x, y] as [number, number]] : []));
    if (turn) turned.reverse();
    return close ? [...turned, turned[0]!] : turned;
  });
  const corners = (ring: [number, number][]) => new Set(ring.map(String));
  await fc.assert(fc.asyncProperty(drawn(outer), drawn(hole), async (one, two) => {
    const [stand] = await stands(layer([feature({ no: 1 }, one, two)]));
    expect(polygonAreaM2(stand!.polygons)).toBe(area);
    expect(stand!.polygons[0]!.map(ringIsClockwise)).toEqual([false, true]);
    expect(stand!.polygons[0]!.map(corners)).toEqual([corners(outer), corners(hole)]);
  }), { seed: 7, numRuns: 60 });
});
