import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { check as checkCommand } from '../../src/cli/commands/check.ts';
import { init as initCommand } from '../../src/cli/commands/init.ts';
import { exitCodeOf } from '../../src/cli/fail.ts';
import { messageOf } from '../../src/errors.ts';
import { loadJob } from '../../src/pipeline/job-file.ts';
import type { Job } from '../../src/pipeline/job-schema.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import type { PixelArray } from '../../src/types.ts';
import { makeLas } from '../ingest/make-las.ts';

const tiny = fileURLToPath(new URL('../../data-samples/tiny', import.meta.url));
let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-init-')); });
afterAll(() => rm(scratch, { recursive: true }));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A command in this process: a start of the program takes seconds. @param path  relative to the scratch folder */
async function command(run: () => Promise<number>): Promise<Ended> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    return { code: await run(), stdout: log.mock.calls.map((call) => call.join(' ')).join('\n'), stderr: '' };
  } catch (error) {
    return { code: exitCodeOf(error), stdout: '', stderr: messageOf(error) };
  } finally {
    log.mockRestore();
  }
}

const init = (dir: string, json = false): Promise<Ended> => command(() => initCommand(join(scratch, dir), { json }));
const check = (job: string): Promise<Ended> => command(() => checkCommand(join(scratch, job), { json: true }));

/** A folder with these files; a folder for a value is copied from the sample. */
async function folder(name: string, files: Record<string, string | Uint8Array>): Promise<string> {
  const dir = join(scratch, name);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(dir, path, '..'), { recursive: true });
    if (typeof content === 'string' && content.startsWith('tiny:')) await cp(join(tiny, content.slice(5)), join(dir, path), { recursive: true });
    else await writeFile(join(dir, path), content);
  }
  await mkdir(dir, { recursive: true });
  return dir;
}

interface Picture {
  bands?: number;
  value?: (i: number) => number;
  x0?: number;
  epsg?: number | null;
  names?: string[];
}

/** 64 x 64 pixels of 0.5 m at 320000, 4100000: of heights, or 8-bit bands. */
function picture({ bands = 1, value = (i) => i % 30, x0 = 320_000, epsg = 32611, names }: Picture): Uint8Array {
  const make = (): PixelArray => (bands === 1 ? Float32Array.from({ length: 4096 }, (_, i) => value(i)) : Uint8Array.from({ length: 4096 }, (_, i) => value(i)));
  return encodeGeoTiff({ lattice: { resM: 0.5, x0M: 0, y0M: 0 }, window: { col: x0 * 2, row: -8_200_000, width: 64, height: 64 }, bands: Array.from({ length: bands }, make), epsg, ...(names ? { bandNames: names } : {}) });
}

const cloud = (crs: boolean): Uint8Array => makeLas({ points: [{ x: 320_010, y: 4_100_010, z: 5 }, { x: 320_020, y: 4_100_020, z: 9 }], ...(crs ? { geoKeys: { 1024: 1, 3072: 32611 } } : {}) });

async function jobOf(dir: string): Promise<{ text: string; job: Job }> {
  return { text: await readFile(join(dir, 'job.yaml'), 'utf8'), job: (await loadJob(join(dir, 'job.yaml'))).job };
}

test('a folder with clouds, an ortho, stands and plots gets a job that check passes as it stands', async () => {
  const dir = await folder('whole', { lidar: 'tiny:lidar', 'ortho.tif': 'tiny:ortho.tif', 'stands.geojson': 'tiny:stands.geojson', 'plots.csv': 'tiny:plots.csv', 'plot_trees.csv': 'tiny:plot_trees.csv', 'readme.txt': 'hello' });
  const { code, stdout } = await init('whole');
  expect(code).toBe(0);
  expect(stdout).toMatch(/Next: understory check .*whole\/job\.yaml/);
  const { text, job } = await jobOf(dir);
  expect(job.inputs).toMatchObject({ lidar: { files: ['lidar/*.las'] }, images: { ortho: { files: ['ortho.tif'], bands: ['red', 'green', 'blue', 'nir'] } }, stands: { file: 'stands.geojson', id: 'stand_no' }, plots: { file: 'plots.csv', trees: 'plot_trees.csv' } });
  expect(job.survey).toBe('whole');
  expect(text).toMatch(/# 4 polygon feature\(s\).*fields stand_no, name, species; stand_no, name are unique, the first is taken as id/);
  expect(text).not.toMatch(/TO FILL IN|readme/);
  expect(await readdir(dir)).not.toContain('out'); // nothing but the job file is left
  expect((await check('whole/job.yaml')).code).toBe(0);
});

test('a job file that is there is never written over', async () => {
  const dir = await folder('there', { 'a.las': cloud(true), 'job.yaml': 'mine' });
  const { code, stderr } = await init('there');
  expect(code).toBe(2);
  expect(stderr).toMatch(/is there already and stays as it is/);
  expect(await readFile(join(dir, 'job.yaml'), 'utf8')).toBe('mine');
});

test('a cloud without a CRS: the job says which line to fill in, and runs once it is', async () => {
  const dir = await folder('nocrs', { 'a.las': cloud(false) });
  const { code, stdout } = await init('nocrs');
  expect(code).toBe(0);
  expect(stdout).toMatch(/does not run yet[\s\S]*states no CRS; add the line `crs: EPSG:N`/);
  const { text } = await jobOf(dir);
  expect(text).toMatch(/# TO FILL IN before this job runs:\n# {3}a\.las: .*add the line `crs: EPSG:N`/);
  await writeFile(join(dir, 'job.yaml'), text.replace('# crs: EPSG:N', 'crs: EPSG:32611'));
  expect((await check('nocrs/job.yaml')).code).toBe(0);
});

test('heights are taken for what their names say only if their values agree', async () => {
  const dir = await folder('heights', {
    'chm.tif': picture({}), 'dtm_1m.tif': picture({ value: (i) => 500 + i / 100 }), 'old/chm.tif': picture({}), 'nDSM_feet.tif': picture({ value: (i) => i % 250 }), 'dsm.tif': picture({ value: (i) => 520 + i / 100 }), 'band.tif': picture({}),
  });
  expect((await init('heights')).code).toBe(0);
  const { text, job } = await jobOf(dir);
  expect(job.inputs.chm!.files).toEqual(['chm.tif']);
  expect(job.inputs.dtm!.files).toEqual(['dtm_1m.tif']);
  expect(text).toMatch(/# named as a canopy height model, one band of float32, values 0 to 29 where it was looked at/);
  expect(text).toMatch(/# {3}nDSM_feet\.tif: named as a canopy height model, but .* if they are feet, add it as inputs\.chm with z_unit: foot/);
  expect(text).toMatch(/# {3}dsm\.tif: named as a surface model, .*gdal_calc\.py/);
  expect(text).toMatch(/# {3}band\.tif: .*nothing says .*if it is a canopy height model, add/);
  expect(text).toMatch(/# {3}chm: \{ files: \[old\/chm\.tif\] \} .*deeper than the files taken: another survey\?/);
});

test('bands have the roles of their names, else of their number, which is then to be checked; tiles are one image, files over each other two', async () => {
  const dir = await folder('images', {
    'tiles/west.tif': picture({ bands: 3 }), 'tiles/east.tif': picture({ bands: 3, x0: 320_032 }), 'summer.tif': picture({ bands: 4, names: ['nir', 'red', 'green', 'blue'] }), 'Winter 1.tif': picture({ bands: 4, names: ['nir', 'red', 'green', 'blue'] }), 'ms.tif': picture({ bands: 5 }),
  });
  expect((await init('images')).code).toBe(0);
  const { text, job } = await jobOf(dir);
  expect(job.inputs.images).toMatchObject({
    tiles: { files: ['tiles/*.tif'], bands: ['red', 'green', 'blue'] }, summer: { files: ['summer.tif'], bands: ['nir', 'red', 'green', 'blue'] }, 'winter-1': { files: ['Winter 1.tif'], bands: ['nir', 'red', 'green', 'blue'] },
  });
  expect(text).toMatch(/# 4 bands of uint8, roles from the names of the bands/);
  expect(text).toMatch(/3 bands of uint8, roles TO CHECK: the file does not name its bands/);
  expect(text).toMatch(/# {3}ms\.tif: 5 bands of uint8: no orthophoto/);
});

const polygon = (properties: object, x = 0): object => ({ type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [[[-117 + x, 37], [-116.99 + x, 37], [-116.99 + x, 37.01], [-117 + x, 37]]] } });
const layer = (...features: object[]): string => JSON.stringify({ type: 'FeatureCollection', features });

test('the id of the stands is a field that is there and differs in each; a layer without one is not used, and the job says why', async () => {
  const dir = await folder('stands', {
    'a.las': cloud(true), 'stands.geojson': layer(polygon({ kind: 'old', share: 0.5, stand_id: 'x' }), polygon({ kind: 'old', share: 0.25, stand_id: 'y' }, 0.02)), 'aoi.geojson': layer(polygon({ n: 1 })),
    'parcels.geojson': layer(polygon({ owner: 'me' }), polygon({ owner: 'me' }, 0.02)), 'points.geojson': layer({ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: [0, 0] } }),
  });
  expect((await init('stands')).code).toBe(0);
  const { text, job } = await jobOf(dir);
  expect(job.inputs.stands).toMatchObject({ file: 'stands.geojson', id: 'stand_id' });
  expect(job.area).toBe('aoi.geojson');
  expect(text).toMatch(/# {3}stands: \{ file: parcels\.geojson, id: FIELD \} .*none of them is there and unique in every feature/);
  expect(text).toMatch(/# {3}points\.geojson: /);
});

test('files that are not what they are named are passed by with the reason; of none of use no job is written', async () => {
  const files = { 'a.las': 'Dear surveyor', 'b.tif': 'PK\u0003\u0004', 'c.zip': 'PK\u0003\u0004', 'd.csv': 'name;age\nme;7\n', 'e.ecw': '', 'f.geojson': '{', 'g.laz': '' };
  const dir = await folder('odd', files);
  const { code, stderr } = await init('odd');
  expect(code).toBe(2);
  for (const name of Object.keys(files)) expect(stderr, name).toMatch(new RegExp(`^ {2}${name.replace('.', '\\.')}: \\S`, 'm'));
  expect(stderr).toMatch(/e\.ecw: rasters are read as GeoTIFF: gdal_translate/);
  expect(stderr).not.toMatch(/fault of understory/);
  expect(await readdir(dir)).not.toContain('job.yaml');
  expect((await init((await folder('empty', {})).slice(scratch.length + 1))).stderr).toMatch(/empty: no point cloud .*try understory sample DIR/);
});

test('a folder of clouds and letters is named file by file, one of clouds by a pattern, whatever the folder is called', async () => {
  const dir = await folder('names', { 'lidar [2026]/a.las': cloud(true), 'lidar [2026]/b.las': cloud(true), 'more/c.las': cloud(true), 'more/d.las': 'a letter' });
  expect((await init('names')).code).toBe(0);
  const { job } = await jobOf(dir);
  expect(job.inputs.lidar!.files).toEqual(['lidar [[]2026[]]/*.las', 'more/c.las']);
  expect((await check('names/job.yaml')).stdout).toMatch(/"lidar_files":3/);
});

test('results of an earlier run are no input of the next survey', async () => {
  const dir = await folder('again', { 'a.las': cloud(true), 'out/plan.json': '{}', 'out/rasters/chm.tif': picture({}) });
  await init('again');
  expect((await jobOf(dir)).job.inputs.chm).toBeUndefined();
});

test('with --json init says what it took and what is missing', async () => {
  await folder('json', { 'a.las': cloud(false) });
  const { stdout } = await init('json', true);
  expect(JSON.parse(stdout)).toMatchObject({ job: join(scratch, 'json', 'job.yaml'), runs: false, missing: expect.stringMatching(/CRS/), inputs: { lidar: ['a.las'] } });
});
