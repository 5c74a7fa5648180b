import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { LockedError } from '../../src/errors.ts';
import { takeLock } from '../../src/files/lock.ts';

let dir: string, path: string, mine: Record<string, string | number | null>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'understory-lock-'));
  path = join(dir, 'run.lock');
  const unlock = await takeLock(path);
  mine = JSON.parse(await readFile(path, 'utf8')) as typeof mine;
  await unlock();
});
afterEach(() => rm(path, { force: true }));
afterAll(() => rm(dir, { recursive: true }));

const hasProc = existsSync('/proc/self/stat');
const DEAD_PID = 2 ** 22 + 1; // above the largest that Linux gives

/** A lock as another process would have left it, touched so many seconds ago. */
async function forge(fields: Record<string, unknown> | string, touchedS = 0): Promise<void> {
  await writeFile(path, typeof fields === 'string' ? fields : JSON.stringify({ ...mine, ...fields }));
  const at = new Date(Date.now() - touchedS * 1000);
  await utimes(path, at, at);
}

/** Whether a run could start; it ends at once. */
async function isFree(): Promise<boolean> {
  try {
    await (await takeLock(path))();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(LockedError);
    return false;
  }
}

test('a lock is held by one at a time, and free once given back', async () => {
  const unlock = await takeLock(path);
  await expect(takeLock(path)).rejects.toThrow(new RegExp(`process ${process.pid} on ${hostname()} since .* is at work on this survey; wait for it, or stop it`));
  await unlock();
  expect(await readdir(dir)).toEqual([]);
  expect(await isFree()).toBe(true);
});

test.skipIf(!hasProc).each([
  ['a live process', {}, 3600, false],
  ['a process that is gone', { pid: DEAD_PID }, 0, true],
  ['a process of our own pid that started at another time: the pid came round again', { started: '1' }, 0, true],
  ['a live pid that started at another time', { pid: process.ppid, started: '1' }, 0, true],
  ['a machine that has started anew since', { boot: 'an-earlier-boot' }, 0, true],
  ['another container on this machine, at work', { host: 'b51ca1', pids: 'pid:[1]', pid: DEAD_PID }, 60, false],
  ['another container on this machine, killed', { host: 'b51ca1', pids: 'pid:[1]', pid: DEAD_PID }, 121, true],
  ['this container before it was started again, our own pid', { pids: 'pid:[1]', started: '1' }, 121, true],
  ['another machine, at work', { host: 'b', boot: 'b' }, 240, false],
  ['another machine, silent for more than five minutes', { host: 'b', boot: 'b' }, 301, true],
  ['another machine without /proc, at work', { host: 'b', boot: null, pids: null, started: null, pid: DEAD_PID }, 240, false],
  ['an earlier version, on another machine, long ago', { host: 'b', boot: undefined, pids: undefined, started: undefined }, 3600, true],
] as const)('a lock of %s', async (_, fields, touchedS, free) => {
  await forge(fields, touchedS);
  expect(await isFree()).toBe(free);
});

test.each(['', '{', '[]', '{"pid":0,"host":"b"}'])('a lock that says nothing is being written, and void some minutes later: %s', async (text) => {
  await forge(text);
  expect(await isFree()).toBe(false);
  await forge(text, 121);
  expect(await isFree()).toBe(true);
});

test.skipIf(!hasProc)('a process that was killed but not yet reaped by its parent holds no lock', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const pid = Number(await new Promise<Buffer>((resolve) => parent.stdout.once('data', resolve)));
    const fields = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
    while ((await fields())[0] !== 'Z') await sleep(10);
    await forge({ pid, started: (await fields())[19] });
    expect(await isFree()).toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
});

test('the message of a lock that cannot be looked up says who, since when, and when it is void', async () => {
  await forge({ host: 'node7', boot: 'b', pid: 42, since: '2026-06-01T22:00:00.000Z' }, 200);
  const error = await takeLock(path).catch((e: unknown) => e) as LockedError;
  expect(error.exitCode).toBe(5);
  expect(error.message).toMatch(/process 42 on node7 since 2026-06-01T22:00:00.000Z is at work on this survey; wait for it; if it has been killed, this lock is void (99|100) s from now, or delete .*run\.lock/);
});

test('a holder touches its lock, and does not keep the process alive for it', async () => {
  const unlock = await takeLock(path, { touchMs: 20 }), old = new Date(Date.now() - 3600_000);
  await utimes(path, old, old);
  const deadline = Date.now() + 10_000;
  while (Date.now() - (await stat(path)).mtimeMs > 60_000 && Date.now() < deadline) await sleep(20);
  expect(Date.now() - (await stat(path)).mtimeMs).toBeLessThan(60_000);
  await unlock();
  const ended = spawn(process.execPath, ['--input-type=module', '-e', `import { takeLock } from ${JSON.stringify(new URL('../../src/files/lock.ts', import.meta.url).href)}; await takeLock(${JSON.stringify(path)});`]);
  expect(await new Promise((resolve) => ended.on('exit', resolve))).toBe(0);
  expect(await isFree()).toBe(true); // it ended without giving it back
});

test('a holder whose lock another has taken over does not give back the other\'s', async () => {
  const unlock = await takeLock(path);
  await forge({ host: 'b', boot: 'b' });
  await unlock();
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ host: 'b' });
});

test('of many that find a stale lock one gets it', async () => {
  await forge({ pid: DEAD_PID });
  const got = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path)));
  expect(got.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const each of got) if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(LockedError);
  for (const each of got) if (each.status === 'fulfilled') await each.value();
  expect(await readdir(dir)).toEqual([]);
});

test('a process killed while it took a stale lock away stops nobody', async () => {
  await forge({ pid: DEAD_PID });
  await writeFile(`${path}.claim`, '');
  const old = new Date(Date.now() - 3600_000);
  await utimes(`${path}.claim`, old, old);
  expect(await isFree()).toBe(true);
  expect(await readdir(dir)).toEqual([]);
});
