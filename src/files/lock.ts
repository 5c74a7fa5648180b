// files/lock.ts: one run at a time in a folder. A lock whose holder is gone is taken over, also after a kill in a container. IO.
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readFile, readlink, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockedError } from '../errors.ts';

/** What a lock file says of its holder; null where the system does not tell. */
interface Holder {
  pid: number;
  host: string;
  since: string;
  /** this start of the machine's kernel: containers on one machine share it */
  boot: string | null;
  /** the pid namespace: only inside of it does a pid mean this process */
  pids: string | null;
  /** when the process started, ticks since boot: tells it from a later one of the same pid */
  started: string | null;
}

/** The holder touches its lock this often. */
const TOUCH_MS = 30_000;
/** Without a touch for this long a process that cannot be looked up is gone: on this machine, and elsewhere, whose clock may differ. */
const SILENT_HERE_MS = 2 * 60_000, SILENT_ELSEWHERE_MS = 5 * 60_000;
/** While another takes a stale lock away: how often, and how many times, to look. */
const CLAIM_POLL_MS = 20, ATTEMPTS = 50;

const bootId = (): Promise<string | null> => readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim(), () => null);

/** State and start time of a process, fields 3 and 22 of its stat; null when there is none. The name before them may hold blanks and brackets. */
async function processOf(pid: number): Promise<{ state: string; started: string } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, started: fields[19]! };
}

async function ourselves(): Promise<Holder> {
  const [boot, pids, self] = await Promise.all([bootId(), readlink('/proc/self/ns/pid').catch(() => null), processOf(process.pid)]);
  return { pid: process.pid, host: hostname(), since: new Date().toISOString(), boot, pids, started: self?.started ?? null };
}

function parseHolder(text: string): Holder | null {
  try {
    const { pid, host, since, boot, pids, started } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>;
    const textOr = (value: unknown) => (typeof value === 'string' ? value : null);
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || typeof host !== 'string') return null;
    return { pid, host, since: textOr(since) ?? 'an unknown time', boot: textOr(boot), pids: textOr(pids), started: textOr(started) };
  } catch {
    return null; // its holder is writing it, or was killed in that moment
  }
}

function isSignalled(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a holder lives where it can be looked up; else how long it may be silent. */
async function verdict(holder: Holder | null, us: Holder): Promise<{ alive: boolean } | { silentMs: number }> {
  if (!holder) return { silentMs: SILENT_HERE_MS };
  const { pid, host, boot, pids, started } = holder;
  if (boot !== us.boot) return host === us.host && boot !== null ? { alive: false } : { silentMs: SILENT_ELSEWHERE_MS }; // this machine has started anew since
  if (boot === null && host !== us.host) return { silentMs: SILENT_ELSEWHERE_MS };
  if (boot === null) return isSignalled(pid) ? { silentMs: SILENT_ELSEWHERE_MS } : { alive: false }; // no /proc: the pid may be another's by now
  if (pids !== us.pids || started === null) return { silentMs: SILENT_HERE_MS }; // another container's pid, which we cannot see
  const found = await processOf(pid);
  return { alive: found !== null && found.started === started && !'ZXx'.includes(found.state) }; // Z: dead, its parent has not looked yet
}

/** Seconds until a lock counts as stale if it is not touched; 0: it is; Infinity: its holder lives. */
async function secondsLeft(holder: Holder | null, touchedMs: number, us: Holder): Promise<number> {
  const judged = await verdict(holder, us);
  if ('alive' in judged) return judged.alive ? Infinity : 0;
  return Math.max(0, Math.ceil((touchedMs + judged.silentMs - Date.now()) / 1000));
}

function lockedError(path: string, holder: Holder | null, seconds: number): LockedError {
  const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'another run';
  const remedy = seconds === Infinity ? 'wait for it, or stop it' : `wait for it; if it has been killed, this lock is void ${seconds} s from now, or delete ${path}`;
  return new LockedError(`${dirname(path)}: ${who} is at work on this survey; ${remedy}`, { source: path, ...(holder ? { pid: holder.pid, host: holder.host } : {}) });
}

/** How a lock stands: null when there is none. */
async function judge(path: string, us: Holder): Promise<{ holder: Holder | null; seconds: number } | null> {
  try {
    const holder = parseHolder(await readFile(path, 'utf8'));
    return { holder, seconds: await secondsLeft(holder, (await stat(path)).mtimeMs, us) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Take a stale lock away: one process at a time, and only if it is stale still, lest a lock just taken is taken away. */
async function discardStale(path: string, us: Holder): Promise<void> {
  const claim = `${path}.claim`;
  try {
    await (await open(claim, 'wx')).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const madeMs = await stat(claim).then(({ mtimeMs }) => mtimeMs, () => Infinity);
    if (Date.now() - madeMs > SILENT_HERE_MS) await rm(claim, { force: true }); // killed in the middle of this
    else await sleep(CLAIM_POLL_MS);
    return;
  }
  try {
    if ((await judge(path, us))?.seconds === 0) await rm(path, { force: true });
  } finally {
    await rm(claim, { force: true });
  }
}

/** @throws EEXIST when there is one */
async function create(path: string, text: string, touchMs: number): Promise<() => Promise<void>> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(text);
  } catch (error) {
    await handle.close();
    await rm(path, { force: true }); // a full disk: no lock without its holder
    throw error;
  }
  return hold(path, handle, text, touchMs);
}

/** Keep a lock's file touched until it is given back; what stands there by then is deleted only if it is still this lock. */
function hold(path: string, handle: FileHandle, text: string, touchMs: number): () => Promise<void> {
  const touch = setInterval(() => void handle.utimes(new Date(), new Date()).catch(() => {}), touchMs).unref();
  return async () => {
    clearInterval(touch);
    await handle.close();
    if (await readFile(path, 'utf8').catch(() => null) === text) await rm(path, { force: true });
  };
}

/**
 * Take a lock file.
 *
 * Its holder is looked up by pid and start time where both processes share a kernel and a pid namespace. Across containers and
 * machines a pid says nothing: there a lock is stale once its holder has not touched it for some minutes.
 *
 * @returns a function that gives it back
 * @throws {LockedError} when another live process holds it; says which and what to do
 */
export async function takeLock(path: string, { touchMs = TOUCH_MS } = {}): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const us = await ourselves(), text = JSON.stringify(us);
  for (let attempt = 0; ; attempt++) {
    try {
      return await create(path, text, touchMs);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const found = await judge(path, us);
    if (!found) continue; // given back in this moment
    if (found.seconds > 0 || attempt >= ATTEMPTS) throw lockedError(path, found.holder, found.seconds);
    await discardStale(path, us);
  }
}
