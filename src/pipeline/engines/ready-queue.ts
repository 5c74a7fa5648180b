// pipeline/engines/ready-queue.ts: due tasks whose needs are met, earliest of the plan first. Pure.
import type { Task } from '../plan.ts';

/** Hands out tasks in the plan's order as their needs are settled (done or failed). */
export class ReadyQueue {
  /** needs that are still open, by task */
  private readonly open = new Map<string, number>();
  private readonly dependents = new Map<string, string[]>();
  private readonly rank = new Map<string, number>();
  private readonly attempts = new Map<string, number>();
  /** ranks of ready tasks, ascending */
  private readonly ready: number[] = [];
  private readonly waiting: ((task: Task | null) => void)[] = [];
  private readonly tasks: readonly Task[];
  private unsettled: number;
  private closed = false;

  constructor(due: readonly Task[]) {
    this.tasks = due;
    this.unsettled = due.length;
    due.forEach(({ key }, i) => this.rank.set(key, i));
    due.forEach(({ key, needs }, i) => {
      const open = needs.filter((need) => this.rank.has(need));
      this.open.set(key, open.length);
      for (const need of open) {
        const known = this.dependents.get(need);
        if (known) known.push(key);
        else this.dependents.set(need, [key]);
      }
      if (open.length === 0) this.ready.push(i);
    });
  }

  /** The earliest ready task, or null when there is none now. */
  take(): Task | null {
    const rank = this.ready.shift();
    return rank === undefined ? null : this.tasks[rank]!;
  }

  /** The earliest ready task, waited for; null when all are settled, or the queue is closed. */
  next(): Promise<Task | null> {
    if (this.closed || this.unsettled === 0) return Promise.resolve(null);
    const task = this.take();
    return task ? Promise.resolve(task) : new Promise((resolve) => this.waiting.push(resolve));
  }

  /** How often a task has been tried, this time included. */
  countAttempt({ key }: Task): number {
    const attempts = (this.attempts.get(key) ?? 0) + 1;
    this.attempts.set(key, attempts);
    return attempts;
  }

  /** Give a task back that is to be tried again. */
  putBack({ key }: Task): void {
    this.insert(this.rank.get(key)!);
    this.wake();
  }

  /** A task is done or failed: what waited for it alone becomes ready. */
  settle({ key: settled }: Task): void {
    this.unsettled--;
    for (const key of this.dependents.get(settled) ?? []) {
      const left = this.open.get(key)! - 1;
      this.open.set(key, left);
      if (left === 0) this.insert(this.rank.get(key)!);
    }
    this.wake();
  }

  /** Hand out nothing more. */
  close(): void {
    this.closed = true;
    this.wake();
  }

  private wake(): void {
    const over = this.closed || this.unsettled === 0;
    while (this.waiting.length > 0 && (over || this.ready.length > 0)) this.waiting.shift()!(over ? null : this.take());
  }

  private insert(rank: number): void {
    let low = 0, high = this.ready.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ready[middle]! < rank) low = middle + 1;
      else high = middle;
    }
    this.ready.splice(low, 0, rank);
  }
}
