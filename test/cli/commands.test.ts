import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import proj4 from 'proj4';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeProgram } from '../../src/cli/program.ts';
import { sampleJob } from '../../src/cli/sample-job.ts';

const cli = fileURLToPath(new URL('../../bin/understory.js', import.meta.url));
let scratch: string, job: string, out: string;

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const understory = (...args: string[]): Promise<Ended> =>
  promisify(execFile)(process.execPath, [cli, ...args], { encoding: 'utf8', cwd: scratch, maxBuffer: 2 ** 26 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
  );

async function json(...args: string[]): Promise<{ code: number; said: Record<string, unknown> & { length?: number } }> {
  const { code, stdout } = await understory(...args, '--json');
  return { code, said: JSON.parse(stdout) as Record<string, unknown> };
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-cli-'));
  const { code, stdout } = await understory('sample', 'survey');
  expect(code).toBe(0);
  expect(stdout).toContain('understory run survey/job.yaml');
  job = join(scratch, 'survey', 'job.yaml');
  out = join(scratch, 'survey', 'out');
  expect(await readFile(job, 'utf8')).toContain('use: tree-count-urban, on: ortho'); // the package's check runs it; here a network of one layer does
  await writeFile(job, sampleJob('tiny', ['ortho.tif']));
  const ran = await understory('run', 'survey/job.yaml');
  expect(ran.code).toBe(0);
  expect(ran.stdout.trim().split('\n')).toEqual([join(out, 'survey.duckdb'), join(out, 'rasters'), ...['trees', 'crowns', 'stands'].map((layer) => join(out, 'exports', `${layer}.geojson`))]);
});
afterAll(() => rm(scratch, { recursive: true }));

describe('a wrong command line ends with 2 and says what is right', () => {
  test.each([
    ['no command', [], /Usage: understory/],
    ['a command that there is not', ['rum'], /unknown command 'rum'[\s\S]*Did you mean run\?/],
    ['no job', ['run'], /missing required argument 'job'/],
    ['an option that there is not', ['run', 'job.yaml', '--verfy'], /unknown option '--verfy'[\s\S]*--verify/],
    ['a job that is not there', ['run', 'nosuch.yaml'], /nosuch\.yaml: no job file there/],
    ['a folder for a job', ['check', 'survey'], /a folder; name the job file in it/],
    ['a target that is not there', ['query', 'nosuch', '@stands'], /nosuch: nothing there; name a job file, a run's folder or a \.duckdb file/],
    ['a folder without an inventory', ['query', 'survey', '@stands'], /no inventory at/],
    ['a format that there is not', ['query', 'survey/out', '@stands', '--format', 'xml'], /Allowed choices are table, csv/],
    ['a time that is none', ['query', 'survey/out', '@stands', '--timeout', 'soon'], /--timeout soon: give a positive number/],
    ['parquet on a terminal', ['query', 'survey/out', '@stands', '--format', 'parquet'], /name a file with -o/],
    ['a query that there is not', ['query', 'survey/out', '@stend'], /no query @stend; there are @stands/],
    ['a layer that there is not', ['export', 'survey/out', 'shrubs', '-o', 'x.csv'], /no layer shrubs; use trees, crowns/],
    ['an ending that names no format', ['export', 'survey/out', 'trees', '-o', 'x.shp'], /x\.shp: the ending names the format.*\.geojson or \.csv/],
    ['an export without a file', ['export', 'survey/out', 'trees'], /required option '-o, --output <file>'/],
    ['a condition that is none', ['export', 'survey/out', 'trees', '-o', 'x.csv', '--where', 'heigth_m > 3'], /heigth_m/],
    ['work without a plan', ['work'], /required option '--plan <file>'/],
    ['work on a plan that is not there', ['work', '--plan', 'nosuch.json', '--task', 'x'], /no plan there/],
    ['a task that is not planned', ['work', '--plan', 'survey/out/plan.json', '--task', 'x'], /--task x: no such task/],
    ['a chunk that is none', ['work', '--plan', 'survey/out/plan.json', '--step', 'merge', '--chunk', '3/2'], /write I\/N/],
    ['GeoJSON in another CRS', ['export', 'survey/out', 'trees', '-o', 'x.geojson', '--crs', 'EPSG:2226'], /GeoJSON is always in WGS 84 \(RFC 7946\).*write \.csv/],
    ['a CRS that is none', ['export', 'survey/out', 'trees', '-o', 'x.csv', '--crs', 'utm'], /--crs utm: write it as EPSG:2226/],
    ['a CRS of heights', ['export', 'survey/out', 'trees', '-o', 'x.csv', '--crs', 'EPSG:5703'], /--crs: EPSG:5703 is no projected or two-dimensional/],
    ['a table that there is not', ['schema', 'tre'], /no table tre; did you mean tree\?/],
    ['a shell that there is not', ['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
    ['two ways of cleaning at once', ['clean', 'survey/job.yaml', '--parts', '--all-parts'], /contradict each other/],
    ['init where there is a job file', ['init', 'survey'], /survey\/job\.yaml: is there already and stays as it is/],
    ['init of no folder', ['init', 'nosuch'], /nosuch: no folder there/],
    ['a sample that there is not', ['sample', 'x', '--recipe', 'jungle'], /jungle/],
  ])('%s', async (_, args, message) => {
    const plain = await understory(...args);
    expect(plain.stderr).toMatch(message);
    expect(plain.stderr).not.toMatch(/fault of understory itself|\n\s+at /);
    expect(plain.code).toBe(2);
  });

  test.each([[[]], [['run', 'job.yaml', '--verfy']], [['run', 'nosuch.yaml']], [['export', 'survey/out', 'shrubs', '-o', 'x.csv']]])('with --json as JSON on stdout: %j', async (args) => {
    const { code, stdout, stderr } = await understory(...args, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: expect.any(String), exit_code: 2 });
    expect(stderr).toBe('');
  });
});

test('each command explains itself, and --version is that of the package', async () => {
  for (const name of makeProgram().commands.map((command) => command.name())) {
    const { code, stdout } = await understory(name, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Usage: understory ${name} `));
  }
  expect((await understory('query', '--help')).stdout).toMatch(/@stands +main figures of each stand/);
  const { version } = JSON.parse(await readFile(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')) as { version: string };
  expect((await understory('--version')).stdout.trim()).toBe(version);
});

test('with --json stdout is one JSON value, before or after the command', async () => {
  expect((await json('check', job)).said).toMatchObject({ job: { survey: 'tiny' }, found: { lidar_files: 2, left_out: [], warnings: [], tiles: 4 }, estimate: { seconds: [expect.any(Number), expect.any(Number)] } });
  expect((await json('plan', job)).said).toMatchObject({ kinds: { canopy: { due: 0 }, merge: { planned: 1, due: 0 } }, why: [] });
  expect((await json('status', job)).said).toMatchObject({ survey: 'tiny', planned: true, due: 0, failures: [] });
  expect((await json('run', job)).said).toMatchObject({ exit_code: 0, tasks_run: 0, database: join(out, 'survey.duckdb') });
  expect((await json('query', job, 'SELECT count(*) AS n FROM stand')).said).toEqual([{ n: 4 }]);
  expect((await json('query', job, '@stands', '-o', 'stands.csv')).said).toEqual({ output: 'stands.csv', rows: 4 });
  expect((await json('export', job, 'stands', '-o', 'stands.geojson')).said).toEqual({ layer: 'stands', output: 'stands.geojson', rows: 4 });
  expect(JSON.parse((await understory('--json', 'status', job)).stdout)).toMatchObject({ survey: 'tiny' });
  const plan = join(out, 'plan.json'), { tasks } = JSON.parse(await readFile(plan, 'utf8')) as { tasks: { key: string; kind: string }[] };
  expect((await json('work', '--plan', plan, '--task', tasks.find(({ kind }) => kind === 'measure')!.key)).said).toMatchObject({ tasks: 1, failures: [] });
  expect((await json('merge', '--plan', plan)).said).toMatchObject({ database: join(out, 'survey.duckdb') });
});

test('check prints a job that is a whole job file', async () => {
  const { stdout } = await understory('check', job), whole = join(scratch, 'survey', 'whole.yaml');
  await writeFile(whole, stdout.split('# the whole job with its defaults\n')[1]!);
  expect((await json('plan', whole)).said).toMatchObject({ kinds: { canopy: { due: 0 }, measure: { due: 0 } } });
});

test('a target is a job file, a run\'s folder or its database', async () => {
  const answers = await Promise.all([job, out, join(out, 'survey.duckdb')].map((target) => json('query', target, 'SELECT count(*) AS n FROM tree')));
  expect(new Set(answers.map(({ said }) => JSON.stringify(said))).size).toBe(1);
});

test.each([
  'DELETE FROM tree', "COPY tree TO 'trees.csv'", 'SELECT 1; DROP TABLE tree', "SELECT * FROM 'survey/stands.geojson'", 'SELECT nosuch FROM tree',
])('query reads the inventory and nothing else: %s', async (sql) => {
  const { code, said } = await json('query', out, sql);
  expect(code).toBe(2);
  expect(said).toMatchObject({ exit_code: 2 });
});

test('a query beyond its time ends with 1', async () => {
  const { code, said } = await json('query', out, 'SELECT count(*) FROM range(100000000000) a, range(1000) b', '--timeout', '1');
  expect(code).toBe(1);
  expect(said).toMatchObject({ error: expect.stringMatching(/stopped after 1 s/) });
});

test('the ending of -o names the format of a query', async () => {
  await understory('query', out, 'SELECT stand_id FROM stand ORDER BY 1', '-o', 'ids.csv');
  expect((await readFile(join(scratch, 'ids.csv'), 'utf8')).trim().split(/\r?\n/)).toEqual(['stand_id', '101', '102', '103', '104']);
  await understory('query', out, 'SELECT stand_id FROM stand', '-o', 'ids.parquet');
  expect((await readFile(join(scratch, 'ids.parquet'))).subarray(0, 4).toString()).toBe('PAR1');
});

test('in another CRS a table has its coordinates beside those of the survey, in feet where the CRS is', async () => {
  await understory('export', job, 'trees', '-o', 'plain.csv');
  await understory('export', job, 'trees', '-o', 'feet.csv', '--crs', 'EPSG:2226');
  const [plain, feet] = await Promise.all(['plain.csv', 'feet.csv'].map(async (name) => (await readFile(join(scratch, name), 'utf8')).trim().split('\r\n')));
  const names = feet![0]!.split(','), column = (row: string, name: string) => Number(row.split(',')[names.indexOf(name)]);
  expect(feet![0]).toBe(`${plain![0]},x_epsg_2226,y_epsg_2226`);
  const back = proj4('+proj=lcc +lat_0=37.6666666666667 +lon_0=-122 +lat_1=39.8333333333333 +lat_2=38.3333333333333 +x_0=2000000.0001016 +y_0=500000.0001016 +ellps=GRS80 +units=us-ft', '+proj=utm +zone=11 +ellps=WGS84');
  for (const row of feet!.slice(1, 20)) {
    const [x, y] = back.forward([column(row, 'x_epsg_2226'), column(row, 'y_epsg_2226')]);
    expect(Math.hypot(x! - column(row, 'x_m'), y! - column(row, 'y_m'))).toBeLessThan(0.001);
  }
});

test('a canonical export is the same file whatever the tiling and the run', async () => {
  const text = await readFile(job, 'utf8'), other = join(scratch, 'survey', 'other.yaml');
  await writeFile(other, text.replace('output: out', 'output: other').replace('size_m: 100', 'size_m: 500'));
  expect((await understory('run', other)).code).toBe(0);
  for (const layer of ['trees', 'cells']) {
    await understory('export', job, layer, '-o', 'one.csv', '--canonical');
    await understory('export', other, layer, '-o', 'two.csv', '--canonical');
    const [one, two] = [await readFile(join(scratch, 'one.csv'), 'utf8'), await readFile(join(scratch, 'two.csv'), 'utf8')];
    expect(one.split('\n').length).toBeGreaterThan(4);
    expect(one).toBe(two);
  }
});

test('of several jobs each is run, and the worst exit code is the end', async () => {
  const { code, said } = await json('run', 'nosuch.yaml', job);
  expect(code).toBe(2);
  expect(said).toMatchObject([{ job: 'nosuch.yaml', exit_code: 2 }, { job, exit_code: 0 }]);
});

test('a job of files that cannot be used stops before anything is written', async () => {
  const bad = join(scratch, 'survey', 'feet.yaml');
  await writeFile(bad, (await readFile(job, 'utf8')).replace('output: out', 'output: feet\ncrs: EPSG:2226'));
  const { code, said } = await json('run', bad);
  expect(code).toBe(2);
  expect(said['error']).toMatch(/EPSG:2226/);
  await expect(access(join(scratch, 'survey', 'feet', 'survey.duckdb'))).rejects.toThrow();
});
