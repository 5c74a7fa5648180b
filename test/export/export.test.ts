import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { outlineReader } from '../../src/export/exporter.ts';
import { LAYERS, exportLayer, layerOf, type ExportOptions, type LayerName } from '../../src/export/registry.ts';
import { inDegrees } from '../../src/export/shape.ts';
import type { MultiPolygon, Polygon, Ring } from '../../src/types.ts';
import { square, standPartRow, treeRow } from '../store/rows.ts';
import { mergeSurvey, removeDir, runRow, standRow, temporaryDir } from '../store/survey.ts';

/** A made-up projection near 45 N: 1e-5 degrees a metre. */
const toLonLat = (x: number, y: number): [number, number] => [-120 + x / 1e5, 45 + y / 1e5];

const withHole: Polygon = [square(0, 0, 10)[0]!, [...square(3, 3, 2)[0]!].reverse()];
let dir: string, database: string;

beforeAll(async () => {
  dir = await temporaryDir();
  const trees = [
    treeRow({ treeId: 'b', xM: 5, yM: 5, lon: -119.99995, lat: 45.00005, heightM: 21.5, polygon: withHole, flags: ['near_void'] }),
    treeRow({ treeId: 'a, "x"', xM: 50, yM: 50, lon: -119.9995, lat: 45.0005, heightM: null, polygon: null }),
  ];
  const cell = { cellId: '20_40', tile: '0_0', xM: 30, yM: 50, validAreaM2: 400, zmax: 21.5 };
  const tile = { tile: '0_0', x0M: 0, y0M: 0, x1M: 500, y1M: 500, status: 'done', validAreaM2: null, points: null, trees: null };
  ({ path: database } = await mergeSurvey(dir, {
    '0_0': {
      tree: trees, tree_stand: [{ standId: 's', treeId: 'b' }], stand_part: [standPartRow({ standId: 's' })], cell: [cell], tile: [tile],
      void: [{ tile: '0_0', source: 'lidar', reason: 'cannot be read', areaM2: 12, polygons: null }, { tile: '0_0', source: 'mask', reason: 'cloud', areaM2: 1, polygons: [square(1, 1, 1)] }],
    },
  }, {
    run: [runRow], stand: [{ ...standRow('s', 1, { species: 'spruce', age: 80 }), polygons: [withHole, square(20, 20, 5)] }],
    gap: [{ gapId: '-1_1', xM: 1, yM: 2, areaM2: 12.5, polygons: [square(0, 0, 3)] }],
  }));
});
afterAll(() => removeDir(dir));

async function exported(layer: LayerName, ending: string, more: Partial<ExportOptions> = {}): Promise<{ path: string; text: string; rows: number }> {
  const path = join(dir, `${layer}.${ending}`);
  const { rows } = await exportLayer({ database, layer, output: path, toLonLat, ...more });
  return { path, text: await readFile(path, 'utf8'), rows };
}

interface Feature {
  geometry: { type: string; coordinates: unknown } | null;
  properties: Record<string, unknown>;
}
const features = async (layer: LayerName, more: Partial<ExportOptions> = {}): Promise<Feature[]> => JSON.parse((await exported(layer, 'geojson', more)).text).features;

const area2 = (ring: Ring): number => ring.slice(1).reduce((sum, [x, y], i) => sum + ring[i]![0] * y - x * ring[i]![1], 0);

test('a crown is a polygon in degrees, outer ring counter-clockwise and hole clockwise, with the columns as properties', async () => {
  const [crown, ...others] = await features('crowns');
  expect(others).toEqual([]);
  expect(crown!.geometry).toEqual({
    type: 'Polygon',
    coordinates: [
      [[-120, 45], [-119.9999, 45], [-119.9999, 45.0001], [-120, 45.0001], [-120, 45]],
      [[-119.99997, 45.00003], [-119.99997, 45.00005], [-119.99995, 45.00005], [-119.99995, 45.00003], [-119.99997, 45.00003]],
    ],
  });
  expect(crown!.properties).toMatchObject({ tree_id: 'b', height_m: 21.5, crown_base_m: null, flags: ['near_void'], tile: '0_0' });
});

test('outlines are simplified on request only, and never in a canonical file', async () => {
  const steps: Polygon = [[[0, 0], [2, 0], [2, 0.5], [4, 0.5], [4, 1], [6, 1], [6, 6], [0, 6], [0, 0]]];
  const drawn = (simplifyM: number) => outlineReader({ layer: LAYERS.crowns, names: [], rows: (async function* () {})(), cellSizeM: 0, simplifyM, toLonLat })({ cells: [], outline: [steps] });
  expect(drawn(0)).toEqual([steps]);
  expect(drawn(0.6)![0]![0]).toHaveLength(5); // a stair of half a metre becomes a slope: four corners, closed
  await expect(exported('crowns', 'geojson', { canonical: true, simplifyM: 1 })).rejects.toThrow(/--simplify or --canonical/);
});

test('rings follow the right-hand rule even where the projection mirrors them, and a sliver below a centimetre is left out', () => {
  const mirrored = (x: number, y: number): [number, number] => [y / 1e5, x / 1e5];
  const [polygon] = inDegrees([[...withHole, square(5, 5, 0.001)[0]!]], mirrored);
  expect(polygon!.map((ring) => area2(ring) > 0)).toEqual([true, false]);
  expect(inDegrees([square(5, 5, 0.001)], toLonLat)).toEqual([]);
});

test('trees are points, a missing height is null, and the file names no CRS', async () => {
  const { text, rows } = await exported('trees', 'geojson'), collection = JSON.parse(text);
  expect(rows).toBe(2);
  expect(Object.keys(collection)).toEqual(['type', 'features']);
  expect(collection.features[1]).toMatchObject({ geometry: { type: 'Point', coordinates: [-119.9995, 45.0005] }, properties: { tree_id: 'a, "x"', height_m: null } });
});

test('stands carry their figures and the attributes of their layer', async () => {
  const [stand] = await features('stands');
  expect(stand!.geometry!.type).toBe('MultiPolygon');
  expect(stand!.properties).toMatchObject({ stand_id: 's', attributes: { species: 'spruce', age: 80 }, stems_per_ha: 1, valid_ha_lidar: 1 });
});

test('a cell is the square of its side whose lower-left corner is its id', async () => {
  const [cell] = await features('cells');
  const ring = (cell!.geometry!.coordinates as MultiPolygon[number])[0]!;
  expect(ring[0]).toEqual([-119.9998, 45.0004]); // 20, 40
  expect(ring[2]).toEqual([-119.9996, 45.0006]); // 40, 60
});

test('a void is drawn as its own outline, or as its tile where only that is known, and says which', async () => {
  const drawn = (await features('voids')).map(({ geometry, properties }) => [properties['source'], properties['outline'], (geometry!.coordinates as MultiPolygon)[0]![0]![2]]);
  expect(drawn).toEqual([['lidar', 'tile', [-119.995, 45.005]], ['mask', 'void', [-119.99998, 45.00002]]]);
});

test('CSV has a header, CRLF and quotes where RFC 4180 asks; outlines as text where x and y do not say it', async () => {
  const { text } = await exported('trees', 'csv');
  const lines = text.split('\r\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(/^tree_id,tile,source,x_m,y_m,lon,lat,height_m,.*,flags$/);
  expect(lines[1]).toMatch(/^b,0_0,lidar,5,5,-119.99995,45.00005,21.5,.*,near_void$/);
  expect(lines[2]).toMatch(/^"a, ""x""",0_0,lidar,50,50,-119.9995,45.0005,,/);
  expect((await exported('gaps', 'csv')).text).toBe('gap_id,x_m,y_m,area_m2,lon,lat,geometry_wkt\r\n-1_1,1,2,12.500000,-119.99999,45.00002,"POLYGON ((0 0, 3 0, 3 3, 0 3, 0 0))"\r\n');
  expect((await exported('cells', 'csv')).text).not.toContain('POLYGON');
});

test('a condition chooses rows; canonical rows come by key without the tile', async () => {
  expect((await features('trees', { where: 'height_m > 20' })).map(({ properties }) => properties['tree_id'])).toEqual(['b']);
  const ordered = await features('trees', { canonical: true });
  expect(ordered.map(({ properties }) => properties['tree_id'])).toEqual(['a, "x"', 'b']);
  expect(ordered[0]!.properties).not.toHaveProperty('tile');
});

test('a condition that is wrong, reads a file or ends the statement is refused, and no file is left', async () => {
  for (const where of ['hight_m > 2', `tree_id IN (SELECT * FROM read_text('/etc/hostname'))`, '1=1); SELECT (1', '1=1) --']) {
    const output = join(dir, 'refused.csv');
    await expect(exportLayer({ database, layer: 'trees', output, toLonLat, where }), where).rejects.toThrow(UsageError);
  }
  expect((await readdir(dir)).filter((name) => name.startsWith('refused'))).toEqual([]);
});

test('an ending or a layer that there is not is refused with those that there are', async () => {
  await expect(exportLayer({ database, layer: 'trees', output: join(dir, 'x.shp'), toLonLat })).rejects.toThrow(/\.geojson or \.csv/);
  expect(() => layerOf('tree')).toThrow(/trees, crowns/);
  expect(() => layerOf('toString')).toThrow(UsageError);
});

function ogrinfo(...args: string[]): string {
  const { stdout, stderr } = spawnSync('ogrinfo', args, { encoding: 'utf8' });
  expect(stderr).toBe(''); // no warning
  return stdout;
}

test.skipIf(!existsSync('/usr/bin/ogrinfo')).each(Object.keys(LAYERS) as LayerName[])('ogrinfo (skipped where it is not installed) reads %s in WGS 84 with valid shapes', async (layer) => {
  const { path, rows } = await exported(layer, 'geojson');
  const summary = ogrinfo('-so', '-al', path);
  expect(summary).toContain(`Feature Count: ${rows}`);
  expect(summary).toContain('ID["EPSG",4326]');
  const invalid = ogrinfo(path, '-dialect', 'sqlite', '-sql', `SELECT count(*) AS n FROM "${layer}" WHERE NOT ST_IsValid(geometry)`);
  expect(invalid).toContain('n (Integer) = 0');
});
