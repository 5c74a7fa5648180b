// pipeline/run-tally.ts: what happens in a run: counted, its scratch freed, its news passed on. IO.
import { findPart, removePart } from '../store/parts.ts';
import type { DueTasks } from './due.ts';
import type { EngineEvents } from './engines/engine.ts';
import { tasksByKey, writeFailure } from './ledger.ts';
import type { Plan, Task } from './plan.ts';
import type { RunOptions } from './run.ts';

/** Counts what happens, frees buckets that have done their work, and passes news on. */
export class RunTally {
  done = 0;
  failed = 0;
  peakMb = 0;
  /** returns of class 2 in the buckets that were made */
  groundReturns = 0;
  decoded: { points: number; input: number } | null = null;
  readonly bucketSeconds: Record<string, number> = {};
  readonly events: EngineEvents;
  private readonly working = new Map<string, string>();
  /** canopy tasks that still need each bucket */
  private readonly users = new Map<string, number>();
  private readonly input: Map<string, number>;
  private readonly plan: Plan;
  private readonly due: DueTasks;
  private readonly options: RunOptions;
  private readonly clock: number;

  constructor(plan: Plan, due: DueTasks, options: RunOptions, clock: number) {
    this.plan = plan;
    this.due = due;
    this.options = options;
    this.clock = clock;
    const tasks = tasksByKey(plan);
    for (const task of due.tasks) {
      if (task.kind !== 'canopy') continue;
      for (const need of task.needs) if (tasks.get(need)!.kind === 'bucket') this.users.set(need, (this.users.get(need) ?? 0) + 1);
    }
    this.input = new Map(due.tasks.flatMap((task) => ('file' in task.unit ? [[task.key, plan.survey.lidar[task.unit.file]!.pointCount] as const] : [])));
    this.events = {
      started: (task) => {
        this.working.set(task.key, task.kind);
        this.tell();
      },
      done: async (task) => {
        this.done++;
        if (task.kind === 'bucket') await this.countBucket(task.key);
        await this.settle(task);
      },
      failed: async (task, failure) => {
        this.failed++;
        await writeFailure(plan.output, failure);
        options.watch?.failed?.(task, failure.reason);
        await this.settle(task);
      },
      memory: (mb) => { this.peakMb = Math.max(this.peakMb, mb); },
    };
  }

  private async settle(task: Task): Promise<void> {
    this.working.delete(task.key);
    if (task.kind === 'canopy') await this.freeBuckets(task);
    this.tell();
  }

  /** Buckets are scratch: gone once every canopy task that needs them has its part. */
  private async freeBuckets(task: Task): Promise<void> {
    for (const need of task.needs) {
      const left = (this.users.get(need) ?? 0) - 1;
      this.users.set(need, left);
      if (left === 0) await removePart(this.plan.output, 'bucket', need);
    }
  }

  private async countBucket(key: string): Promise<void> {
    const part = await findPart(this.plan.output, 'bucket', key);
    if (!part) return;
    this.groundReturns += part.info.counts['points_ground'] ?? 0;
    this.decoded ??= { points: 0, input: 0 };
    this.decoded.points += part.info.counts['points_read'] ?? 0;
    this.decoded.input += this.input.get(key) ?? 0;
    for (const [stage, seconds] of Object.entries(part.info.seconds)) this.bucketSeconds[stage] = (this.bucketSeconds[stage] ?? 0) + seconds;
  }

  private tell(): void {
    this.options.watch?.progress?.({
      done: this.done + this.failed, total: this.due.tasks.length, failed: this.failed, working: [...this.working.values()], seconds: (performance.now() - this.clock) / 1000,
    });
  }
}
