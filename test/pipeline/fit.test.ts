import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fit } from '../../src/cli/commands/fit.ts';
import { EXIT } from '../../src/errors.ts';
import { valueOf } from '../../src/measure/allometry/equation.ts';
import { openFingerprints } from '../../src/pipeline/fingerprints.ts';
import { allometryOfPlan, readEquationFiles } from '../../src/pipeline/fits.ts';
import { loadJob } from '../../src/pipeline/job-file.ts';

let dir: string;
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'understory-fit-')); });
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(dir, { recursive: true, force: true });
});

const at = { group: 'gymnosperm' as const, attributes: null };

async function write(name: string, text: string): Promise<string> {
  await mkdir(join(dir, name, '..'), { recursive: true });
  await writeFile(join(dir, name), text);
  return join(dir, name);
}

const job = (allometry = '{}', trees = 'plots: { file: plots.csv, trees: trees.csv }') =>
  write('job.yaml', `survey: s\noutput: out\ncrs: EPSG:32611\ninputs:\n  lidar: { files: [a.laz] }\n  ${trees}\nallometry: ${allometry}\n`);

/** Trees along D = 70 (1 - exp(-0.04 H))^1.4, every other one 20 % thicker or thinner; a dead one and one without height. */
async function plotTrees(perPlot = 10): Promise<void> {
  const rows = Array.from({ length: 6 * perPlot }, (_, i) => {
    const heightM = 4 + i * (36 / (6 * perPlot)), plot = i % 6;
    return `p${plot},${i},${(70 * (1 - Math.exp(-0.04 * heightM)) ** 1.4 * (Math.floor(i / 6) % 2 ? 1.2 : 0.8)).toFixed(4)},${heightM.toFixed(4)},alive`;
  });
  await write('trees.csv', ['plot_id,tree_no,dbh_cm,height_m,status', ...rows, 'p0,dead,90,5,dead', 'p0,short,30,,alive'].join('\n'));
  await write('plots.csv', 'plot_id,x,y,radius_m\n');
}

/** The equations that a job's trees get. */
async function equationsOf(path: string) {
  const loaded = await loadJob(path), equations = await readEquationFiles(loaded, await openFingerprints(loaded.output, loaded.dir));
  return { equations, allometry: allometryOfPlan({ job: loaded.job, survey: { name: 's', equations } }) };
}

test('fit writes a curve of the plots, says what it made, and the job that names it gets its diameters', async () => {
  await plotTrees();
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(await fit(await job(), 'height-diameter', { output: join(dir, 'fits/hd.json') })).toBe(EXIT.ok);
  const text = said.mock.calls.flat().join('\n');
  expect(text).toMatch(/60 of 62 trees in 6 plots \(1 dead, 1 without height or diameter left out\)/);
  expect(text).toContain('allometry: { dbh: fits/hd.json }');
  const file = JSON.parse(await readFile(join(dir, 'fits/hd.json'), 'utf8'));
  expect(file.fit.input).toMatchObject({ file: 'trees.csv', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(file.equations[0]).toMatchObject({ range: { height: [4, 39.4] } });
  expect(Math.abs(file.equations[0].sigma - 0.21)).toBeLessThan(0.01); // ln 1.2 and ln 0.8 lie 0.203 from their mean, x sqrt(60 / 52) for what the fit takes

  const { allometry, equations } = await equationsOf(await job('{ dbh: fits/hd.json, agb: chojnacky-2014/picea-dense }'));
  const dbh = allometry.dbh(at)!;
  expect(dbh.id).toBe('fits/hd.json');
  expect(valueOf(dbh, { heightM: 20 })! / (70 * (1 - Math.exp(-0.8)) ** 1.4)).toBeCloseTo(1, 1);
  expect([dbh.sigma! > 0.19, dbh.tau! < 0.2, dbh.range.heightM]).toEqual([true, true, [4, 39.4]]);
  expect(allometry.agb(at)!.id).toBe('chojnacky-2014/picea-dense+fits/hd.json');
  expect(equations).toMatchObject([{ name: 'fits/hd.json', fingerprint: expect.any(String) }]);
});

test('the same trees give the same file, byte for byte', async () => {
  await plotTrees();
  vi.spyOn(console, 'error').mockImplementation(() => {});
  for (const name of ['a.json', 'b.json']) await fit(await job(), 'height-diameter', { output: join(dir, name) });
  expect(await readFile(join(dir, 'a.json'), 'utf8')).toBe(await readFile(join(dir, 'b.json'), 'utf8'));
});

test('what cannot be fitted says what is missing and where', async () => {
  await plotTrees(1);
  await expect(fit(await job(), 'height-diameter', { output: 'a.json' })).rejects.toThrow(/trees.csv: height-diameter: 6 trees .* at least 10/);
  await expect(fit(await job(), 'width', { output: 'a.json' })).rejects.toThrow(/use height-diameter/);
  await expect(fit(await job(), 'height-diameter', { output: 'a.csv' })).rejects.toThrow(/a fit is JSON/);
  await expect(fit(await job('{}', 'plots: { file: plots.csv }'), 'height-diameter', { output: 'a.json' })).rejects.toThrow(/job.yaml:4: inputs.plots.trees/);
});

test('a table of the user\'s own as CSV, by the stand\'s species', async () => {
  await write('tables/my.csv', 'gives;group;form;factor;height;sigma;tau;source\ndbh;spruce;power;1.2;1;0.2;0.1;district 7\ndbh;pine;power;1.5;1;;;district 7\n');
  const { allometry } = await equationsOf(await job('{ dbh: { from: stands.species, map: { S: tables/my.csv/spruce }, default: tables/my.csv/pine } }', 'stands: { file: s.geojson, id: id }'));
  const dbh = (species: string) => valueOf(allometry.dbh({ ...at, attributes: { species } })!, { heightM: 10 });
  expect([dbh('S'), dbh('P')]).toEqual([12, 15]);
});

test.each([
  ['{ dbh: jucker-2017/nearctic-forest }', /job.yaml:7: allometry.dbh: no equation.*nearctic-conifer/],
  ['{ agb: chave-2014 }', /job.yaml:7: allometry.agb: chave-2014 needs wood density/],
  ['{ dbh: fits/none.json }', /job.yaml:7: allometry.dbh: fits\/none.json matches no file/],
  ['{ dbh: broken.json }', /broken.json: no valid JSON/],
  ['{ dbh: wrong.json }', /wrong.json: equations.0.coefficients: .*heigth/],
  ['{ agb: { gymnospermm: jucker-2017 } }', /job.yaml:7: allometry.agb.*gymnospermm/],
  ['{ wood_density: { default: 600 } }', /job.yaml:7: allometry.wood_density.default.* 2.*600/],
])('allometry: %s is an error that says where and what', async (allometry, message) => {
  await write('broken.json', '{');
  await write('wrong.json', JSON.stringify({ equations: [{ gives: 'dbh', form: 'power', coefficients: { factor: 1, heigth: 1 } }] }));
  await expect(job(allometry).then(equationsOf)).rejects.toThrow(message);
});
