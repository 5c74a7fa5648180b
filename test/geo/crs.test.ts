import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { crsFromEpsg, toLonLat, transformer, utmZoneEpsg } from '../../src/geo/crs.ts';
import { checkableCodes, deviationsOf } from '../../src/geo/epsg/check.ts';
import { chooseOperation, towgs84Of, type Operation } from '../../src/geo/epsg/operations.ts';

/** Made with PROJ 9.1.1: echo "LAT LON" | cs2cs -f %.4f EPSG:4326 EPSG:CODE, put in the order east, north. */
const VECTORS: [code: number, lon: number, lat: number, east: number, north: number][] = [
  [32611, -117.5, 37.25, 455657.8894, 4122723.3825],
  [3005, -123.1, 49.9, 1208315.0313, 546929.2638],
  [25832, 9.5, 51.2, 534933.655, 5672184.8197],
  [2154, 2.35, 46.9, 650517.9085, 6644627.772],
  [3067, 26.5, 62.1, 473897.42, 6885420.9851],
  [26910, -123.4, 45.5, 468749.2838, 5038574.3103],
  [2193, 175.6, -40.3, 1820973.4714, 5535700.8089],
  [3006, 15.2, 60.4, 511020.5847, 6695976.3591],
  [7850, 117.3, -32.1, 528305.862, 6448440.5945],
  [2180, 19.4, 52.1, 527390.7108, 470503.6971],
  [5070, -96.5, 39.2, -42782.8028, 1797438.7187],
  [31983, -45.2, -20.3, 479118.842, 7755307.4828],
  [3763, -8.2, 39.7, -5737.0564, 3526.371],
  [2263, -73.95, 40.75, 998103.6427, 212525.8404], // US survey feet
  [2992, -121.2, 44.1, 1128490.2207, 857378.107], // international feet
  [32720, -63.1, -9.7, 489030.5406, 8927754.657],
  // datums that are shifted by seven parameters
  [27700, -1.7, 52.65, 420393.2098, 305849.6263],
  [31370, 4.4, 50.8, 152202.8841, 165505.1355],
  [28992, 5.4, 52.1, 155876.8139, 456861.6183],
  [31287, 13.4, 47.6, 405067.7602, 411173.9404],
  [29902, -7.5, 53.2, 233463.5462, 216704.3328],
];

test.each(VECTORS)('EPSG:%d: PROJ and this program agree to a millimetre', (code, lon, lat, east, north) => {
  const crs = crsFromEpsg(code), [x, y] = transformer(crsFromEpsg(4326), crs)(lon, lat);
  expect(Math.abs(x - east)).toBeLessThan(1e-3);
  expect(Math.abs(y - north)).toBeLessThan(1e-3);
  expect(toLonLat(crs)(east, north)).toEqual([lon, lat]); // to 1e-7 degrees
});

test('units and names come with the code', () => {
  expect(crsFromEpsg(32611)).toMatchObject({ epsg: 32611, name: 'WGS 84 / UTM zone 11N', isProjected: true, unit: 'metre', unitToMetre: 1, base: 4326, areaOfUse: { west: -120, south: 0, east: -114, north: 84 } });
  expect(crsFromEpsg(2263).unitToMetre! * 3937).toBeCloseTo(1200, 9);
  expect(crsFromEpsg(2992)).toMatchObject({ unit: 'foot', unitToMetre: 0.3048 });
  expect(crsFromEpsg(4269)).toMatchObject({ name: 'NAD83', isProjected: false, unit: 'degree', unitToMetre: null });
});

test('two zones of one datum are joined without a datum shift', () => {
  const [a, b] = [crsFromEpsg(27700), crsFromEpsg(4277)]; // both on OSGB36
  const there = transformer(a, b), back = transformer(b, a), [x, y] = back(...there(651409.903, 313177.27));
  expect(Math.abs(x - 651409.903)).toBeLessThan(1e-6);
  expect(Math.abs(y - 313177.27)).toBeLessThan(1e-6);
  // Ordnance Survey, A guide to coordinate systems in Great Britain, annex C: 52 39 27.2531 N, 1 43 4.5177 E
  expect(there(651409.903, 313177.27)[0]).toBeCloseTo(1 + 43 / 60 + 4.5177 / 3600, 7);
  expect(there(651409.903, 313177.27)[1]).toBeCloseTo(52 + 39 / 60 + 27.2531 / 3600, 7);
});

test('a code that cannot be used says why', () => {
  expect(() => crsFromEpsg(999999)).toThrow('EPSG:999999 is no projected or two-dimensional geographic CRS');
  expect(() => crsFromEpsg(26711)).toThrow(/NAD27 \/ UTM zone 11N\) cannot be used: .*(grid|5 m|m only|single)/);
  expect(() => crsFromEpsg(2046)).toThrow('its axes point west and south');
  expect(crsFromEpsg(27700).note).toContain('without the grid'); // usable, but a user should know
});

test('a point without an image is an error, never a number', () => {
  const there = transformer(crsFromEpsg(4326), crsFromEpsg(32611));
  expect(() => there(NaN, 5)).toThrow('has no image in EPSG:32611');
  expect(() => there(-117, Infinity)).toThrow('has no image');
});

test('PROJJSON of a code names the code', async () => {
  for (const code of [32611, 3005, 2263, 4326]) {
    const json: unknown = JSON.parse(await crsFromEpsg(code).projjson());
    expect(json).toMatchObject({ name: crsFromEpsg(code).name, id: { authority: 'EPSG', code } });
  }
});

test('UTM zones: the date line, the equator, the last zone', () => {
  expect([utmZoneEpsg(-180, 1), utmZoneEpsg(179.999, -1), utmZoneEpsg(180, 0), utmZoneEpsg(-117, 37), utmZoneEpsg(6, 50), utmZoneEpsg(5.99, 50)])
    .toEqual([32601, 32760, 32601, 32611, 32632, 32631]);
  expect(() => utmZoneEpsg(0, 85)).toThrow('has no UTM zone');
});

describe('choosing a transformation without a grid', () => {
  const op = (rest: Partial<Operation>): Operation => ({ name: '', accuracyM: 1, area: [0, 40, 10, 50], pipeline: '+proj=noop', ...rest });
  const helmert = '+proj=pipeline +step +proj=cart +ellps=bessel +step +proj=helmert +x=1 +y=2 +z=3 +rx=1 +ry=2 +rz=3 +s=4 +convention=coordinate_frame +step +inv +proj=cart +ellps=WGS84';

  test('rotations turn about the other way in the coordinate-frame convention', () => {
    expect(towgs84Of(helmert)).toEqual([1, 2, 3, -1, -2, -3, 4]);
    expect(towgs84Of(helmert.replace('coordinate_frame', 'position_vector'))).toEqual([1, 2, 3, 1, 2, 3, 4]);
    expect(towgs84Of('+proj=pipeline +step +proj=hgridshift +grids=x.gsb')).toBeNull();
  });

  test('a better one that needs a grid is noted; none good to 5 m is a problem', () => {
    const grid = op({ accuracyM: 0.2, pipeline: '+proj=hgridshift +grids=x.gsb' });
    expect(chooseOperation([grid, op({ accuracyM: 2, pipeline: helmert })], [1, 41, 9, 49])).toMatchObject({ problem: null, accuracyM: 2, note: expect.stringContaining('x.gsb') });
    expect(chooseOperation([grid, op({ accuracyM: 20, pipeline: helmert })], [1, 41, 9, 49])).toMatchObject({ towgs84: null, problem: expect.stringContaining('good to 20 m only') });
    expect(chooseOperation([grid], [1, 41, 9, 49]).problem).toContain('needs the grid x.gsb');
    expect(chooseOperation([op({ pipeline: helmert, area: [0, 40, 4, 50] })], [0, 40, 10, 50]).problem).toContain('covers its area of use');
  });
});

const hasOsr = spawnSync('/usr/bin/python3', ['-c', 'from osgeo import osr']).status === 0;

test.skipIf(!hasOsr)('60 codes over the table at five points of their areas of use, the whole way from WGS 84: PROJ and this program agree to a millimetre (all: src/geo/epsg/check.ts)', { timeout: 60_000 }, async () => {
  const codes = checkableCodes();
  expect(codes.length).toBeGreaterThan(3500);
  for (const { epsg, name, projectionM, shiftM } of await deviationsOf(codes.filter((_, i) => i % Math.ceil(codes.length / 60) === 11))) {
    expect(projectionM, `EPSG:${epsg} ${name}`).toBeLessThan(0.001);
    expect(shiftM, `EPSG:${epsg} ${name}`).toBeLessThan(0.001);
  }
});
