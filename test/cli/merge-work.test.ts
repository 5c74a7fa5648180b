// What engines call: work and merge, beside others at work and beside failures; and what plan says of a failed task.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeLock } from '../../src/files/lock.ts';
import { listFailures, writeFailure } from '../../src/pipeline/ledger.ts';
import type { Plan, Task } from '../../src/pipeline/plan.ts';
import { lockFile } from '../../src/pipeline/run.ts';
import { findPart, removePart } from '../../src/store/parts.ts';
import { runVariant, writeVariant } from '../pipeline/survey.ts';

const cli = fileURLToPath(new URL('../../bin/understory.js', import.meta.url));
let scratch: string, job: string, out: string, planPath: string, plan: Plan;

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const understory = (...args: string[]): Promise<Ended> =>
  promisify(execFile)(process.execPath, [cli, ...args], { encoding: 'utf8', timeout: 60_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
  );

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-merge-work-'));
  job = await writeVariant(join(scratch, 'survey'), { workers: 2 });
  out = join(dirname(job), 'out');
  planPath = join(out, 'plan.json');
  ({ result: { plan } } = await runVariant(job));
});
afterAll(() => rm(scratch, { recursive: true }));

const tasksOf = (kind: Task['kind']): Task[] => plan.tasks.filter((task) => task.kind === kind);
const failureAt = ({ key, kind }: Task, fault: 'task' | 'file' = 'task') => ({ key, kind, unit: 'u', reason: 'it broke', fault, attempts: 1 });

test('work ends by itself after a network has run', async () => {
  const [block] = tasksOf('model');
  await removePart(out, 'model', block!.key);
  const { code, stdout } = await understory('work', '--plan', planPath, '--task', block!.key, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ tasks: 1, failures: [] });
  expect(await findPart(out, 'model', block!.key)).not.toBeNull();
});

test('merge, and work on the merge, leave a survey alone at which another is at work; other work does not', async () => {
  const unlock = await takeLock(lockFile(out)), [merge] = tasksOf('merge'), [measure] = tasksOf('measure');
  try {
    for (const args of [['merge'], ['work', '--task', merge!.key], ['work', '--step', merge!.step]]) {
      const { code, stdout } = await understory(...args, '--plan', planPath, '--json');
      expect(code, args.join(' ')).toBe(5);
      expect(JSON.parse(stdout)).toMatchObject({ exit_code: 5, error: expect.stringMatching(/is at work on this survey/) });
    }
    expect((await understory('work', '--plan', planPath, '--task', measure!.key)).code).toBe(0);
  } finally {
    await unlock();
  }
  expect((await understory('merge', '--plan', planPath)).code).toBe(0);
  expect((await understory('work', '--plan', planPath, '--task', merge!.key)).code).toBe(0);
});

test('merge ends with 3 beside a failed task, as run does, and with 0 once it is healed', async () => {
  const [measure] = tasksOf('measure');
  await removePart(out, 'measure', measure!.key);
  await writeFailure(out, failureAt(measure!));
  await writeFailure(out, { ...failureAt(measure!), key: 'of-an-earlier-plan' });
  const { code, stdout } = await understory('merge', '--plan', planPath, '--json');
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ exit_code: 3, failures: 1, left_out: 0 });
  expect((await understory('work', '--plan', planPath, '--task', measure!.key)).code).toBe(0);
  expect((await understory('merge', '--plan', planPath)).code).toBe(0);
});

test('merge ends with 3 where an input is quarantined', async () => {
  const letter = join(dirname(job), 'lidar', 'zz-letter.las');
  await writeFile(letter, 'Dear surveyor, the data will follow.');
  expect((await understory('plan', job)).code).toBe(3);
  const { code, stdout } = await understory('merge', '--plan', planPath, '--json');
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ exit_code: 3, failures: 0, left_out: 1 });
  await rm(letter);
  expect((await understory('plan', job)).code).toBe(0);
  expect((await understory('merge', '--plan', planPath)).code).toBe(0);
});

/** What `plan` says is due, by kind. */
async function plannedDue(): Promise<Record<string, number>> {
  const { kinds } = JSON.parse((await understory('plan', job, '--json')).stdout) as { kinds: Record<string, { due: number }> };
  return Object.fromEntries(Object.entries(kinds).map(([kind, { due }]) => [kind, due]));
}

test('plan counts a failed task as due, with what hangs on it, as the next run tries it again', async () => {
  expect(await plannedDue()).toEqual({ bucket: 0, canopy: 0, model: 0, measure: 0, merge: 0 });
  const [canopy] = tasksOf('canopy'), measured = tasksOf('measure').find(({ needs }) => needs.includes(canopy!.key))!;
  await removePart(out, 'canopy', canopy!.key);
  await removePart(out, 'measure', measured.key);
  await writeFailure(out, failureAt(canopy!));
  const due = await plannedDue();
  expect(due).toMatchObject({ canopy: 1, model: 0, measure: 1, merge: 1 });
  expect(due['bucket']).toBeGreaterThan(0);
  expect(await listFailures(out)).toContainEqual(failureAt(canopy!)); // plan changes nothing
  const { stdout } = await understory('run', job, '--json');
  expect(JSON.parse(stdout)).toMatchObject({ exit_code: 0, failures: 0, tasks_run: Object.values(due).reduce((a, b) => a + b) });
  expect(await plannedDue()).toEqual({ bucket: 0, canopy: 0, model: 0, measure: 0, merge: 0 });
});

test('check says that no model of a task is primary, and whether what the models give may be sold', async () => {
  const text = await readFile(job, 'utf8'), two = join(dirname(job), 'two.yaml');
  await writeFile(two, text.replace(/^( +- \{ name: stems, .*)$/m, '$1\n  - { name: again, use: models/red-density, on: ortho }'));
  const { found } = JSON.parse((await understory('check', two, '--json')).stdout) as { found: Record<string, unknown> };
  expect(found['models_without_primary']).toEqual([expect.stringMatching(/^stems, again: several models of task density, none primary/)]);
  const one = JSON.parse((await understory('check', job, '--json')).stdout) as { found: Record<string, unknown> };
  expect(one.found['models_without_primary']).toEqual([]);
  expect(one.found['notes']).toContainEqual(expect.stringMatching(/^Outputs of the models may be sold, by their licences: stems: Apache-2.0; stems: Apache-2.0 \(training data /));
});
