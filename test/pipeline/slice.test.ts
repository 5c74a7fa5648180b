import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadJob } from '../../src/pipeline/job-file.ts';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { readRunRecord } from '../../src/pipeline/run-record.ts';
import { planSurvey } from '../../src/pipeline/run.ts';
import { openTaskRunner } from '../../src/pipeline/tasks/run-task.ts';
import { keepCorner, recutLidar, runVariant, writeVariant } from './survey.ts';

let scratch: string, whole: RunRecord;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-slice-'));
  whole = (await runVariant(await writeVariant(join(scratch, 'whole'), { tileM: 500, workers: 1 }))).record;
});
afterAll(() => rm(scratch, { recursive: true }));

test('the inventory is the same in tiles of 60 m, 100 m and 500 m, by one worker and by two', async () => {
  expect(whole.canonical['tree']!.rows).toBeGreaterThan(300);
  const small = await runVariant(await writeVariant(join(scratch, 'small'), { tileM: 60, workers: 2 }));
  const middle = await runVariant(await writeVariant(join(scratch, 'middle'), { tileM: 100, workers: 2 }));
  expect(small.record.canonical).toEqual(whole.canonical);
  expect(middle.record.canonical).toEqual(whole.canonical);
  expect(middle.record.canonical_rasters).toEqual(whole.canonical_rasters);
});

test('tasks in any order that their needs allow give the same inventory', async () => {
  const loaded = await loadJob(await writeVariant(join(scratch, 'shuffled'), { tileM: 60 })), plan = await planSurvey(loaded), runner = openTaskRunner(plan);
  const kinds = ['bucket', 'model', 'canopy', 'measure', 'merge'];
  const shuffled = plan.tasks.map((task) => ({ task, rank: kinds.indexOf(task.kind), place: parseInt(task.key.slice(3, 9), 16) })).sort((a, b) => a.rank - b.rank || b.place - a.place);
  for (const { task } of shuffled) await runner.run(task);
  expect((await readRunRecord(loaded.output))!.canonical).toEqual(whole.canonical);
});

test('shuffled returns, other cuts into files and an overlapping delivery change nothing', async () => {
  const job = await writeVariant(join(scratch, 'recut'), { tileM: 100, workers: 2 });
  await recutLidar(dirname(job));
  const { record } = await runVariant(job);
  expect(record.canonical).toEqual(whole.canonical);
  expect(record.decoded_ratio).toBe(1);
});

test('a run with nothing changed computes nothing, and a changed equation measures only', async () => {
  const dir = join(scratch, 'again'), job = await writeVariant(dir);
  await runVariant(job);
  expect((await runVariant(job)).result.tasksRun).toBe(0);
  const edited = await writeVariant(dir, { edit: (text) => text.replace('allometry:', 'allometry:\n  dbh: jucker-2017/nearctic-conifer') });
  const { result, record } = await runVariant(edited);
  expect(result.tasksRun).toBe(result.plan.tasks.filter(({ kind }) => kind === 'measure' || kind === 'merge').length);
  expect(record.canonical['tree']).not.toEqual(whole.canonical['tree']);
  expect(record.canonical['cell']).toEqual(whole.canonical['cell']);
});

test('a survey in the shape of an L, and stands that reach beyond it, do not show the tiles', async () => {
  const [small, large] = await Promise.all([20, 500].map(async (tileM) => {
    const dir = join(scratch, `l-shaped-${tileM}`), job = await writeVariant(dir, { tileM, workers: 1 });
    await keepCorner(dir);
    return (await runVariant(job)).record;
  }));
  expect(small!.canonical).toEqual(large!.canonical);
  expect(small!.canonical_rasters).toEqual(large!.canonical_rasters);
});
