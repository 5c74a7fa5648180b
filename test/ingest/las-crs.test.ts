// The CRS that a LAS file states: from WKT, from GeoTIFF keys, or none; never a guess.
import { expect, test } from 'vitest';
import { bytesSource } from '../../src/files/byte-source.ts';
import { parseGeoKeys } from '../../src/ingest/las-crs.ts';
import { openPointFile } from '../../src/ingest/point-reader.ts';
import type { CrsStatement } from '../../src/ingest/point-reader.ts';
import { readWkt } from '../../src/geo/crs-wkt.ts';
import { makeLas } from './make-las.ts';
import type { LasSpec } from './make-las.ts';

async function crsOf(spec: Partial<LasSpec>): Promise<CrsStatement | null> {
  const file = makeLas({ points: [{ x: 0, y: 0, z: 0 }], ...spec });
  return (await openPointFile(bytesSource('survey.las', file))).header.crs;
}

const UTM_WKT1 = 'PROJCS["NAD83 / UTM zone 17N",GEOGCS["NAD83",DATUM["North_American_Datum_1983",SPHEROID["GRS 1980",6378137,298.257222101,AUTHORITY["EPSG","7019"]],AUTHORITY["EPSG","6269"]],AUTHORITY["EPSG","4269"]],PROJECTION["Transverse_Mercator"],PARAMETER["central_meridian",-81],UNIT["metre",1,AUTHORITY["EPSG","9001"]],AUTHORITY["EPSG","26917"]]';
const HEIGHT_WKT1 = 'VERT_CS["NAVD88 height",VERT_DATUM["North American Vertical Datum 1988",2005,AUTHORITY["EPSG","5103"]],UNIT["metre",1],AUTHORITY["EPSG","5703"]]';

test('a WKT gives the code of the projected CRS, not that of its datum, ellipsoid or unit', async () => {
  expect(await crsOf({ pointFormat: 6, wkt: UTM_WKT1 })).toEqual({ wkt: UTM_WKT1, epsg: 26917, verticalEpsg: null, source: 'wkt', geoKeys: null });
});

test('a compound WKT gives both codes', async () => {
  const wkt = `COMPD_CS["both",${UTM_WKT1},${HEIGHT_WKT1},AUTHORITY["EPSG","9999"]]`;
  expect(await crsOf({ pointFormat: 6, wkt })).toMatchObject({ epsg: 26917, verticalEpsg: 5703 });
});

test('a WKT without a code of its own has none, whatever its base has', async () => {
  const wkt = UTM_WKT1.replace(',AUTHORITY["EPSG","26917"]', '');
  expect(await crsOf({ pointFormat: 6, wkt })).toMatchObject({ wkt, epsg: null });
});

test.each<[string, string, number | null, number | null]>([
  ['WKT 2 with ID', 'PROJCRS["x",BASEGEOGCRS["y",ID["EPSG",4258]],CONVERSION["z",ID["EPSG",16032]],CS[Cartesian,2],ID["EPSG",25832]]', 25832, null],
  ['compound WKT 2', 'COMPOUNDCRS["x",PROJCRS["a",ID["EPSG",3067]],VERTCRS["b",ID["EPSG",3900]]]', 3067, 3900],
  ['a bound CRS', 'BOUNDCRS[SOURCECRS[PROJCRS["a",ID["EPSG",31370]]],TARGETCRS[GEOGCRS["b",ID["EPSG",4326]]],ABRIDGEDTRANSFORMATION["c"]]', 31370, null],
  ['round brackets and blanks', ' PROJCS ( "a" , AUTHORITY ( "EPSG" , "2154" ) ) ', 2154, null],
  ['a quote in a name', 'PROJCS["a ""b], c",AUTHORITY["EPSG","2154"]]', 2154, null],
  ['another authority', 'PROJCS["a",AUTHORITY["ESRI","102008"]]', null, null],
  ['a local system', 'LOCAL_CS["site",UNIT["metre",1]]', null, null],
])('%s', (_, wkt, epsg, verticalEpsg) => {
  const reading = readWkt(wkt);
  expect(reading).not.toBeNull();
  expect({ epsg: reading?.horizontal?.epsg ?? null, verticalEpsg: reading?.vertical?.epsg ?? null }).toEqual({ epsg, verticalEpsg });
});

test.each(['', 'none', 'PROJCS[', 'PROJCS["a"', 'PROJCS["a",]', '[]', 'PROJCS["a" "b"]', 'A['.repeat(5000)])('text that is no WKT is no statement: %j', async (wkt) => {
  expect(readWkt(wkt)).toBeNull();
  expect(await crsOf({ pointFormat: 6, wkt })).toBeNull();
});

test('GeoTIFF keys give the codes and come along as they are', async () => {
  const geoKeys = { 1024: 1, 1026: 'WGS 84 / UTM zone 10N', 2057: 6378137.5, 3072: 32610, 3076: 9001, 4096: 5703 };
  expect(await crsOf({ geoKeys })).toEqual({ wkt: null, epsg: 32610, verticalEpsg: 5703, source: 'geotiff', geoKeys });
});

test('a user-defined projected CRS is not the geographic CRS beneath it', async () => {
  expect(await crsOf({ geoKeys: { 1024: 1, 2048: 4269, 3072: 32767 } })).toMatchObject({ epsg: null });
  expect(await crsOf({ geoKeys: { 1024: 2, 2048: 4269 } })).toMatchObject({ epsg: 4269 });
  expect(await crsOf({ geoKeys: { 1024: 1, 2048: 32767, 3072: 0, 4096: 32767 } })).toMatchObject({ epsg: null, verticalEpsg: null });
});

test('with both in a file the WKT bit of the header decides, and without it the keys, if they name a CRS', async () => {
  const geoKeys = { 3072: 32610 };
  expect(await crsOf({ pointFormat: 6, wkt: UTM_WKT1, geoKeys })).toMatchObject({ source: 'wkt', epsg: 26917, geoKeys });
  expect(await crsOf({ version: '1.2', wkt: UTM_WKT1, geoKeys })).toMatchObject({ source: 'geotiff', epsg: 32610 });
  expect(await crsOf({ version: '1.2', wkt: UTM_WKT1, geoKeys: { 3072: 32767 } })).toMatchObject({ source: 'wkt', epsg: 26917 });
});

test('a CRS in an extended record counts as well', async () => {
  const content = new TextEncoder().encode(`${UTM_WKT1}\0\0`);
  expect(await crsOf({ pointFormat: 6, evlrs: [{ userId: 'other', recordId: 7, content: new Uint8Array(70_000) }, { userId: 'LASF_Projection', recordId: 2112, content }] }))
    .toMatchObject({ epsg: 26917, wkt: UTM_WKT1 });
});

test('no record is no CRS, and neither are keys that are cut off', async () => {
  expect(await crsOf({})).toBeNull();
  const bytes = (...shorts: number[]): Uint8Array => new Uint8Array(Uint16Array.from(shorts).buffer);
  expect(parseGeoKeys(bytes(1, 1, 0))).toEqual({});
  expect(parseGeoKeys(bytes(1, 1, 0, 500, 1024, 0, 1, 1))).toEqual({ 1024: 1 });
  expect(parseGeoKeys(bytes(1, 1, 0, 2, 1026, 34737, 9, 5, 2057, 34736, 1, 0), new Uint8Array(4), new Uint8Array(8))).toEqual({});
});

test('keys that are doubles come as numbers, several as a list', () => {
  const directory = new Uint8Array(Uint16Array.from([1, 1, 0, 2, 2057, 34736, 1, 0, 2062, 34736, 3, 1]).buffer);
  expect(parseGeoKeys(directory, new Uint8Array(Float64Array.from([6378137, 1, 2, 3]).buffer))).toEqual({ 2057: 6378137, 2062: [1, 2, 3] });
});
