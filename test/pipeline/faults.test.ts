import { mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { openDuck } from '../../src/store/duck.ts';
import { runVariant, writeVariant } from './survey.ts';

let scratch: string, whole: RunRecord;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-faults-'));
  whole = (await runVariant(await writeVariant(join(scratch, 'whole'), { workers: 2 }))).record;
});
afterAll(() => rm(scratch, { recursive: true }));

async function rowsOf(job: string, sql: string): Promise<Record<string, unknown>[]> {
  const duck = await openDuck(join(dirname(job), 'out', 'survey.duckdb'), { readOnly: true });
  try {
    return (await duck.connection.runAndReadAll(sql)).getRowObjectsJS();
  } finally {
    duck.close();
  }
}

test('a file that is cut short and one that is no LAS are voids, are named everywhere, and are not tried again until they change', async () => {
  const job = await writeVariant(join(scratch, 'broken'), { workers: 2 }), lidar = join(dirname(job), 'lidar');
  const names = (await readdir(lidar)).sort(), last = join(lidar, names.at(-1)!), bytes = await readFile(last);
  await writeFile(last, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
  await writeFile(join(lidar, 'zz-letter.las'), 'Dear surveyor, the data will follow.');

  const first = await runVariant(job);
  expect(first.result.exitCode).toBe(3);
  expect(first.result.failures).toBe(1);
  expect(first.result.plan.survey.faults.map(({ path }) => path)).toEqual([join(lidar, 'zz-letter.las')]);
  expect(first.record.canonical['tree']!.rows).toBeGreaterThan(50);
  expect(first.record.canonical['tree']!.rows).toBeLessThan(whole.canonical['tree']!.rows);

  const inputs = await rowsOf(job, "SELECT path, status, reason FROM input_file WHERE input = 'lidar' ORDER BY path");
  expect(inputs.find(({ path }) => path === 'lidar/zz-letter.las')).toMatchObject({ status: 'quarantined' });
  expect(inputs.find(({ path }) => path === `lidar/${names.at(-1)}`)).toMatchObject({ status: 'quarantined', reason: expect.stringMatching(/cut short|ends/) });
  expect(inputs.find(({ path }) => path === `lidar/${names[0]}`)).toMatchObject({ status: 'used', reason: null });

  const [unread] = await rowsOf(job, "SELECT sum(area_m2)::DOUBLE AS area, count(*)::INTEGER AS n FROM void WHERE source = 'lidar' AND reason LIKE '%could not be read%'");
  expect(unread!['n']).toBeGreaterThan(0);
  expect(unread!['area']).toBeGreaterThan(1000);
  const unknown = await rowsOf(job, "SELECT source, reason FROM void WHERE area_m2 IS NULL");
  expect(unknown.map(({ source }) => String(source)).join()).toMatch(/zz-letter\.las/);
  const silent = await rowsOf(job, "SELECT table_name FROM duckdb_tables() WHERE coalesce(comment, '') NOT LIKE '%could not be read%'");
  expect(silent, 'tables without the note').toEqual([]);

  const again = await runVariant(job);
  expect(again.result.tasksRun).toBe(0);
  expect(again.result.exitCode).toBe(3);

  await writeFile(last, bytes);
  await rm(join(lidar, 'zz-letter.las'));
  const healed = await runVariant(job);
  expect(healed.result.exitCode).toBe(0);
  expect(healed.record.canonical).toEqual(whole.canonical);
  expect(healed.record.failures).toEqual([]);
});

test('a file that arrives later gives what a run of all files gives; one that goes takes its trees along', async () => {
  const job = await writeVariant(join(scratch, 'later'), { workers: 2 }), lidar = join(dirname(job), 'lidar');
  const [first] = (await readdir(lidar)).sort(), kept = join(dirname(job), first!);
  await rename(join(lidar, first!), kept);
  const part = await runVariant(job);
  expect(part.record.canonical['tree']).not.toEqual(whole.canonical['tree']);
  await rename(kept, join(lidar, first!));
  const { result, record } = await runVariant(job);
  expect(record.canonical).toEqual(whole.canonical);
  expect(result.tasksRun).toBeLessThan(result.plan.tasks.length); // the model's blocks at least are known
  await rename(join(lidar, first!), kept);
  expect((await runVariant(job)).record.canonical).toEqual(part.record.canonical);
});

test('an edited stand measures its tiles only, and gives what a run from nothing gives', async () => {
  const edit = async (job: string) => {
    const path = join(dirname(job), 'stands.geojson'), layer = JSON.parse(await readFile(path, 'utf8')) as { features: { properties: Record<string, unknown> }[] };
    layer.features[0]!.properties['species'] = 'fir';
    layer.features[0]!.properties['note'] = 'edited';
    await writeFile(path, JSON.stringify(layer));
  };
  const job = await writeVariant(join(scratch, 'stand'), { tileM: 60, workers: 2 }), fresh = await writeVariant(join(scratch, 'stand-fresh'), { tileM: 100, workers: 2 });
  await runVariant(job);
  await edit(job);
  await edit(fresh);
  const { result, record } = await runVariant(job), measures = result.plan.tasks.filter(({ kind }) => kind === 'measure').length;
  expect(result.tasksRun).toBeGreaterThan(1);
  expect(result.tasksRun).toBeLessThan(measures);
  expect(record.canonical).toEqual((await runVariant(fresh)).record.canonical);
});

test('one unreadable picture among several is named, and a return at 0, 0 does not make millions of tiles', async () => {
  const job = await writeVariant(join(scratch, 'stray'), { workers: 2, edit: (text) => text.replace('files: [ortho.tif]', "files: ['*.tif']") }), dir = dirname(job);
  await writeFile(join(dir, 'half.tif'), (await readFile(join(dir, 'ortho.tif'))).subarray(0, 40));
  const lidar = join(dir, 'lidar'), [name] = await readdir(lidar), stray = await readFile(join(lidar, name!));
  stray.writeDoubleLE(0, 187); // least x and y of the header
  stray.writeDoubleLE(0, 203);
  await writeFile(join(lidar, name!), stray);
  const { result } = await runVariant(job);
  expect(result.exitCode).toBe(3);
  expect(result.plan.tasks.length).toBeLessThan(100);
  expect(result.plan.survey.faults.map(({ input, path, reason }) => [input, path.replace(`${dir}/`, ''), reason.replaceAll(dir, '').slice(0, 60)])).toEqual([
    ['lidar', `lidar/${name}`, expect.stringMatching(/box of its header is 320 x 4100 km/)], ['ortho', 'half.tif', expect.any(String)],
  ]);
  expect(await rowsOf(job, "SELECT input, status FROM input_file WHERE path IN ('half.tif', 'stands.geojson') ORDER BY path")).toEqual([{ input: 'ortho', status: 'quarantined' }, { input: 'stands', status: 'used' }]);
});
