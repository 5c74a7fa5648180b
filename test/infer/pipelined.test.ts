import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pipelined } from '../../src/infer/pipelined.ts';

const turns = async (n: number) => { for (let i = 0; i < n; i++) await Promise.resolve(); };

test('work runs ahead of its consumer, never by more than the depth, and comes in order', async () => {
  let started = 0, worked = 0, most = 0;
  const work = async (item: number) => {
    started++;
    most = Math.max(most, started - worked);
    return item * 2;
  };
  const results: number[] = [];
  for await (const result of pipelined([1, 2, 3, 4, 5], work, 2)) {
    await new Promise((resolve) => setTimeout(resolve, 1)); // the network works on this one
    results.push(result);
    worked++;
  }
  expect(results).toEqual([2, 4, 6, 8, 10]);
  expect(most).toBe(3); // one in work, two ahead
});

test('order is that of the items whatever each takes, from a list or from another pipeline', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(6), { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), async (slowness, first, second) => {
    const inner = pipelined(slowness.map((slow, i) => ({ slow, i })), async (item) => { await turns(item.slow); return item; }, first);
    const seen: number[] = [];
    for await (const i of pipelined(inner, async ({ slow, i }) => { await turns(6 - slow); return i; }, second)) seen.push(i);
    expect(seen).toEqual(slowness.map((_, i) => i));
  }), { seed: 3, numRuns: 60 });
});

test('an item that fails is thrown when its turn comes, and what came before it was given', async () => {
  const seen: number[] = [];
  const work = async () => {
    for await (const result of pipelined([1, 2, 3], async (item) => { if (item === 2) throw new Error('no 2'); return item; }, 2)) seen.push(result);
  };
  await expect(work()).rejects.toThrow('no 2');
  expect(seen).toEqual([1]);
});

test('a consumer that stops ends the source too', async () => {
  let ended = false, given = 0;
  async function* source() {
    try {
      for (;;) yield given++;
    } finally {
      ended = true;
    }
  }
  for await (const item of pipelined(source(), (i) => i, 2)) if (item === 3) break;
  expect(ended).toBe(true);
  expect(given).toBeLessThanOrEqual(7); // 0 to 3, two ahead, one begun
});
