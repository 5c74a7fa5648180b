import { execFile, spawn, spawnSync } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeLock } from '../../src/files/lock.ts';
import { lockFile } from '../../src/pipeline/run.ts';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { openDuck } from '../../src/store/duck.ts';
import { runVariant, writeVariant } from './survey.ts';

const cli = fileURLToPath(new URL('../../bin/understory.js', import.meta.url));
let scratch: string, job: string, whole: RunRecord;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-night-'));
  job = await writeVariant(join(scratch, 'survey'), { workers: 2 });
  whole = (await runVariant(job)).record;
});
afterAll(() => rm(scratch, { recursive: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Run the command line to its end. */
const understory = (...args: string[]): Promise<Ended> =>
  promisify(execFile)(process.execPath, [cli, ...args], { encoding: 'utf8', timeout: 90_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, stdout: error.stdout, stderr: error.stderr }),
  );

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

async function treesIn(database: string): Promise<number> {
  const duck = await openDuck(database, { readOnly: true });
  try {
    return Number((await duck.connection.runAndReadAll('SELECT count(*) FROM tree')).getRowsJS()[0]![0]);
  } finally {
    duck.close();
  }
}

test('a run with nothing changed says so and ends well before five seconds of work', async () => {
  const { code, stdout, stderr } = await understory('run', job, '--json');
  expect(code).toBe(0);
  expect(stderr).toMatch(/nothing to do, \d+ parts are up to date/);
  expect(JSON.parse(stdout)).toMatchObject({ exit_code: 0, tasks_run: 0, failures: 0 });
});

test('the machinery may be deleted and comes back; yesterday\'s inventory stays beside, and readers see a whole one all the time', async () => {
  const out = join(dirname(job), 'out'), database = join(out, 'survey.duckdb');
  for (const name of ['parts', 'plan.json', 'quarantine', 'log']) await rm(join(out, name), { recursive: true, force: true });
  let running = true;
  const ended = understory('run', job).finally(() => { running = false; });
  const seen: number[] = [];
  while (running) {
    seen.push(await treesIn(database));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect((await ended).code).toBe(0);
  expect(seen.length).toBeGreaterThan(5);
  expect(new Set(seen)).toEqual(new Set([whole.canonical['tree']!.rows]));
  expect(await treesIn(join(out, 'survey.previous.duckdb'))).toBe(whole.canonical['tree']!.rows);
  expect((JSON.parse(await readFile(join(out, 'run.json'), 'utf8')) as RunRecord).canonical).toEqual(whole.canonical);
  for (const name of ['parts', 'plan.json', 'log']) expect(await exists(join(out, name)), name).toBe(true);
});

test('exports follow the inventory: a deleted one comes back, one with another wish is written anew', async () => {
  const exports = join(dirname(job), 'out', 'exports');
  await rm(join(exports, 'stands.geojson'));
  const text = await readFile(job, 'utf8');
  await writeFile(job, text.replace('{ layer: crowns, file: crowns.geojson }', '{ layer: gaps, file: crowns.geojson }'));
  expect((await understory('run', job)).code).toBe(0);
  expect(await exists(join(exports, 'stands.geojson'))).toBe(true);
  expect(await readFile(join(exports, 'crowns.geojson'), 'utf8')).toMatch(/gap_id/);
  await writeFile(job, text);
});

test('a survey at which another run is at work is left alone, exit 5', async () => {
  const unlock = await takeLock(lockFile(join(dirname(job), 'out')));
  try {
    for (const command of ['run', 'plan']) {
      const { code, stdout } = await understory(command, job, '--json');
      expect(code).toBe(5);
      expect(JSON.parse(stdout)).toMatchObject({ exit_code: 5, error: expect.stringMatching(new RegExp(`process ${process.pid} .* is at work on this survey`)) });
    }
  } finally {
    await unlock();
  }
});

test('the lock of a run that is gone is taken over', async () => {
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const held = lockFile(join(dirname(job), 'out'));
  const unlock = await takeLock(held), mine = JSON.parse(await readFile(held, 'utf8')) as object;
  await unlock();
  await writeFile(held, JSON.stringify({ ...mine, pid: gone }));
  expect((await understory('run', job)).code).toBe(0);
  expect(await exists(held)).toBe(false);
});

test('one Ctrl-C finishes what is in flight and ends with 130; the next run goes on from there', async () => {
  const again = await writeVariant(join(scratch, 'stopped'), { tileM: 60, workers: 1 });
  const child = spawn(process.execPath, [cli, 'run', again, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.on('data', (text: Buffer) => { stdout += text.toString(); });
  child.stderr.on('data', (text: Buffer) => {
    if (text.includes('tasks due')) setTimeout(() => child.kill('SIGINT'), 1500);
  });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  expect(code).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ exit_code: 130 });
  expect(await exists(join(dirname(again), 'out', 'survey.duckdb'))).toBe(false);
  const { result, record } = await runVariant(again);
  expect(result.tasksRun).toBeLessThan(result.plan.tasks.length);
  expect(record.canonical).toEqual(whole.canonical);
});

/** A file system of a few MB, if we may make one. @returns null where we may not */
async function smallDisk(sizeMb: number): Promise<{ dir: string; grow: (sizeMb: number) => void; free: () => void } | null> {
  const dir = join(scratch, 'disk');
  await mkdir(dir);
  const mount = (...args: string[]) => spawnSync('mount', args).status === 0;
  if (process.platform !== 'linux' || !mount('-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', dir)) return null;
  return { dir, grow: (mb) => { mount('-o', `remount,size=${mb}m`, dir); }, free: () => { spawnSync('umount', ['-l', dir]); } };
}

test('a full disk ends the run with 74 and loses nothing: with room it goes on to the same inventory', async (context) => {
  const disk = await smallDisk(2);
  if (!disk) return context.skip('no file system can be mounted here');
  try {
    const full = await writeVariant(join(scratch, 'full'), { workers: 2, edit: (text) => text.replace('output: out', `output: ${disk.dir}/out\nroots: [${disk.dir}]`) });
    const { code, stdout } = await understory('run', full, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ exit_code: 74, error: expect.stringMatching(/no space left/i) });
    expect(code).toBe(74);
    disk.grow(200);
    const { record, result } = await runVariant(full);
    expect(result.exitCode).toBe(0);
    expect(record.canonical).toEqual(whole.canonical);
  } finally {
    disk.free();
  }
});
