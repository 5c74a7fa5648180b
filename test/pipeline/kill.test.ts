import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runVariant, writeVariant } from './survey.ts';

const cli = fileURLToPath(new URL('../../bin/understory.js', import.meta.url));
let scratch: string;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'understory-kill-')); });
afterAll(() => rm(scratch, { recursive: true }));

/** Start a run, and kill -9 it once its progress says so: the driver alone, or all of its processes. @returns whether it was killed before its end */
function runAndKill(job: string, { afterMs, wholeGroup }: { afterMs: number; wholeGroup: boolean }): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, 'run', job], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let timer: NodeJS.Timeout | undefined;
    child.stderr.on('data', (text: Buffer) => {
      // the clock starts when tasks do: how long Node takes to start says nothing about a run
      if (!timer && text.includes('tasks due')) timer = setTimeout(() => process.kill(wholeGroup ? -child.pid! : child.pid!, 'SIGKILL'), afterMs);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (code !== null && code !== 0) reject(new Error(`the run ended with exit code ${code}`));
      resolve(signal === 'SIGKILL');
    });
  });
}

test('a run that is killed again and again ends in the same inventory', async () => {
  const whole = await runVariant(await writeVariant(join(scratch, 'whole'), { tileM: 60, workers: 2 }));
  const job = await writeVariant(join(scratch, 'killed'), { tileM: 60, workers: 2 });
  let kills = 0;
  for (const [i, afterMs] of [150, 500, 900, 1400, 2000].entries()) if (await runAndKill(job, { afterMs, wholeGroup: i % 2 === 0 })) kills++;
  const { record, result } = await runVariant(job);
  expect(kills).toBeGreaterThan(0);
  expect(result.exitCode).toBe(0);
  expect(record.canonical).toEqual(whole.record.canonical);
});
