// pipeline/engines/ready-queue.ts: due tasks whose needs are met, earliest of the plan first. Pure.
import type { Task } from '../plan.ts';

/** Hands out tasks in the plan's order as their needs are settled (done or failed). */
export class ReadyQueue {
  private readonly open = new Map<string, number>();
  private readonly dependents = new Map<string, string[]>();
  private readonly rank = new Map<string, number>();
  private readonly byKey = new Map<string, Task>();
  /** ranks of ready tasks, ascending */
  private readonly ready: number[] = [];
  private readonly tasks: readonly Task[];

  constructor(due: readonly Task[]) {
    this.tasks = due;
    due.forEach((task, i) => {
      this.rank.set(task.key, i);
      this.byKey.set(task.key, task);
    });
    for (const task of due) {
      const needs = task.needs.filter((need) => this.byKey.has(need));
      this.open.set(task.key, needs.length);
      for (const need of needs) this.dependents.set(need, [...(this.dependents.get(need) ?? []), task.key]);
      if (needs.length === 0) this.ready.push(this.rank.get(task.key)!);
    }
  }

  /** The earliest ready task, or null. */
  take(): Task | null {
    const rank = this.ready.shift();
    return rank === undefined ? null : this.tasks[rank]!;
  }

  /** Give a task back that is to be tried again. */
  putBack(task: Task): void {
    this.insert(this.rank.get(task.key)!);
  }

  /** A task is done or failed: what waited for it alone becomes ready. */
  settle(task: Task): void {
    for (const key of this.dependents.get(task.key) ?? []) {
      const left = this.open.get(key)! - 1;
      this.open.set(key, left);
      if (left === 0) this.insert(this.rank.get(key)!);
    }
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
