// pipeline/engines/local.ts: the embedded engine: long-lived child processes, supervised. IO.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Failure } from '../ledger.ts';
import type { Plan, Task } from '../plan.ts';
import { unitName } from '../unit.ts';
import type { EngineRequest } from './engine.ts';
import { FatalTaskError } from './engine.ts';
import type { FromChild, ToChild } from './messages.ts';
import { ReadyQueue } from './ready-queue.ts';

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
  const queue = new ReadyQueue(request.due), attempts = new Map<string, number>();
  const children = new Set<Child>();
  const memory = watchMemory(request, children);
  try {
    await new Promise<void>((resolve, reject) => {
      let left = request.due.length, idle = 0, failedWith: Error | null = null;
      const finish = () => (failedWith ? reject(failedWith) : resolve());
      const next = (child: Child) => {
        const task = request.stop.aborted || failedWith ? null : queue.take();
        if (task) {
          request.events.started(task);
          child.run(task);
          return;
        }
        child.idle = true;
        idle++;
        if (idle === children.size && (left === 0 || request.stop.aborted || failedWith)) finish();
      };
      const wake = () => {
        for (const child of children) {
          if (!child.idle) continue;
          child.idle = false;
          idle--;
          next(child);
        }
      };
      const settled = async (child: Child, task: Task, tell: () => Promise<void>) => {
        try {
          await tell();
          queue.settle(task);
          left--;
        } catch (error) {
          failedWith = error instanceof Error ? error : new Error(String(error));
        }
        next(child);
        wake();
      };
      const handlers: ChildHandlers = {
        done: (child, task, report) => void settled(child, task, () => request.events.done(task, report)),
        failed: (child, task, failure) => void settled(child, task, () => request.events.failed(task, failure)),
        fatal: (child, message) => {
          failedWith = new FatalTaskError(`${request.plan.output}: the disk is full or cannot be written: ${message}; make room and run again, what is done is kept`);
          next(child);
          wake();
        },
        died: (child, task, reason) => {
          const tries = (attempts.get(task.key) ?? 0) + 1;
          attempts.set(task.key, tries);
          if (tries > RETRIES && !request.stop.aborted) {
            const failure = { key: task.key, kind: task.kind, unit: unitName(task, request.plan), reason, fault: 'task' as const, attempts: tries };
            void settled(child, task, () => request.events.failed(task, failure));
            return;
          }
          queue.putBack(task);
          next(child);
          wake();
        },
      };
      const count = Math.max(1, Math.min(request.workers, request.due.length));
      for (let i = 0; i < count; i++) children.add(new Child(request, handlers, request.plan.job.run.memory_gb * 1024 / count));
      for (const child of [...children]) next(child);
    });
  } finally {
    clearInterval(memory);
    for (const child of children) child.end();
  }
}

interface ChildHandlers {
  done(child: Child, task: Task, report: { seconds: number; peakMb: number }): void;
  failed(child: Child, task: Task, failure: Failure): void;
  fatal(child: Child, message: string): void;
  died(child: Child, task: Task, reason: string): void;
}

/** One seat for a child process: the process is started with its first task and replaced when it dies. */
class Child {
  idle = false;
  readonly limitMb: number;
  private process: ChildProcess | null = null;
  private task: Task | null = null;
  private killedFor: string | null = null;
  private timer: NodeJS.Timeout | undefined;
  private readonly request: LocalRequest;
  private readonly handlers: ChildHandlers;

  constructor(request: LocalRequest, handlers: ChildHandlers, limitMb: number) {
    this.request = request;
    this.handlers = handlers;
    this.limitMb = limitMb;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  run(task: Task): void {
    this.task = task;
    this.process ??= this.start();
    const minutes = this.request.plan.job.run.task_minutes;
    this.timer = setTimeout(() => this.kill(`took longer than run.task_minutes (${minutes})`), minutes * 60_000);
    const message: ToChild = { run: task.key };
    this.process.send(message, () => {}); // a child that is gone cannot be told: its exit is what counts
  }

  kill(reason: string): void {
    if (!this.process) return;
    this.killedFor = reason;
    this.process.kill('SIGKILL');
  }

  end(): void {
    clearTimeout(this.timer);
    this.task = null;
    this.process?.removeAllListeners();
    this.process?.kill('SIGKILL');
    this.process = null;
  }

  private start(): ChildProcess {
    const child = fork(this.request.child ?? childUrl, [this.request.planPath, ...(this.request.requireGpu ? ['--require-gpu'] : [])], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let lastWords = '';
    child.stderr?.on('data', (text: Buffer) => { lastWords = (lastWords + text.toString()).slice(-2000); });
    child.on('message', (message: FromChild) => {
      clearTimeout(this.timer);
      const task = this.task!;
      this.task = null;
      if (this.killedFor !== null) this.retire(child);
      if ('done' in message) this.handlers.done(this, task, message.report);
      else if ('failed' in message) this.handlers.failed(this, task, message.failure);
      else this.handlers.fatal(this, message.message);
    });
    const gone = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.process !== child) return; // counted already, or retired
      clearTimeout(this.timer);
      this.process = null;
      const task = this.task, reason = this.killedFor ?? deathOf(code, signal, lastWords);
      this.task = null;
      this.killedFor = null;
      if (task) this.handlers.died(this, task, reason);
    };
    child.on('exit', gone);
    child.on('error', (error) => {
      lastWords = error.message;
      if (child.exitCode === null && child.pid === undefined) gone(null, null); // never started: too many processes, no memory
    });
    return child;
  }

  /** A child that finished its task just as it was killed takes no other. */
  private retire(child: ChildProcess): void {
    child.removeAllListeners();
    child.on('error', () => {});
    this.process = null;
    this.killedFor = null;
  }
}

function deathOf(code: number | null, signal: NodeJS.Signals | null, lastWords: string): string {
  const said = lastWords.trim().split('\n').findLast((line) => line.trim() !== '');
  return `its process ${code === null && signal === null ? 'could not be started' : `ended with ${signal ?? `exit code ${code}`}`}${said ? `: ${said.trim()}` : ''}`;
}

/** Sum the resident memory of all processes; a child beyond its share is stopped. Linux only: elsewhere nothing is polled. */
function watchMemory(request: EngineRequest, children: ReadonlySet<Child>): NodeJS.Timeout {
  return setInterval(async () => {
    let total = process.memoryUsage.rss() / 2 ** 20;
    for (const child of children) {
      const mb = child.pid === undefined ? 0 : await residentMb(child.pid);
      total += mb;
      if (mb > child.limitMb) child.kill(`used ${Math.round(mb)} MB, more than its share of run.memory_gb (${Math.round(child.limitMb)} MB); raise it, use fewer workers or smaller tiles`);
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
  const heaviest = Math.max(1, ...plan.tasks.map(({ resources }) => resources.memory_mb));
  return Math.max(1, Math.min(cores, Math.floor((plan.job.run.memory_gb * 1024) / heaviest)));
}
