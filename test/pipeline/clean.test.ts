import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { clean } from '../../src/cli/commands/clean.ts';
import { LockedError } from '../../src/errors.ts';
import { takeLock } from '../../src/files/lock.ts';
import { findLitter } from '../../src/pipeline/clean.ts';
import { writeFailure } from '../../src/pipeline/ledger.ts';
import type { Plan, Task } from '../../src/pipeline/plan.ts';
import { lockFile, planFile } from '../../src/pipeline/run.ts';
import { partDir } from '../../src/store/parts.ts';
import { box, lidarFile, planOf, surveyOf } from './plans.ts';

let scratch: string, out: string, job: string, plan: Plan;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-clean-')); });
afterAll(() => rm(scratch, { recursive: true }));

const put = async (path: string, text = '0123456789'): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
};
const part = (kind: Task['kind'], key: string): Promise<void> => put(join(partDir(out, kind, key), 'part.json'));
const tasksOf = (kind: Task['kind']): Task[] => plan.tasks.filter((task) => task.kind === kind);
const NOW = new Date('2026-06-30T12:00:00Z'), OLD_KEY = 'ab'.repeat(20);
const found = async (options = {}): Promise<string[]> => (await findLitter(out, { now: NOW, ...options })).map(({ path }) => relative(out, path)).sort();

/** A survey whose canopy and measure parts are all there, and nothing else. */
beforeEach(async () => {
  await rm(join(scratch, 'survey'), { recursive: true, force: true });
  out = join(scratch, 'survey', 'out');
  job = join(scratch, 'survey', 'job.yaml');
  plan = planOf(surveyOf([lidarFile('a.las', box(0, 0, 400, 400)), lidarFile('b.las', box(600, 0, 900, 400))]), { output: out, jobFile: job });
  await put(job, 'survey: s\noutput: out\ninputs: { lidar: { files: [a.las] } }\n');
  await put(planFile(out), JSON.stringify(plan));
  for (const task of [...tasksOf('canopy'), ...tasksOf('measure')]) await part(task.kind, task.key);
});

test('what the plan needs stays: parts, their failures, the records beside them', async () => {
  await put(join(out, 'parts', 'fingerprints.json'));
  await put(join(out, 'parts', 'exports.json'));
  await writeFailure(out, { key: tasksOf('measure')[0]!.key, kind: 'measure', unit: 'u', reason: 'r', fault: 'task', attempts: 1 });
  expect(await found()).toEqual([]);
});

test('a part of another key goes, a bucket as soon as no due tile needs it', async () => {
  const [bucket, other] = tasksOf('bucket').map(({ key }) => key), [first] = tasksOf('canopy').filter(({ needs }) => needs.includes(bucket!) && !needs.includes(other!));
  await part('canopy', OLD_KEY);
  await part('bucket', bucket!);
  await part('bucket', other!);
  expect(await found()).toEqual([bucket!, other!].map((key) => relative(out, partDir(out, 'bucket', key))).concat(relative(out, partDir(out, 'canopy', OLD_KEY))).sort());
  await rm(partDir(out, 'canopy', first!.key), { recursive: true }); // this tile is due again
  expect(await found()).not.toContain(relative(out, partDir(out, 'bucket', bucket!)));
});

test('a stand layer stays while the plan names it', async () => {
  const named = 'cd'.repeat(20), dir = (key: string) => join('parts', 'layer', key.slice(0, 2), key);
  await put(planFile(out), JSON.stringify({ ...plan, survey: { ...plan.survey, stands: { records: join(out, dir(named), 'stands.ndjson'), entries: [] } } }));
  for (const key of [named, OLD_KEY]) await put(join(out, dir(key), 'stands.ndjson'));
  expect(await found()).toEqual([dir(OLD_KEY)]);
});

test('leftovers of killed processes go wherever they lie; files that a user calls .tmp stay', async () => {
  const left = [join('parts', 'canopy', 'ab', `${OLD_KEY}.4711.0a1b2c3d.tmp`, 'chm.tif'), 'survey.duckdb.4711.0a1b2c3d.tmp', 'survey.duckdb.4711.0a1b2c3d.tmp.wal', 'survey.previous.duckdb.tmp', join('rasters', 'chm.tif.staged.tmp'), join('exports', 'trees.csv.1.0a1b2c3d.tmp')];
  for (const path of [...left, 'notes.tmp', join('exports', 'mine.tmp'), join('my', 'a.1.0a1b2c3d.tmp')]) await put(join(out, path));
  expect(await found()).toEqual([dirname(left[0]!), ...left.slice(1)].sort());
});

test('logs of more than 30 days and failures of tasks that are planned no more go, unless only parts are asked for', async () => {
  await put(join(out, 'log', '2026-05-30.ndjson'));
  await put(join(out, 'log', '2026-06-01.ndjson'));
  await put(join(out, 'log', 'mine.txt'));
  await writeFailure(out, { key: OLD_KEY, kind: 'canopy', unit: 'u', reason: 'r', fault: 'file', attempts: 1 });
  await part('measure', OLD_KEY);
  expect(await found()).toEqual([join('log', '2026-05-30.ndjson'), relative(out, partDir(out, 'measure', OLD_KEY)), join('quarantine', `${OLD_KEY}.json`)].sort());
  expect(await found({ partsOnly: true })).toEqual([relative(out, partDir(out, 'measure', OLD_KEY))]);
});

test('without a plan no part is known to be useless; all the machinery goes only when it is asked for', async () => {
  await rm(planFile(out));
  await part('canopy', OLD_KEY);
  expect(await found()).toEqual([]);
  expect(await found({ allParts: true })).toEqual(['parts']);
});

const said = async (run: () => Promise<number>): Promise<string> => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await run();
  const text = log.mock.calls.join('\n');
  log.mockRestore();
  return text;
};

test('clean says how much it frees, --dry-run frees nothing, and the inventory, rasters and exports stay to the last', async () => {
  const results = ['survey.duckdb', 'survey.previous.duckdb', 'run.json', join('rasters', 'chm.tif'), join('exports', 'trees.csv')];
  for (const path of results) await put(join(out, path), '{"canonical_rasters":{}}');
  await part('canopy', OLD_KEY);
  expect(await said(() => clean(job, { dryRun: true }))).toMatch(/would remove 10 B\n {2}1 {2}parts {2}10 B/);
  expect(await readdir(join(out, 'parts', 'canopy', 'ab'))).toContain(OLD_KEY);
  expect(JSON.parse(await said(() => clean(job, { json: true })))).toMatchObject({ bytes: 10, dry_run: false, removed: [{ kind: 'part', bytes: 10 }] });
  expect(await said(() => clean(job, {}))).toMatch(/nothing to remove/);
  await said(() => clean(job, { allParts: true }));
  expect((await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => relative(out, join(entry.parentPath, entry.name))).sort()).toEqual(results.sort());
});

test('a survey at which a run is at work is left alone, exit 5; one that was never run has nothing', async () => {
  await part('canopy', OLD_KEY);
  const unlock = await takeLock(lockFile(out));
  try {
    await expect(clean(job, {})).rejects.toThrow(LockedError);
  } finally {
    await unlock();
  }
  expect(await readFile(join(partDir(out, 'canopy', OLD_KEY), 'part.json'), 'utf8')).toBe('0123456789');
  await rm(out, { recursive: true });
  expect(await said(() => clean(job, {}))).toMatch(/nothing to remove/);
  await expect(readdir(out)).rejects.toThrow();
});
