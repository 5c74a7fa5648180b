import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runVariant, writeVariant } from './survey.ts';

let scratch: string, out: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-gis-'));
  const exports = ['trees', 'crowns', 'stands', 'cells', 'gaps'].map((layer) => `  - { layer: ${layer}, file: ${layer}.geojson }\n`).join('');
  const job = await writeVariant(join(scratch, 'survey'), { workers: 2, edit: (text) => text.replace(/exports:[^]*?(?=run:)/, `exports:\n${exports}`) });
  await runVariant(job);
  out = join(dirname(job), 'out');
});
afterAll(() => rm(scratch, { recursive: true }));

const hasGdal = spawnSync('gdalinfo', ['--version']).status === 0;

describe.skipIf(!hasGdal)('other programs open what a run leaves, without a warning', () => {
  /** Run a program of GDAL; anything on stderr is a warning or an error. */
  function gdal(program: string, ...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    return stdout;
  }

  test.each([['trees', 'Point'], ['crowns', 'Polygon'], ['stands', 'Multi Polygon'], ['cells', 'Polygon'], ['gaps', 'Multi Polygon']])('%s as GeoJSON in WGS 84, every outline valid', (layer, type) => {
    const file = join(out, 'exports', `${layer}.geojson`), info = gdal('ogrinfo', '-so', '-al', file);
    expect(info).toMatch(new RegExp(`Geometry: (3D )?${type}\\n`));
    expect(info).toMatch(/WGS 84/);
    const counts = gdal('ogrinfo', '-q', '-dialect', 'sqlite', '-sql', `select count(*) as n, sum(not ST_IsValid(geometry)) as bad from "${layer}"`, file);
    expect(Number(/n \(Integer\) = (\d+)/.exec(counts)![1])).toBeGreaterThan(3);
    expect(/bad \(Integer\) = (\d+)/.exec(counts)![1]).toBe('0');
  });

  test.each(['chm', 'dtm', 'valid_area', 'stems'])('%s.tif as a raster with its CRS', (name) => {
    const info = JSON.parse(gdal('gdalinfo', '-json', '-stats', join(out, 'rasters', `${name}.tif`))) as { bands: { noDataValue?: number; maximum: number }[]; coordinateSystem: { wkt: string } };
    expect(info.coordinateSystem.wkt).toContain('32611');
    expect(info.bands[0]!.noDataValue).toBe(name === 'valid_area' ? undefined : -9999);
    expect(info.bands[0]!.maximum).toBeGreaterThan(0);
  });
});

test('the inventory opens in a DuckDB of its own, read-only, and says what its columns mean', () => {
  const script = `
    import { DuckDBInstance } from '@duckdb/node-api';
    const connection = await (await DuckDBInstance.create(process.argv[1], { access_mode: 'READ_ONLY' })).connect();
    const rows = async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJS();
    const [{ trees }] = await rows('SELECT count(*)::INTEGER AS trees FROM tree');
    const silent = await rows("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL");
    const [{ inside }] = await rows("SELECT count(*)::INTEGER AS inside FROM tree WHERE geometry && (SELECT geometry FROM stand LIMIT 1)");
    console.log(JSON.stringify({ trees, silent, inside }));`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script, join(out, 'survey.duckdb')], { encoding: 'utf8', cwd: join(import.meta.dirname, '..', '..') });
  expect(run.stderr).toBe('');
  const { trees, silent, inside } = JSON.parse(run.stdout) as { trees: number; silent: unknown[]; inside: number };
  expect(trees).toBeGreaterThan(300);
  expect(inside).toBeGreaterThan(0);
  expect(silent).toEqual([]);
});

test('a GeoJSON file follows RFC 7946: no crs, outer rings counter-clockwise, seven decimals', async () => {
  const text = await readFile(join(out, 'exports', 'crowns.geojson'), 'utf8'), { crs, features } = JSON.parse(text) as { crs?: unknown; features: { geometry: { coordinates: [number, number][][] } }[] };
  expect(crs).toBeUndefined();
  for (const { geometry: { coordinates: [outer] } } of features) {
    const twiceArea = outer!.slice(1).reduce((sum, [x, y], i) => sum + (outer![i]![0] - outer![0]![0]) * (y - outer![0]![1]) - (x - outer![0]![0]) * (outer![i]![1] - outer![0]![1]), 0);
    expect(twiceArea).toBeGreaterThan(0);
  }
  expect(text).not.toMatch(/\d\.\d{8,}/);
});
