// pipeline/engines/local.ts: the embedded engine: long-lived child processes, supervised. IO.
import { readFile } from 'node:fs/promises';
import type { Plan, Task } from '../plan.ts';
import { unitName } from '../unit.ts';
import type { EngineRequest } from './engine.ts';
import { FatalTaskError } from './engine.ts';
import { ReadyQueue } from './ready-queue.ts';
import { Seat } from './seat.ts';

/** A task that kills its worker is tried again this often. */
const RETRIES = 2;
const MEMORY_POLL_MS = 500;

const childUrl = new URL(`./local-child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export interface LocalRequest extends EngineRequest {
  /** what a child process runs, for tests: it gets the plan's path and speaks engines/messages.ts */
  child?: URL;
}

/**
 * Run tasks in child processes on this machine. A child that dies, overruns its time or its memory is replaced and its task
 * tried again, at most twice more; then the task has failed, and the others go on.
 *
 * @throws {FatalTaskError} when the disk is full or cannot be written
 */
export async function runLocal(request: LocalRequest): Promise<void> {
  const { plan, planPath, due, stop, child = childUrl } = request, { memory_gb, task_minutes } = plan.job.run;
  const queue = new ReadyQueue(due), count = Math.max(1, Math.min(request.workers, due.length));
  const args = [planPath, ...(request.requireGpu ? ['--require-gpu'] : [])];
  const seats = Array.from({ length: count }, () => new Seat({ child, args, limitMb: (memory_gb * 1024) / count, taskMinutes: task_minutes }));
  const memory = watchMemory(request, seats), close = () => queue.close();
  stop.addEventListener('abort', close);
  if (stop.aborted) close();
  try {
    await Promise.all(seats.map((seat) => workAt(seat, seats, queue, request)));
  } finally {
    stop.removeEventListener('abort', close);
    clearInterval(memory);
    for (const seat of seats) seat.end();
  }
}

/** Take task after task, until all are settled or the queue is closed. */
async function workAt(seat: Seat, seats: readonly Seat[], queue: ReadyQueue, request: LocalRequest): Promise<void> {
  for (let task = await queue.next(); task; task = await queue.next()) {
    if (task.kind === 'merge') for (const each of seats) each.end(); // all others are idle: what they hold is the merge's to use
    try {
      await workOn(task, seat, queue, request);
    } catch (error) {
      queue.close();
      throw error;
    }
  }
}

async function workOn(task: Task, seat: Seat, queue: ReadyQueue, { plan, events, stop }: LocalRequest): Promise<void> {
  events.started(task);
  const outcome = await seat.run(task);
  if (outcome.state === 'fatal') throw new FatalTaskError(`${plan.output}: the disk is full or cannot be written: ${outcome.message}; make room and run again, what is done is kept`);
  if (outcome.state === 'died') {
    const attempts = queue.countAttempt(task);
    if (attempts <= RETRIES || stop.aborted) return queue.putBack(task);
    await events.failed(task, { key: task.key, kind: task.kind, unit: unitName(task, plan), reason: outcome.reason, fault: 'task', attempts });
  } else if (outcome.state === 'failed') await events.failed(task, outcome.failure);
  else await events.done(task, outcome.report);
  queue.settle(task);
}

/** Sum the resident memory of all processes; a child beyond its share is stopped. Linux only: elsewhere nothing is polled. */
function watchMemory(request: EngineRequest, seats: readonly Seat[]): NodeJS.Timeout {
  return setInterval(async () => {
    let total = process.memoryUsage.rss() / 2 ** 20;
    for (const seat of seats) {
      const mb = seat.pid === undefined ? 0 : await residentMb(seat.pid);
      total += mb;
      if (mb > seat.limitMb) seat.kill(`used ${Math.round(mb)} MB, more than its share of run.memory_gb (${Math.round(seat.limitMb)} MB); raise it, use fewer workers or smaller tiles`);
    }
    request.events.memory(Math.round(total));
  }, MEMORY_POLL_MS);
}

const PAGE_BYTES = 4096;

async function residentMb(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '');
  return (Number(text.split(' ')[1] ?? 0) * PAGE_BYTES) / 2 ** 20;
}

/** Workers for `auto`: one a core, as far as the memory goes. */
export function autoWorkers(plan: Plan, cores: number): number {
  if (plan.job.run.workers !== 'auto') return plan.job.run.workers;
  const heaviest = plan.tasks.reduce((most, { resources }) => Math.max(most, resources.memory_mb), 1);
  return Math.max(1, Math.min(cores, Math.floor((plan.job.run.memory_gb * 1024) / heaviest)));
}
