import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FatalTaskError } from '../../src/pipeline/engines/engine.ts';
import { autoWorkers, runLocal } from '../../src/pipeline/engines/local.ts';
import type { Failure } from '../../src/pipeline/ledger.ts';
import type { Plan, Task } from '../../src/pipeline/plan.ts';
import { box, jobOf, lidarFile, planOf, surveyOf } from './plans.ts';

const child = new URL('./fake-child.ts', import.meta.url);
let dir: string;
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'understory-engine-')); });
afterEach(() => rm(dir, { recursive: true }));

const task = (behaviour: string, needs: string[] = []): Task =>
  ({ key: behaviour.replaceAll(' ', '-'), kind: 'canopy', step: '0.canopy.1', unit: { tile: behaviour }, needs, resources: { memory_mb: 1, gpu: false } });

interface Played {
  done: string[];
  failed: Failure[];
  started: string[];
  /** process ids by task, a line a start */
  starts: [string, number][];
  peakMb: number;
  error: unknown;
}

interface PlayOptions {
  workers?: number;
  run?: object;
  stop?: AbortSignal;
  onStart?: (task: Task) => void;
}

/** Run tasks whose names say what their worker does. */
async function play(tasks: Task[], { workers = 2, run = {}, stop = new AbortController().signal, onStart = () => {} }: PlayOptions = {}): Promise<Played> {
  const plan: Plan = { ...planOf(surveyOf([lidarFile('a.las', box(0, 0, 10, 10))]), { job: jobOf({ run }), output: dir }), tasks };
  const planPath = join(dir, 'plan.json');
  await writeFile(planPath, JSON.stringify(plan));
  await writeFile(join(dir, 'starts.log'), '');
  const played: Played = { done: [], failed: [], started: [], starts: [], peakMb: 0, error: null };
  await runLocal({
    plan, planPath, due: tasks, workers, requireGpu: false, stop, child,
    events: {
      started: (each) => {
        played.started.push(each.key);
        onStart(each);
      },
      done: async (each) => { played.done.push(each.key); },
      failed: async (_, failure) => { played.failed.push(failure); },
      memory: (mb) => { played.peakMb = Math.max(played.peakMb, mb); },
    },
  }).catch((error: unknown) => { played.error = error; });
  const lines = (await readFile(join(dir, 'starts.log'), 'utf8')).trim().split('\n');
  played.starts = lines.map((line) => line.split(' ')).map(([key, pid]) => [key!, Number(pid)]);
  return played;
}

const startsOf = ({ starts }: Played, key: string): number => starts.filter(([each]) => each === key).length;

test('workers live long: ten tasks on two workers start two processes', async () => {
  const played = await play(Array.from({ length: 10 }, (_, i) => task(`works-${i}`)));
  expect(played.done).toHaveLength(10);
  expect(new Set(played.starts.map(([, pid]) => pid)).size).toBe(2);
});

test('a task that kills its worker is tried three times, then has failed; the others go on, and so does what needs it', async () => {
  const played = await play([task('dies'), task('works-1'), task('works-2', ['dies']), task('works-3')]);
  expect(startsOf(played, 'dies')).toBe(3);
  expect(played.failed).toEqual([{ key: 'dies', kind: 'canopy', unit: 'dies', reason: expect.stringMatching(/SIGABRT/), fault: 'task', attempts: 3 }]);
  expect(played.done.sort()).toEqual(['works-1', 'works-2', 'works-3']);
  expect(played.error).toBeNull();
});

test('a worker that died once by chance costs nothing but time', async () => {
  const played = await play([task('dies once'), task('works-1')]);
  expect(played.failed).toEqual([]);
  expect(startsOf(played, 'dies-once')).toBe(2);
});

test('the last words of a worker are the reason', async () => {
  const { failed } = await play([task('says why')]);
  expect(failed[0]!.reason).toBe('its process ended with exit code 7: terminate called: bad chunk');
});

test('a task that overruns run.task_minutes is stopped, its worker replaced', async () => {
  const played = await play([task('hangs'), task('works-1'), task('works-2')], { workers: 1, run: { task_minutes: 0.02 } });
  expect(played.failed.map(({ reason }) => reason)).toEqual([expect.stringMatching(/took longer than run\.task_minutes \(0\.02\)/)]);
  expect(played.done.sort()).toEqual(['works-1', 'works-2']);
});

test.skipIf(process.platform !== 'linux')('a task beyond its worker\'s share of run.memory_gb is stopped; the others go on', async () => {
  const played = await play([task('hoards'), task('works-1')], { run: { memory_gb: 0.4 } });
  expect(played.failed.map(({ reason }) => reason)).toEqual([expect.stringMatching(/used \d+ MB, more than its share of run\.memory_gb \(205 MB\); raise it, use fewer workers or smaller tiles/)]);
  expect(played.done).toEqual(['works-1']);
  expect(played.peakMb).toBeGreaterThan(205);
});

test('a task that says that it failed is not tried again', async () => {
  const played = await play([task('fails'), task('works-1', ['fails'])]);
  expect(startsOf(played, 'fails')).toBe(1);
  expect(played.failed.map(({ reason }) => reason)).toEqual(['bad input']);
  expect(played.done).toEqual(['works-1']);
});

test('a full disk ends the run: nothing more is started, and no task is blamed', async () => {
  const played = await play([task('disk is full'), task('works-1', ['disk-is-full'])], { workers: 1 });
  expect(played.error).toBeInstanceOf(FatalTaskError);
  expect(String(played.error)).toMatch(/the disk is full or cannot be written: ENOSPC.*what is done is kept/);
  expect(played.failed).toEqual([]);
  expect(played.done).toEqual([]);
});

test('a full disk does not wait for the others', async () => {
  const played = await play([task('waits-1'), task('disk is full')]);
  expect(played.error).toBeInstanceOf(FatalTaskError);
});

test('when asked to stop, what is in flight is finished and nothing more is started', async () => {
  const stop = new AbortController();
  const played = await play([task('waits-1'), task('waits-2'), task('works-1'), task('works-2')], {
    stop: stop.signal,
    onStart: ({ key }) => {
      if (key !== 'waits-2') return;
      stop.abort();
      void writeFile(join(dir, 'gate'), '');
    },
  });
  expect(played.done.sort()).toEqual(['waits-1', 'waits-2']);
  expect(played.started).toHaveLength(2);
});

test('auto: a worker a core, as far as the memory goes', () => {
  const planWith = (run: object) => planOf(surveyOf([lidarFile('a.las', box(0, 0, 10, 10))]), { job: jobOf({ run }) });
  const heaviestMb = Math.max(...planWith({}).tasks.map(({ resources }) => resources.memory_mb));
  expect(autoWorkers(planWith({ memory_gb: 1000 }), 8)).toBe(8);
  expect(autoWorkers(planWith({ memory_gb: (heaviestMb * 2.5) / 1024 }), 8)).toBe(2);
  expect(autoWorkers(planWith({ memory_gb: 0.1 }), 8)).toBe(1);
  expect(autoWorkers(planWith({ workers: 3 }), 8)).toBe(3);
});
