// pipeline/tasks/stopwatch.ts: seconds by stage, for part.json and the profile in run.json.

/** Adds up the time since the last `lap` under a stage's name. */
export class Stopwatch {
  readonly seconds: Record<string, number> = {};
  private last = performance.now();

  lap(stage: string): void {
    const now = performance.now();
    this.seconds[stage] = (this.seconds[stage] ?? 0) + (now - this.last) / 1000;
    this.last = now;
  }
}
