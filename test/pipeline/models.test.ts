import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sampleModels } from '../../data-samples/make/onnx.ts';
import { anchoredLattice } from '../../src/geo/lattice.ts';
import { openFingerprints } from '../../src/pipeline/fingerprints.ts';
import { loadJob } from '../../src/pipeline/job-file.ts';
import { readModels, settleModels, tasksWithoutPrimary } from '../../src/pipeline/models.ts';
import type { RasterInput } from '../../src/pipeline/read-rasters.ts';
import type { ImageLayer, SurveyModel } from '../../src/pipeline/survey.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'understory-models-'));
  const { model, card } = sampleModels()['red-density']!;
  // three folders; the card of the third takes the name of a raster
  for (const [folder, name] of [['one', 'red-density'], ['two', 'red-density'], ['chm', 'chm'], ['lidar', 'lidar']] as const) {
    await mkdir(join(dir, folder));
    await writeFile(join(dir, folder, 'model.onnx'), model);
    await writeFile(join(dir, folder, 'card.json'), card.replace('"red-density"', JSON.stringify(name)));
  }
  const table = sampleModels()['table-agb']!;
  for (const [folder, what] of [['agb', table.card], ['volume', table.card.replaceAll('"agb"', '"volume"').replace('"name": "volume"', '"name": "agb"').replace('Mg/ha', 'm3/ha')]] as const) {
    await mkdir(join(dir, folder));
    await writeFile(join(dir, folder, 'model.onnx'), table.model);
    await writeFile(join(dir, folder, 'card.json'), what);
  }
});
afterAll(() => rm(dir, { recursive: true }));

const ortho: ImageLayer = { name: 'ortho', bands: ['red', 'green', 'blue', 'nir'], lattice: anchoredLattice(0.5), window: { col: 0, row: 0, width: 8, height: 8 }, files: [], box: { x0: 0, y0: -4, x1: 4, y1: 0 } };

const input: RasterInput = { name: 'ortho', key: 'inputs.images.ortho', files: [], statements: [], gsdM: 0.5 };

/** Resolve models as a job lists them, one line each, from line 6 on. */
async function resolve(...models: string[]): Promise<SurveyModel[]> {
  const path = join(dir, 'job.yaml');
  await writeFile(path, `survey: s\noutput: out\ninputs:\n  lidar: { files: [a.las] }\n  images: { ortho: { files: [o.tif], bands: [red, green, blue, nir] } }\nmodels:\n${models.map((model) => `  - { ${model}${/use: (agb|volume)/.test(model) ? '' : ', on: ortho'} }\n`).join('')}`);
  const loaded = await loadJob(path);
  return settleModels(await readModels(loaded, await openFingerprints(loaded.output, loaded.dir)), { lidar: [], chm: null, dtm: null, images: [ortho], crs: { epsg: 32611, name: '', from: '' }, canopySource: 'lidar' }, { job: loaded.job, rasters: [input] });
}

test('the only model of a task is its primary one, and takes the name of its card', async () => {
  expect((await resolve('use: one')).map(({ name, primary }) => ({ name, primary }))).toEqual([{ name: 'red-density', primary: true }]);
  expect(await readFile(join(dir, 'job.yaml'), 'utf8')).not.toContain('primary');
});

test.each([
  ['two primary models of one task', ['name: a, use: one, primary: true', 'name: b, use: two', 'name: c, use: two, primary: true'], /:9: models\.2\.primary: a and c are both primary models of task density; leave primary: true on one/],
  ['two models whose cards have one name', ['use: one', 'use: two'], /:8: models\.1\.name: two models are named red-density \(so its card red-density says\); give one a name/],
  ['a name that the card of another has', ['use: one', 'name: red-density, use: two'], /:8: models\.1\.name: two models are named red-density; give one/],
  ['a model whose card has the name of a raster', ['use: chm'], /:7: models\.0\.name: chm \(so its card chm says\) is the name of another source or raster of the survey/],
  ['a model whose card has the name of a source', ['use: lidar'], /models\.0\.name: lidar \(so its card lidar says\)/],
  ['a model that the job names like a source', ['name: lidar, use: one'], /models\.0\.name: lidar is the name of another source/],
])('%s: refused with its line', async (_, models, message) => {
  const error = await resolve(...models).then(() => null, (e: Error & { exitCode?: number }) => e);
  expect(error?.message).toMatch(message);
  expect(error?.exitCode).toBe(2);
});

test('a card with a taken name runs under another', async () => {
  expect((await resolve('name: canopy-stems, use: chm')).map(({ name }) => name)).toEqual(['canopy-stems']);
});

test('of several models of one task none is primary unless the job says so, and check says what that means', async () => {
  const none = await resolve('name: a, use: one', 'name: b, use: two'), one = await resolve('name: a, use: one', 'name: b, use: two, primary: true');
  expect(none.map(({ primary }) => primary)).toEqual([false, false]);
  expect(tasksWithoutPrimary(none)).toEqual(['a, b: several models of task density, none primary: the fixed columns of that task stay NULL; set primary: true on one']);
  expect(one.map(({ primary }) => primary)).toEqual([false, true]);
  expect(tasksWithoutPrimary(one)).toEqual([]);
  expect(tasksWithoutPrimary([])).toEqual([]);
});

test('biomass and volume of cells are each the only one of their kind; two of biomass are not', async () => {
  const both = await resolve('name: agb, use: agb', 'name: volume, use: volume');
  expect(both.map(({ primary }) => primary)).toEqual([true, true]);
  expect(tasksWithoutPrimary(both)).toEqual([]);
  expect(tasksWithoutPrimary(await resolve('name: agb, use: agb', 'name: again, use: agb', 'name: volume, use: volume'))).toEqual([
    'agb, again: several models of task regress-table of agb per cell, none primary: the fixed columns of that task stay NULL; set primary: true on one',
  ]);
});
