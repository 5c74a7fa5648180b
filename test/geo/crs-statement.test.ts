import { expect, test } from 'vitest';
import { crsFromStatement } from '../../src/geo/crs-statement.ts';

const GEOGCS = 'GEOGCS["NAD83",DATUM["North_American_Datum_1983",SPHEROID["GRS 1980",6378137,298.257222101,AUTHORITY["EPSG","7019"]],AUTHORITY["EPSG","6269"]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4269"]]';
const UTM = (authority: string, unit = 'UNIT["metre",1,AUTHORITY["EPSG","9001"]]', name = 'NAD83 / UTM zone 10N'): string =>
  `PROJCS["${name}",${GEOGCS},PROJECTION["Transverse_Mercator"],PARAMETER["central_meridian",-123],${unit},AXIS["Easting",EAST],AXIS["Northing",NORTH]${authority}]`;
const CODE = ',AUTHORITY["EPSG","26910"]';
const NAVD88_FT = 'VERT_CS["NAVD88 height (ftUS)",VERT_DATUM["North American Vertical Datum 1988",2005],UNIT["US survey foot",0.304800609601219],AXIS["Up",UP],AUTHORITY["EPSG","6360"]]';

test('WKT 1: the code at the end of the projected CRS counts, not that of its datum', () => {
  expect(crsFromStatement({ wkt: UTM(CODE) }).crs?.epsg).toBe(26910);
});

test('a compound CRS gives the horizontal CRS and the unit of heights', () => {
  const reading = crsFromStatement({ wkt: `COMPD_CS["both",${UTM(CODE)},${NAVD88_FT}]` });
  expect(reading.crs?.epsg).toBe(26910);
  expect(reading).toMatchObject({ verticalEpsg: 6360, zIsUp: true, reason: null });
  expect(reading.verticalUnitToMetre).toBeCloseTo(1200 / 3937, 12);
});

test('WKT 2 with ID, and its vertical CRS by code only', () => {
  const wkt = 'PROJCRS["WGS 84 / UTM zone 11N",BASEGEOGCRS["WGS 84",DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,298.257223563]],ID["EPSG",4326]],CONVERSION["UTM zone 11N",METHOD["Transverse Mercator",ID["EPSG",9807]]],CS[Cartesian,2],AXIS["(E)",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["(N)",north,ORDER[2],LENGTHUNIT["metre",1]],ID["EPSG",32611]]';
  expect(crsFromStatement({ wkt, verticalEpsg: 5703 })).toMatchObject({ crs: { epsg: 32611 }, verticalUnitToMetre: 1, reason: null });
});

test("ESRI's WKT has no code: its name is looked up, and a name that nobody has is a reason", () => {
  const esri = UTM('', 'UNIT["Meter",1.0]', 'NAD_1983_UTM_Zone_10N');
  expect(crsFromStatement({ wkt: esri }).crs?.epsg).toBe(26910);
  expect(crsFromStatement({ wkt: UTM('', undefined, 'My own grid') })).toMatchObject({ crs: null, reason: "its CRS 'My own grid' has no code, and no CRS of the EPSG table has this name" });
});

test('GeoTIFF keys: the projected code, not the geographic one beneath it; user-defined is no code', () => {
  expect(crsFromStatement({ geoKeys: { 1024: 1, 2048: 4269, 3072: 26910, 3076: 9001 } }).crs?.epsg).toBe(26910);
  expect(crsFromStatement({ geoKeys: { 1024: 2, 2048: 4269 } }).crs).toMatchObject({ epsg: 4269, isProjected: false });
  expect(crsFromStatement({ geoKeys: { 1024: 1, 2048: 4269, 3072: 32767, 3073: 'own' } })).toMatchObject({ crs: null, reason: expect.stringContaining("'own'") });
  expect(crsFromStatement({ geoKeys: { 1024: 1, 3072: 32767, 3073: 'PCS Name = NAD_1983_UTM_Zone_10N' } }).crs?.epsg).toBe(26910);
  expect(crsFromStatement({ geoKeys: { 3072: 26910, 4099: 9003 } }).verticalUnitToMetre).toBeCloseTo(1200 / 3937, 12);
});

test('what contradicts itself is refused with both sides', () => {
  expect(crsFromStatement({ wkt: UTM(CODE, 'UNIT["US survey foot",0.304800609601219]') })).toMatchObject({ crs: null, reason: expect.stringMatching(/26910 .* in metre, but states a unit of 0\.3048/) });
  expect(crsFromStatement({ wkt: UTM(CODE), geoKeys: { 3072: 32610 } })).toMatchObject({ crs: null, reason: 'its WKT names EPSG:26910, its GeoTIFF keys EPSG:32610' });
});

test('nothing stated, rubbish, and a code that cannot be used each have their reason', () => {
  expect(crsFromStatement({}).reason).toBe('it states no CRS');
  expect(crsFromStatement({ wkt: 'hello [' }).reason).toBe('it states no CRS');
  expect(crsFromStatement({ epsg: 26711 }).reason).toContain('cannot be used');
  expect(crsFromStatement({ wkt: '['.repeat(100_000) }).crs).toBeNull();
});
