// files/lock.ts: one run at a time in a folder. A lock of a process that is gone is taken over. IO.
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { LockedError } from '../errors.ts';

interface Holder {
  pid: number;
  host: string;
  since: string;
}

function isAlive({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true; // another machine's process cannot be asked
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Take a lock file.
 *
 * @returns a function that gives it back
 * @throws {LockedError} when another live process holds it; says which and what to do
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() } satisfies Holder));
      await handle.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = await readFile(path, 'utf8').then((text) => JSON.parse(text) as Holder).catch(() => null);
      if (attempt > 0 || (holder && isAlive(holder))) {
        const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another run';
        throw new LockedError(`${dirname(path)}: ${who} is at work on this survey; wait for it, or delete ${path} if it is gone`, { source: path });
      }
      await rm(path, { force: true });
    }
  }
}
