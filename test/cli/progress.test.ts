import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { worstOf } from '../../src/cli/commands/run.ts';
import { progressLine, progressText } from '../../src/cli/progress.ts';

beforeEach(() => { vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }); });
afterEach(() => { vi.useRealTimers(); });

const at = (done: number, seconds: number) => ({ done, total: 8, failed: 0, working: ['canopy', 'canopy', 'bucket'], seconds });

function written(isTTY: boolean): { line: ReturnType<typeof progressLine>; texts: string[] } {
  const texts: string[] = [];
  return { texts, line: progressLine({ isTTY, columns: 60, write: (text: string) => texts.push(text) }) };
}

test('the text says what is done, for how long, and how long at this pace it will take', () => {
  expect(progressText(at(2, 30))).toBe('[#####...............] 2/8 tasks, 0:30, about 1:30 left (canopy, bucket)');
  expect(progressText({ ...at(0, 5), failed: 0 })).not.toMatch(/left/);
  expect(progressText({ ...at(8, 4000), failed: 1, working: [] })).toBe('[####################] 8/8 tasks, 1 failed, 1:06:40');
});

test('elsewhere than on a terminal there is a line every 30 s, also while one long task brings no news', () => {
  const { line, texts } = written(false);
  line.show(at(1, 0));
  vi.advanceTimersByTime(10_000);
  line.show(at(2, 10));
  expect(texts).toEqual([]);
  vi.advanceTimersByTime(80_000);
  expect(texts).toHaveLength(3);
  expect(texts.map((text) => /2\/8 tasks, (\d+:\d\d)/.exec(text)![1])).toEqual(['0:30', '1:00', '1:30']);
  expect(texts.every((text) => text.endsWith('\n') && !text.includes('\r'))).toBe(true);
  line.end();
  vi.advanceTimersByTime(60_000);
  expect(texts).toHaveLength(3);
});

test('on a terminal one line is rewritten, at each news and each second, never longer than the terminal is wide', () => {
  const { line, texts } = written(true);
  line.show(at(1, 0));
  vi.advanceTimersByTime(3000);
  expect(texts).toHaveLength(4);
  expect(texts.every((text) => text.startsWith('\r\x1b[2K') && !text.includes('\n') && text.length - 5 < 60)).toBe(true);
  line.end();
  expect(texts.at(-1)).toBe('\n');
});

test('of several jobs the worst code counts: interrupted, failed, disk, engine, locked, usage, gate, voids, ok', () => {
  const order = [130, 1, 74, 6, 5, 2, 4, 3, 0] as const;
  order.forEach((worst, i) => { expect(worstOf(order.slice(i).toReversed())).toBe(worst); });
  expect(worstOf([])).toBe(0);
});
