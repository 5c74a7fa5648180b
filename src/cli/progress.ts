// cli/progress.ts: how far a run is: one line that is rewritten on a terminal, a line every 30 s elsewhere. IO.
import type { Progress } from '../pipeline/run.ts';

const EVERY_MS = 30_000;

export interface ProgressLine {
  show(progress: Progress): void;
  /** leave the line as it stands and go to the next */
  end(): void;
}

/** Progress on stderr. */
export function progressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  let last = 0, open = false;
  return {
    show(progress) {
      const now = Date.now();
      if (stream.isTTY) {
        stream.write(`\r\x1b[2K${progressText(progress)}`);
        open = true;
      } else if (now - last >= EVERY_MS) {
        if (last > 0) stream.write(`${progressText(progress)}\n`);
        last = now;
      }
    },
    end() {
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
