import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { loadJob, matchFiles } from '../../src/pipeline/job-file.ts';
import { JobSchema } from '../../src/pipeline/job-schema.ts';
import { exporters } from '../../src/export/registry.ts';

let root: string, dir: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'understory-job-'));
  dir = join(root, 'job');
  await mkdir(join(dir, 'lidar', 'old.las'), { recursive: true });
  await writeFile(join(dir, 'lidar', 'b.las'), '');
  await writeFile(join(dir, 'lidar', 'a.las'), '');
  await mkdir(join(root, 'elsewhere'));
  await writeFile(join(root, 'elsewhere', 'c.las'), '');
  await symlink(join(root, 'elsewhere', 'c.las'), join(dir, 'link.las'));
});
afterAll(() => rm(root, { recursive: true }));

const HEAD = 'survey: s\noutput: out\ninputs:\n  lidar: { files: [lidar/*.las] }\n';

async function load(text: string) {
  const path = join(dir, 'job.yaml');
  await writeFile(path, text);
  return loadJob(path);
}

async function faultOf(text: string): Promise<UsageError> {
  const error = await load(text).then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(UsageError);
  return error as UsageError;
}

test.each([
  ['an unknown key', `${HEAD}tile: { size_m: 500 }\n`, 5, /job\.yaml:5: tile: unknown key; did you mean tiles\?/],
  ['a key without its unit', `${HEAD}chm:\n  resolution: 1\n`, 6, /:6: chm\.resolution: unknown key; did you mean resolution_m\?/],
  ['a key of a feature that comes later', `${HEAD}gates: []\n`, 5, /:5: gates: unknown key/],
  ['text for a number', `${HEAD}tiles:\n  size_m: wide\n`, 6, /:6: tiles\.size_m: .*expected number/],
  ['a negative radius', `${HEAD}crowns:\n  method: silva\n  max_radius_m: -1\n`, 7, /:7: crowns\.max_radius_m/],
  ['a method that there is not', `${HEAD}ground: { method: csf }\n`, 5, /:5: ground\.method.*smrf/],
  ['no inputs', 'survey: s\noutput: out\n', 1, /inputs/],
  ['an empty file', '', 1, /expected object/],
  ['broken YAML', 'survey: s\noutput: ]\n', 2, /job\.yaml:\d+: not valid YAML/],
  ['a key given twice', `${HEAD}survey: t\n`, 5, /:5: not valid YAML: map keys must be unique/],
  ['a tile that is no multiple of the cell', `${HEAD}tiles:\n  size_m: 510\n`, 6, /:6: tiles\.size_m: 510 m is no multiple of cells\.size_m \(20 m\)/],
  ['a tile that is no multiple of a CHM pixel', `${HEAD}tiles: { size_m: 500 }\nchm: { resolution_m: 0.3 }\n`, 5, /no multiple of chm\.resolution_m \(0\.3 m\)/],
  ['a tile that is no multiple of a DTM pixel', `${HEAD}tiles: { size_m: 500 }\ndtm: { resolution_m: 1.5 }\n`, 5, /no multiple of dtm\.resolution_m \(1\.5 m\)/],
  ['two models of one name', `${HEAD}  images: { o: { files: [o.tif], bands: [red] } }\nmodels:\n  - { name: a, use: x, on: o }\n  - { name: a, use: y, on: o }\n`, 8, /:8: models\.1\.name: two models are named a/],
  ['a model on an image that there is not', `${HEAD}models:\n  - { use: x, on: ortho }\n`, 6, /:6: models\.0\.on: no image is named ortho/],
  ['a species group from stands that there are not', `${HEAD}allometry: { group: { from: stands.species } }\n`, 5, /allometry\.group\.from: needs inputs\.stands/],
  ['an export of a format that there is not', `${HEAD}exports:\n  - { layer: trees, file: t.gpkg }\n`, 6, /:6: exports\.0\.file: .*\.geojson or \.csv/],
  ['an export that leaves exports/', `${HEAD}exports:\n  - { layer: trees, file: ../t.csv }\n`, 6, /exports\.0\.file: .*no \.\./],
  ['two exports into one file', `${HEAD}exports:\n  - { layer: trees, file: t.csv }\n  - { layer: cells, file: t.csv }\n`, 7, /:7: exports\.1\.file: t\.csv is written twice/],
])('%s is refused with its line', async (_, text, line, message) => {
  const error = await faultOf(text);
  expect(error.message).toMatch(message);
  expect(error.place.line).toBe(line);
  expect(error.exitCode).toBe(2);
});

test('every fault of a job file is named, not the first alone', async () => {
  const { message } = await faultOf(`${HEAD}tile: { size_m: 500 }\ncrown: {}\n`);
  expect(message.split('\n')).toHaveLength(2);
});

test('a job of one input has every other key, and a method may be left out where there is a default', async () => {
  const { job } = await load(`${HEAD}chm: { pit_fill: true }\nnoise: {}\nground: {}\n`);
  expect(job.chm).toMatchObject({ method: 'pit-free', pit_fill: true, resolution_m: 0.5 });
  expect(job.noise).toEqual({ method: 'none' });
  expect(job.ground).toEqual({ method: 'auto' });
  expect(job).toEqual(JobSchema.parse(JSON.parse(JSON.stringify(job))));
});

test('the endings that a job may ask for are those that have an exporter', () => {
  const accepts = (ending: string) => JobSchema.safeParse({ survey: 's', output: 'o', inputs: { lidar: { files: ['a'] } }, exports: [{ layer: 'trees', file: `t.${ending}` }] }).success;
  for (const ending of exporters.keys()) expect(accepts(ending), ending).toBe(true);
  expect(accepts('shp')).toBe(false);
});

test('a pattern gives its files sorted, each once, and no folders', async () => {
  const loaded = await load(HEAD);
  expect(await matchFiles(loaded, ['lidar/*.las', 'lidar/a.las'], 'inputs.lidar.files')).toEqual([join(dir, 'lidar', 'a.las'), join(dir, 'lidar', 'b.las')]);
});

test.each(['job[2026]', 'job {a,b}', 'job*', 'two words', 'Wälder 森林', '[!x]'])('a job in a folder named %s finds its files', async (name) => {
  const own = join(root, 'odd', name), path = join(own, 'job.yaml');
  await mkdir(join(own, 'lidar [1]', 'Süd ost'), { recursive: true });
  for (const file of ['a.las', 'b[2].las', 'Süd ost/c é.las']) await writeFile(join(own, 'lidar [1]', file), '');
  await writeFile(path, HEAD);
  const loaded = await loadJob(path), find = (...patterns: string[]) => matchFiles(loaded, patterns, 'inputs.lidar.files');
  const [a, b, c] = ['a.las', 'b[2].las', join('Süd ost', 'c é.las')].map((file) => join(own, 'lidar [1]', file));
  expect(await find('*/*.las')).toEqual([a, b]);
  expect(await find('**/*.las')).toEqual([c, a, b].sort());
  expect(await find('lidar [[]1]/*/*.las')).toEqual([c]);
  expect(await find('lidar [1]/b[2].las', './lidar [1]/a.las')).toEqual([a, b]); // each a path that there is
  expect(await find(a!)).toEqual([a]);
  await expect(find('lidar [1]/z*.las')).rejects.toThrow(/matches no file/);
});

test('an absolute pattern is taken as it stands', async () => {
  const loaded = await load(HEAD);
  expect(await matchFiles(loaded, [join(dir, 'lidar', '?.las')], 'inputs.lidar.files')).toEqual([join(dir, 'lidar', 'a.las'), join(dir, 'lidar', 'b.las')]);
});

test('a link to a file that is gone is found, so that its reader can say so', async () => {
  await symlink(join(root, 'nowhere.las'), join(dir, 'lidar', 'gone.laz'));
  expect(await matchFiles(await load(HEAD), ['lidar/*.laz'], 'inputs.lidar.files')).toEqual([join(dir, 'lidar', 'gone.laz')]);
  await rm(join(dir, 'lidar', 'gone.laz'));
});

test('a pattern that matches nothing is an error that names its line', async () => {
  const loaded = await load('survey: s\noutput: out\ninputs:\n  lidar:\n    files: [lidar/*.laz]\n');
  await expect(matchFiles(loaded, ['lidar/*.laz'], 'inputs.lidar.files')).rejects.toThrow(/job\.yaml:5: inputs\.lidar\.files: lidar\/\*\.laz matches no file/);
});

test('files and results stay in the job\'s folder, links followed, unless a root holds them', async () => {
  const closed = await load(HEAD);
  await expect(matchFiles(closed, ['../elsewhere/*.las'], 'inputs.lidar.files')).rejects.toThrow(/lies outside the job's folder; add a folder that holds it to `roots:`/);
  await expect(matchFiles(closed, ['link.las'], 'inputs.lidar.files')).rejects.toThrow(/lies outside/);
  await expect(load(HEAD.replace('output: out', 'output: ../out'))).rejects.toThrow(/output: .* lies outside/);
  const open = await load(`${HEAD.replace('output: out', 'output: ../out')}roots: [..]\n`);
  expect(await matchFiles(open, ['../elsewhere/*.las', 'link.las'], 'inputs.lidar.files')).toHaveLength(2);
});

test('a folder or a missing file is no job file', async () => {
  await expect(loadJob(dir)).rejects.toThrow(/a folder; name the job file in it/);
  await expect(loadJob(join(dir, 'nosuch.yaml'))).rejects.toThrow(/no job file there; `understory sample DIR`/);
});
