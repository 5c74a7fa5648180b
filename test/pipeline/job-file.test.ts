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
  ['text for a number', `${HEAD}tiles:\n  size_m: wide\n`, 6, /:6: tiles\.size_m: expected a whole number above 0, not "wide"/],
  ['a negative radius', `${HEAD}crowns:\n  method: silva\n  max_radius_m: -1\n`, 7, /:7: crowns\.max_radius_m/],
  ['a method that there is not', `${HEAD}ground: { method: csf }\n`, 5, /:5: ground\.method: expected one of auto, classified, smrf, pmf, not "csf"$/],
  ['a method misspelt', `${HEAD}ground: { method: smfr }\n`, 5, /not "smfr"; did you mean smrf\?/],
  ['a method without its key', `${HEAD}ground: smrf\n`, 5, /:5: ground: .* not "smrf"; write \{ method: smrf \}/],
  ['a key of another method', `${HEAD}chm:\n  method: pit-free\n  sub_circle_m: 1\n`, 7, /:7: chm\.sub_circle_m: unknown key of method pit-free; it belongs to method p2r/],
  ['a key of another method than the default', `${HEAD}noise: { size_m: 2 }\n`, 5, /:5: noise\.size_m: unknown key of method none; it belongs to method voxels/],
  ['neither of a union', `${HEAD}run: { workers: many }\n`, 5, /:5: run\.workers: expected a whole number above 0, at most 256 or auto, not "many"/],
  ['a key in a record', `${HEAD}  images:\n    ortho:\n      file: [o.tif]\n      bands: [red]\n`, 7, /:7: inputs\.images\.ortho\.file: unknown key; did you mean files\?/],
  ['a name of a record', `${HEAD}  images:\n    Ortho 1: { files: [o.tif], bands: [red] }\n`, 6, /:6: inputs\.images\.Ortho 1: a name is a lower-case letter.*: rename it/],
  ['a word in a list', `${HEAD}run:\n  providers:\n    - cpu\n    - cudda\n`, 8, /:8: run\.providers\.1: expected one of cuda, webgpu, cpu, not "cudda"; did you mean cuda\?/],
  ['a number in a list', `${HEAD}chm: { thresholds_m: [0, two] }\n`, 5, /chm\.thresholds_m\.1: expected a number of at least 0, not "two"/],
  ['a text for a list', 'survey: s\noutput: out\ninputs:\n  lidar:\n    files: lidar/*.las\n', 5, /:5: inputs\.lidar\.files: expected a list of at least 1 of texts, not "lidar\/\*\.las"; write \[lidar\/\*\.las\]/],
  ['a text for a block in a list', `${HEAD}exports:\n  - trees\n`, 6, /:6: exports\.0: expected keys \(layer, file\), not "trees"/],
  ['a layer misspelt', `${HEAD}exports:\n  - { layer: tree, file: t.csv }\n`, 6, /:6: exports\.0\.layer: .* not "tree"; did you mean trees\?/],
  ['yes for true', `${HEAD}chm: { pit_fill: yes }\n`, 5, /:5: chm\.pit_fill: expected true or false, not "yes"; write true/],
  ['a year for a name', 'survey: 2026\noutput: out\n', 1, /:1: survey: expected a text, not 2026; put it between quotes: "2026"/],
  ['a bare EPSG code', `${HEAD}crs: 32611\n`, 5, /:5: crs: expected a code as EPSG:32611, not 32611; write EPSG:32611/],
  ['a code in small letters', `${HEAD}crs: epsg:32611\n`, 5, /:5: crs: write it as EPSG:32611, not "epsg:32611"/],
  ['a key without a value', `${HEAD}tiles:\n`, 5, /:5: tiles: has no value; expected keys \(size_m\), indented below it; or remove the line/],
  ['a key that must be there', `${HEAD}  stands: { file: s.geojson }\n`, 5, /:5: inputs\.stands\.id: is missing: expected a text \(the attribute that identifies a stand\)/],
  ['no inputs', 'survey: s\noutput: out\n', 1, /inputs: is missing/],
  ['an empty file', '', 1, /:1: the file is empty; a job has at least survey, output and inputs/],
  ['a list', '- a\n', 1, /:1: this is no job file: expected keys \(survey, output/],
  ['an archive', 'PK\u0003\u0004\0\0', 1, /:1: this is no text but a zip archive; a job file is YAML/],
  ['broken YAML', 'survey: s\noutput: ]\n', 2, /job\.yaml:\d+: not valid YAML/],
  ['a tab', 'survey: s\noutput: out\ninputs:\n\tlidar: { files: [a.las] }\n', 4, /:4: not valid YAML: a tab indents this line; use blanks/],
  ['two keys on a line', 'survey: s\noutput: out\ninputs: lidar: { files: [a] }\n', 3, /:3: not valid YAML: a key and its value stand behind another key on one line/],
  ['two documents', `${HEAD}---\nsurvey: t\n`, 5, /:5: not valid YAML: a second document begins here/],
  ['a tag', `${HEAD}tiles: !!python/object {}\n`, 5, /:5: not valid YAML: .*tags/],
  ['a pattern that YAML takes for an alias', 'survey: s\noutput: out\ninputs:\n  lidar:\n    files: [*.laz]\n', 5, /:5: \*\.laz: a text that begins with \* is an alias in YAML; put it between quotes: "\*\.laz"/],
  ['a nest of aliases', 'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n', 1, /anchors and aliases cannot be followed/],
  ['a key given twice', `${HEAD}survey: t\n`, 5, /:5: not valid YAML: map keys must be unique/],
  ['a tile that is no multiple of the cell', `${HEAD}tiles:\n  size_m: 510\n`, 6, /:6: tiles\.size_m: 510 m is no multiple of cells\.size_m \(20 m\)/],
  ['a tile that is no multiple of a CHM pixel', `${HEAD}tiles: { size_m: 500 }\nchm: { resolution_m: 0.3 }\n`, 5, /no multiple of chm\.resolution_m \(0\.3 m\)/],
  ['a tile that is no multiple of a DTM pixel', `${HEAD}tiles: { size_m: 500 }\ndtm: { resolution_m: 1.5 }\n`, 5, /no multiple of dtm\.resolution_m \(1\.5 m\)/],
  ['two models of one name', `${HEAD}  images: { o: { files: [o.tif], bands: [red] } }\nmodels:\n  - { name: a, use: x, on: o }\n  - { name: a, use: y, on: o }\n`, 8, /:8: models\.1\.name: two models are named a/],
  ['a model on an image that there is not', `${HEAD}models:\n  - { use: x, on: ortho }\n`, 6, /:6: models\.0\.on: (no image|nothing) is named ortho/],
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

test('a fault within an alias is at the line of its anchor\'s key or of the alias', async () => {
  const error = await faultOf('survey: s\noutput: out\ninputs:\n  lidar: &clouds\n    files: [a.las]\n    cors: EPSG:32611\n');
  expect(error.message).toMatch(/:6: inputs\.lidar\.cors: unknown key; did you mean crs\?/);
});

test('anchors, aliases and merge keys save typing', async () => {
  const { job } = await load(`survey: s\noutput: out\ninputs:\n  lidar: { files: [a.las] }\n  images:\n    summer: &tiles { files: [s.tif], bands: [red, nir] }\n    winter: { <<: *tiles, files: [w.tif] }\n`);
  expect(job.inputs.images).toMatchObject({ summer: { files: ['s.tif'], bands: ['red', 'nir'] }, winter: { files: ['w.tif'], bands: ['red', 'nir'] } });
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
  await expect(loadJob(join(dir, 'nosuch.yaml'))).rejects.toThrow(/no job file there; `understory init DIR` .* `understory sample DIR`/);
});
