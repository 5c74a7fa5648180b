import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crsFromEpsg } from '../../src/geo/crs.ts';
import { bboxOf, polygonAreaM2 } from '../../src/geo/polygon.ts';
import { readPlots } from '../../src/ingest/plots.ts';
import { readStands } from '../../src/ingest/vector.ts';
import type { Stand } from '../../src/types.ts';

const hasOgr = spawnSync('ogr2ogr', ['--version']).status === 0;
if (!hasOgr) console.warn('vector-ogr: ogr2ogr is not installed (gdal-bin), so layers of other tools are not compared');

const surveyCrs = crsFromEpsg(32611);
const [X, Y] = [452_000, 4_122_000];
const square = (x: number, y: number, size: number): number[][] => [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]];
/** A stand with a hole, one of two parts of which the second has an island in its hole, and one with a border of many corners. */
const round = Array.from({ length: 120 }, (_, i) => [X + 1500 + 90 * Math.cos(i / 60 * Math.PI) + (i % 2) * 5, Y + 90 * Math.sin(i / 60 * Math.PI)]);
const features = [
  { type: 'Feature', properties: { plot_id: 'A-1', species: 'M\u00e9l\u00e8ze d\u2019Europe', age: 120, volume: 312.25, since: '1998-05-01', height_m: 21.5 }, geometry: { type: 'Polygon', coordinates: [square(X, Y, 200), square(X + 50, Y + 50, 60).toReversed()] } },
  { type: 'Feature', properties: { plot_id: 'B', species: '\u0421\u043e\u0441\u043d\u0430', age: null, volume: 0, since: null, height_m: null }, geometry: { type: 'MultiPolygon', coordinates: [[square(X + 300, Y, 100)], [square(X + 500, Y, 300), square(X + 520, Y + 20, 200).toReversed()], [square(X + 600, Y + 80, 40)]] } },
  { type: 'Feature', properties: { plot_id: 'C', species: 'a, "b"; c', age: -3, volume: 1e-3, since: '2026-12-31', height_m: 8 }, geometry: { type: 'Polygon', coordinates: [[...round, round[0]!]] } },
];

let dir = '', drawn: Stand[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vector-ogr-'));
  await writeFile(join(dir, 'drawn.geojson'), JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features }));
  drawn = await stands('drawn.geojson');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const byId = (a: Stand, b: Stand) => (a.standId < b.standId ? -1 : 1); // a spatial index may sort the features of a file
async function stands(file: string, rest = {}): Promise<Stand[]> {
  const out: Stand[] = [];
  for await (const stand of readStands(join(dir, file), { idField: 'plot_id', surveyCrs, ...rest })) out.push(stand);
  return out.sort(byId);
}
/** ogr2ogr from the drawn layer; `to` names the file. */
const write = (to: string, format: string, ...options: string[]): void => {
  execFileSync('ogr2ogr', ['-f', format, join(dir, to), join(dir, 'drawn.geojson'), ...options], { stdio: 'pipe' });
};

/** Corners a stand has, without order: writers may begin a ring anywhere and turn it. */
const cornersOf = ({ polygons }: Stand) => polygons.map((polygon) => polygon.map((ring) => ring.slice(1).map(String).sort().join(' ')).sort().join(' / ')).sort();
const attributesOf = ({ attributes: { since, ...rest } }: Stand) => ({ ...rest, since: typeof since === 'string' ? since.replaceAll('/', '-').slice(0, 10) : since });

test.skipIf(!hasOgr).each([
  ['GPKG', 'a.gpkg', []], ['FlatGeobuf', 'a.fgb', []], ['FlatGeobuf', 'plain.fgb', ['-lco', 'SPATIAL_INDEX=NO']],
  ['ESRI Shapefile', 'a.shp', ['-lco', 'ENCODING=UTF-8']], ['ESRI Shapefile', 'a.shz', ['-lco', 'ENCODING=UTF-8']], ['GeoJSON', 'a.geojson', []],
])('stands that ogr2ogr wrote as %s (%s) are those that were drawn', async (format, file, options) => {
  write(file, format, ...options);
  const read = await stands(file);
  expect(read.map(({ standId }) => standId)).toEqual(['A-1', 'B', 'C']);
  expect(read.map(attributesOf)).toEqual(drawn.map(attributesOf));
  expect(read.map(cornersOf)).toEqual(drawn.map(cornersOf));
  expect(read.map(({ polygons }) => polygonAreaM2(polygons))).toEqual(drawn.map(({ polygons }) => polygonAreaM2(polygons)));
});

test.skipIf(!hasOgr).each([
  ['degrees', 'EPSG:4326', 'GPKG', 'deg.gpkg'], ['degrees of NAD83', 'EPSG:4269', 'FlatGeobuf', 'nad.fgb'], ['US survey feet', 'EPSG:2229', 'ESRI Shapefile', 'usft.shp'],
  ['international feet', 'EPSG:2992', 'FlatGeobuf', 'ft.fgb'], ['another zone', 'EPSG:32612', 'ESRI Shapefile', 'zone.shp'], ['RFC 7946', 'EPSG:4326', 'GeoJSON', 'rfc.geojson'],
])('stands in %s (%s) come to the place where GDAL drew them from', async (_, crs, format, file) => {
  write(file, format, '-t_srs', crs, ...(format === 'GeoJSON' ? ['-lco', 'RFC7946=YES', '-lco', 'COORDINATE_PRECISION=12'] : []));
  const read = await stands(file), worstM = Math.max(...read.flatMap((stand, i) => {
    const a = bboxOf(stand.polygons)!, b = bboxOf(drawn[i]!.polygons)!;
    return [a.x0 - b.x0, a.y0 - b.y0, a.x1 - b.x1, a.y1 - b.y1].map(Math.abs);
  }));
  expect(worstM).toBeLessThan(0.001);
  read.forEach(({ polygons }, i) => expect(polygonAreaM2(polygons) / polygonAreaM2(drawn[i]!.polygons)).toBeCloseTo(1, 6));
});

test.skipIf(!hasOgr)('a compound CRS counts by its horizontal part, and an ESRI Shapefile in an old encoding is read', async () => {
  write('compound.gpkg', 'GPKG', '-a_srs', 'EPSG:32611+5703');
  expect((await stands('compound.gpkg')).map(cornersOf)).toEqual(drawn.map(cornersOf));
  write('latin.shp', 'ESRI Shapefile', '-where', "plot_id = 'A-1'", '-lco', 'ENCODING=ISO-8859-1');
  expect((await stands('latin.shp'))[0]!.attributes['species']).toMatch(/^M\u00e9l\u00e8ze d/);
});

test.skipIf(!hasOgr)('points and curves that ogr2ogr wrote are refused by the feature', async () => {
  write('points.gpkg', 'GPKG', '-dialect', 'SQLite', '-sql', 'SELECT plot_id, ST_Centroid(geometry) AS geometry FROM drawn');
  await expect(stands('points.gpkg')).rejects.toThrow(/feature 1 \(fid 1\) is a Point; only Polygon/);
  write('points.fgb', 'FlatGeobuf', '-dialect', 'SQLite', '-sql', 'SELECT plot_id, ST_Centroid(geometry) AS geometry FROM drawn');
  await expect(stands('points.fgb')).rejects.toThrow(/feature 1 is a Point; only Polygon/);
  write('curves.gpkg', 'GPKG', '-nlt', 'CURVEPOLYGON');
  await expect(stands('curves.gpkg')).rejects.toThrow('is a CurvePolygon; only Polygon and MultiPolygon are read here: convert it');
});

test.skipIf(!hasOgr)('plots drawn as polygons are read from each format', async () => {
  for (const [format, file] of [['GPKG', 'p.gpkg'], ['FlatGeobuf', 'p.fgb'], ['ESRI Shapefile', 'p.shp']] as const) {
    write(file, format);
    const out = [];
    for await (const plot of readPlots(join(dir, file), { surveyCrs })) out.push(plot);
    expect(out.find(({ plotId }) => plotId === 'A-1')).toMatchObject({ xM: X + 100, yM: Y + 100, radiusM: null, areaHa: (40_000 - 3600) / 10_000, heightM: 21.5, stemsPerHa: null });
  }
});
