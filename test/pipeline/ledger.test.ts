import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InvalidInput, IoError, UnderstoryError } from '../../src/errors.ts';
import { dueTasks } from '../../src/pipeline/due.ts';
import { failureOf } from '../../src/pipeline/failure.ts';
import { diskLookup, listFailures, outcomeOf, removeFailure, tasksByKey, writeFailure, writtenKey } from '../../src/pipeline/ledger.ts';
import type { Plan, Task } from '../../src/pipeline/plan.ts';
import { partDir } from '../../src/store/parts.ts';
import { box, lidarFile, planOf, surveyOf } from './plans.ts';

let output: string, plan: Plan;
beforeEach(async () => {
  output = await mkdtemp(join(tmpdir(), 'understory-ledger-'));
  // a file in the middle of each of two tiles: what befalls one does not touch the other
  plan = planOf(surveyOf([lidarFile('a.las', box(200, 200, 300, 300)), lidarFile('b.las', box(700, 200, 800, 300))]), { output });
});
afterEach(() => rm(output, { recursive: true }));

const taskOf = (kind: Task['kind'], place: number): Task => plan.tasks.filter((task) => task.kind === kind)[place]!;

async function makePart(kind: Task['kind'], key: string): Promise<void> {
  await mkdir(partDir(output, kind, key), { recursive: true });
  await writeFile(join(partDir(output, kind, key), 'part.json'), JSON.stringify({ key }));
}
const fail = (task: Task, fault: 'file' | 'task' = 'task') =>
  writeFailure(output, { key: task.key, kind: task.kind, unit: 'u', reason: 'broken', fault, attempts: 1 });
const keyOf = (task: Task) => writtenKey(task, tasksByKey(plan), diskLookup(output));
const outcome = (task: Task) => outcomeOf(task, tasksByKey(plan), diskLookup(output));

test('without failures a task writes under its own key', async () => {
  expect(await keyOf(taskOf('measure', 0))).toBe(taskOf('measure', 0).key);
});

describe('beside a failed file', () => {
  beforeEach(() => fail(taskOf('bucket', 0), 'file'));

  test('its tiles write under another key, all along the chain; the others do not', async () => {
    const canopy = taskOf('canopy', 0), wounded = await keyOf(canopy);
    expect(wounded).not.toBe(canopy.key);
    await makePart('canopy', wounded);
    expect(await keyOf(taskOf('measure', 0))).not.toBe(taskOf('measure', 0).key);
    expect(await keyOf(taskOf('canopy', 1))).toBe(taskOf('canopy', 1).key);
    expect(await keyOf(taskOf('measure', 1))).toBe(taskOf('measure', 1).key);
  });

  test('what was made beside it is done while it fails, and due once it is healed', async () => {
    const canopy = taskOf('canopy', 0), wounded = await keyOf(canopy);
    await makePart('canopy', wounded);
    expect(await outcome(canopy)).toEqual({ state: 'done', key: wounded });
    await removeFailure(output, taskOf('bucket', 0).key);
    expect(await outcome(canopy)).toEqual({ state: 'due' });
  });

  test('another failure among the needs is another key', async () => {
    const measure = taskOf('measure', 0), canopy = taskOf('canopy', 0);
    await makePart('canopy', await keyOf(canopy));
    const voidInside = await keyOf(measure);
    await rm(partDir(output, 'canopy', await keyOf(canopy)), { recursive: true });
    await fail(canopy);
    expect(await keyOf(measure)).not.toBe(voidInside);
  });

  test('the file is not read again, and its tiles are', async () => {
    const due = (await dueTasks(plan)).tasks.map(({ key }) => key);
    expect(due).not.toContain(taskOf('bucket', 0).key);
    expect(due).toContain(taskOf('canopy', 0).key);
    expect(due).toContain(taskOf('bucket', 1).key);
  });
});

test('a finished survey is due for nothing but a merge that is not there; buckets are no need', async () => {
  for (const kind of ['canopy', 'measure'] as const) for (const place of [0, 1]) await makePart(kind, taskOf(kind, place).key);
  expect((await dueTasks(plan)).tasks.map(({ kind }) => kind)).toEqual(['merge']);
});

test('a lost part makes due what it is made of, and nothing else', async () => {
  for (const kind of ['canopy', 'measure'] as const) for (const place of [0, 1]) await makePart(kind, taskOf(kind, place).key);
  await rm(partDir(output, 'canopy', taskOf('canopy', 1).key), { recursive: true });
  const { tasks } = await dueTasks(plan);
  expect(tasks.map(({ key }) => key)).toEqual([taskOf('bucket', 1).key, taskOf('canopy', 1).key, taskOf('merge', 0).key]);
});

test('a half-written part is none', async () => {
  await mkdir(`${partDir(output, 'canopy', taskOf('canopy', 0).key)}.123.abcd.tmp`, { recursive: true });
  expect((await dueTasks(plan)).tasks).toContainEqual(taskOf('canopy', 0));
});

test('bytes that cannot be read are the file\'s fault; a file that cannot be opened, or a fault elsewhere, may heal by itself', () => {
  const faultOf = (kind: Task['kind'], error: unknown) => failureOf(plan, taskOf(kind, 0), error).fault;
  expect(faultOf('bucket', new InvalidInput('bad chunk'))).toBe('file');
  expect(faultOf('bucket', new IoError('cut short'))).toBe('file');
  expect(faultOf('bucket', new IoError('cannot be opened', {}, { cause: new Error('EIO') }))).toBe('task');
  expect(faultOf('bucket', new Error('?'))).toBe('task');
  expect(faultOf('canopy', new UnderstoryError('?'))).toBe('task');
});

test('failures are listed by key, and a torn record counts as none', async () => {
  await fail(taskOf('bucket', 0));
  await fail(taskOf('bucket', 1));
  await writeFile(join(output, 'quarantine', 'torn.json'), '{');
  const failures = await listFailures(output);
  expect(failures.map(({ key }) => key)).toEqual([taskOf('bucket', 0).key, taskOf('bucket', 1).key].sort());
});
