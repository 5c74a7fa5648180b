import { expect, test } from 'vitest';
import { bytesSource } from '../../src/files/byte-source.ts';
import { crsFromEpsg } from '../../src/geo/crs.ts';
import { polygonAreaM2, ringIsClockwise } from '../../src/geo/polygon.ts';
import { readFeatures, readStands } from '../../src/ingest/vector.ts';

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
  await expect(stands(layer([], { crs: { type: 'name', properties: { name: 'EPSG:2046' } } }))).rejects.toThrow('its crs member cannot be used');
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
  ['no geometry', null, /has no geometry/],
  ['two corners', { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 0], [0, 0]]] }, /ring with 2 corners, three are needed/],
  ['a bow tie', { type: 'Polygon', coordinates: [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]] }, /ring that meets itself.*makevalid/],
  ['a ring that touches itself', { type: 'Polygon', coordinates: [[[0, 0], [5, 5], [10, 0], [10, 10], [5, 5], [0, 10], [0, 0]]] }, /ring that meets itself/],
  ['a spike', { type: 'Polygon', coordinates: [[[0, 0], [10, 0], [20, 0], [10, 0], [10, 10], [0, 0]]] }, /ring that meets itself/],
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
  await expect(of('a.geojson', '')).rejects.toThrow('a.geojson: is not valid JSON');
  await expect(of('a.geojson', '{"type": "Topology"}')).rejects.toThrow('its type is "Topology"');
  await expect(of('a.geojson', '[]')).rejects.toThrow('is no GeoJSON of polygons');
  await expect(of('stands.shp', '')).rejects.toThrow(/read from .geojson and .json files; convert it with ogr2ogr/);
});
