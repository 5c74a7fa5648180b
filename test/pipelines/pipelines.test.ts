import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { planSurvey } from '../../src/pipeline/run.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import { jobSchemaText } from '../../pipelines/make-schema.ts';
import { blobOf, dbfOf, shpOf, wkbOf, writeGpkg, zipOf } from '../ingest/make-vector.ts';
import { rewriteLidar } from '../pipeline/rewrite-las.ts';

const folder = fileURLToPath(new URL('../../pipelines', import.meta.url)), tiny = fileURLToPath(new URL('../../data-samples/tiny', import.meta.url));
const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-pipelines-')); });
afterAll(() => rm(scratch, { recursive: true }));

test('job.schema.json is that of the program: `npm run schema` would change nothing', async () => {
  expect(await readFile(join(folder, 'job.schema.json'), 'utf8')).toBe(jobSchemaText());
});

test('there are job files to start from', () => { expect(names).toEqual(['chm-only.yaml', 'lidar-feet.yaml', 'lidar-night.yaml', 'ortho-models.yaml', 'plots.yaml', 'sparse-terrain.yaml']); });

/** What a job file expects beside the sample's lidar/ and stands.geojson. */
const inputs: Record<string, (dir: string) => Promise<void>> = {
  'chm-only.yaml': async (dir) => {
    await mkdir(join(dir, 'chm'));
    const window = { col: 640_060, row: -8_200_320, width: 260, height: 220 }, data = new Float32Array(window.width * window.height).fill(12);
    await writeFile(join(dir, 'chm', 'west.tif'), encodeGeoTiff({ lattice: { resM: 0.5, x0M: 0, y0M: 0 }, window, bands: [data], nodata: -9999, epsg: 32611 }));
    writeGpkg(join(dir, 'stands.gpkg'), [{ name: 'stands', columns: 'stand_no TEXT', srs: { id: 32611, organisation: 'EPSG', wkt: '' }, rows: [{ values: ['101'], blob: blobOf(wkbOf([[SQUARE]])) }] }]);
    await writeFile(join(dir, 'area.geojson'), JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features: [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [SQUARE] } }] }));
  },
  'lidar-feet.yaml': async (dir) => {
    await rewriteLidar(dir, { epsg: 2228, zToMetre: 1200 / 3937, scale: [0.001, 0.001, 0.001], wkt: FEET });
    const { shp, shx } = shpOf([[SQUARE.toReversed()]]), dbf = dbfOf([['stand_no', 'C', 8]], [['101']]);
    await writeFile(join(dir, 'stands.zip'), zipOf({ 'stands.shp': shp, 'stands.shx': shx, 'stands.dbf': dbf, 'stands.prj': Buffer.from('PROJCS["WGS_1984_UTM_Zone_11N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],UNIT["Meter",1.0]]') }));
  },
  'ortho-models.yaml': async (dir) => {
    await mkdir(join(dir, 'naip'));
    await cp(join(tiny, 'ortho.tif'), join(dir, 'naip', 'summer.tif'));
    await mkdir(join(dir, 'drone'));
    const window = { col: 3_200_400, row: -41_001_300, width: 600, height: 500 }, bands = [1, 2, 3].map((band) => new Uint8Array(window.width * window.height).fill(50 * band));
    await writeFile(join(dir, 'drone', 'may.tif'), encodeGeoTiff({ lattice: { resM: 0.1, x0M: 0, y0M: 0 }, window, bands, epsg: 32611 }));
    await writeFile(join(dir, 'clouds.geojson'), JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features: [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [SQUARE] } }] }));
  },
  'plots.yaml': async (dir) => {
    for (const name of ['plots.csv', 'plot_trees.csv']) await cp(join(tiny, name), join(dir, name));
  },
};

const SQUARE: [number, number][] = [[320050, 4100060], [320110, 4100060], [320110, 4100120], [320050, 4100120], [320050, 4100060]];
const FEET = 'COMPD_CS["both",PROJCS["NAD83 / California zone 4 (ftUS)",GEOGCS["NAD83",DATUM["North_American_Datum_1983",SPHEROID["GRS 1980",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4269"]],PROJECTION["Lambert_Conformal_Conic_2SP"],UNIT["US survey foot",0.304800609601219],AUTHORITY["EPSG","2228"]],VERT_CS["NAVD88 height (ftUS)",VERT_DATUM["North American Vertical Datum 1988",2005],UNIT["US survey foot",0.304800609601219],AXIS["Up",UP],AUTHORITY["EPSG","6360"]]]';

test.each(names)('%s names the schema, reads without a fault and plans a survey', async (name) => {
  const dir = join(scratch, name), text = await readFile(join(folder, name), 'utf8');
  expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./job.schema.json');
  await mkdir(dir);
  for (const input of ['lidar', 'stands.geojson']) await cp(join(tiny, input), join(dir, input), { recursive: true });
  await inputs[name]?.(dir);
  await writeFile(join(dir, 'job.yaml'), text.replace('*.laz', '*.las').replace(/^settle_minutes:.*\n/m, '')); // the sample's files are young
  const loaded = await loadJob(join(dir, 'job.yaml')), plan = await planSurvey(loaded);
  expect(plan.survey.crs.epsg).toBe(32611);
  expect(plan.survey.faults).toEqual([]);
  expect(plan.tasks.filter(({ kind }) => kind === 'bucket')).toHaveLength(loaded.job.inputs.lidar ? 2 : 0);
  expect(plan.tasks.filter(({ kind }) => kind === 'canopy').length).toBeGreaterThan(0);
  expect(plan.tasks.filter(({ kind }) => kind === 'model').length > 0).toBe(loaded.job.models.length > 0);
  expect(plan.survey.stands?.entries.length ?? 0).toBe({ 'chm-only.yaml': 1, 'lidar-feet.yaml': 1, 'sparse-terrain.yaml': 0 }[name] ?? 4);
  expect(plan.tasks.at(-1)!.kind).toBe('merge');
});

test('ortho-models.yaml runs every model that comes with the program, and no other', async () => {
  const { models } = parse(await readFile(join(folder, 'ortho-models.yaml'), 'utf8')) as { models: { use: string }[] };
  const shipped = (await readdir(join(folder, '..', 'models'), { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(models.map(({ use }) => use).sort()).toEqual(shipped.sort());
});
