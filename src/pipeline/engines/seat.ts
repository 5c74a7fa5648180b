// pipeline/engines/seat.ts: a seat for a child process: started with its first task, watched, replaced when it dies. IO.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Failure } from '../ledger.ts';
import type { Task } from '../plan.ts';
import type { TaskReport } from './engine.ts';
import type { FromChild, ToChild } from './messages.ts';

/** What became of a task on a seat. */
export type SeatOutcome =
  | { state: 'done'; report: TaskReport }
  | { state: 'failed'; failure: Failure }
  /** the disk is full or cannot be written */
  | { state: 'fatal'; message: string }
  /** its process ended, was stopped for its memory, or for its time */
  | { state: 'died'; reason: string };

export interface SeatOptions {
  /** what the process runs, and with which arguments */
  child: URL;
  args: string[];
  limitMb: number;
  taskMinutes: number;
}

export class Seat {
  readonly limitMb: number;
  private process: ChildProcess | null = null;
  private settle: ((outcome: SeatOutcome) => void) | null = null;
  private killedFor: string | null = null;
  private timer: NodeJS.Timeout | undefined;
  private readonly options: SeatOptions;

  constructor(options: SeatOptions) {
    this.options = options;
    this.limitMb = options.limitMb;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Run one task; one at a time. */
  async run(task: Task): Promise<SeatOutcome> {
    const { taskMinutes } = this.options;
    this.timer = setTimeout(() => this.kill(`took longer than run.task_minutes (${taskMinutes})`), taskMinutes * 60_000);
    try {
      return await new Promise<SeatOutcome>((resolve) => {
        this.settle = resolve;
        this.process ??= this.start();
        const message: ToChild = { run: task.key };
        this.process.send(message, () => {}); // a child that is gone cannot be told: its exit is what counts
      });
    } finally {
      clearTimeout(this.timer);
      this.settle = null;
    }
  }

  kill(reason: string): void {
    if (!this.process) return;
    this.killedFor = reason;
    this.process.kill('SIGKILL');
  }

  /** Stop now, whatever is at work: nobody waits for its outcome any more. */
  end(): void {
    clearTimeout(this.timer); // it would keep this process alive for as long as a task may take
    this.process?.removeAllListeners();
    this.process?.kill('SIGKILL');
    this.process = null;
  }

  private start(): ChildProcess {
    const child = fork(this.options.child, this.options.args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [...process.execArgv, '--expose-gc'] });
    let lastWords = '';
    child.stderr?.on('data', (text: Buffer) => { lastWords = (lastWords + text.toString()).slice(-2000); });
    child.on('message', (message: FromChild) => {
      if (this.killedFor !== null) this.retire(child);
      this.settle?.(outcomeOf(message));
    });
    const gone = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.process !== child) return; // counted already, or retired
      const reason = this.killedFor ?? deathOf(code, signal, lastWords);
      this.process = null;
      this.killedFor = null;
      this.settle?.({ state: 'died', reason });
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

function outcomeOf(message: FromChild): SeatOutcome {
  if ('done' in message) return { state: 'done', report: message.report };
  return 'failed' in message ? { state: 'failed', failure: message.failure } : { state: 'fatal', message: message.message };
}

function deathOf(code: number | null, signal: NodeJS.Signals | null, lastWords: string): string {
  const said = lastWords.trim().split('\n').findLast((line) => line.trim() !== '');
  return `its process ${code === null && signal === null ? 'could not be started' : `ended with ${signal ?? `exit code ${code}`}`}${said ? `: ${said.trim()}` : ''}`;
}
