// cli/progress.ts: how far a run is: one line that is rewritten on a terminal, a line every 30 s elsewhere. IO.
import type { Progress } from '../pipeline/run.ts';

/** A long task brings no news: on a terminal the clock goes on, elsewhere a line says that the run lives. */
const TERMINAL_MS = 1000, ELSEWHERE_MS = 30_000;

export interface ProgressLine {
  show(progress: Progress): void;
  /** leave the line as it stands and go to the next; `show` may follow */
  end(): void;
}

/** Where the line goes: process.stderr. */
export interface ProgressStream {
  isTTY?: boolean;
  /** width of the terminal; a longer line would not be rewritten as a whole */
  columns?: number;
  write(text: string): unknown;
}

/** Progress on stderr. */
export function progressLine(stream: ProgressStream = process.stderr): ProgressLine {
  let latest: Progress | null = null, toldMs = 0, timer: NodeJS.Timeout | null = null, open = false;
  const text = (): string => progressText({ ...latest!, seconds: latest!.seconds + (performance.now() - toldMs) / 1000 });
  const write = (): void => {
    if (stream.isTTY) stream.write(`\r\x1b[2K${text().slice(0, (stream.columns ?? 200) - 1)}`);
    else stream.write(`${text()}\n`);
    open = stream.isTTY ?? false;
  };
  return {
    show(progress) {
      [latest, toldMs] = [progress, performance.now()];
      timer ??= setInterval(write, stream.isTTY ? TERMINAL_MS : ELSEWHERE_MS).unref();
      if (stream.isTTY) write();
    },
    end() {
      if (timer) clearInterval(timer);
      timer = null;
      if (open) stream.write('\n');
      open = false;
    },
  };
}

/** `[#####.....] 12/24 tasks, 1 failed, 0:42, about 0:40 left (canopy, model)` */
export function progressText({ done, total, failed, working, seconds }: Progress): string {
  const share = total === 0 ? 1 : done / total, filled = Math.round(share * 20);
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(20 - filled)}]`;
  const left = done === 0 || done === total ? '' : `, about ${clock((seconds / done) * (total - done))} left`;
  return `${bar} ${done}/${total} tasks${failed > 0 ? `, ${failed} failed` : ''}, ${clock(seconds)}${left}${working.length > 0 ? ` (${[...new Set(working)].join(', ')})` : ''}`;
}

export function clock(seconds: number): string {
  const whole = Math.round(seconds), hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
