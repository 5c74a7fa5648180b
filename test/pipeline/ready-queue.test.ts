import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReadyQueue } from '../../src/pipeline/engines/ready-queue.ts';
import type { Task } from '../../src/pipeline/plan.ts';

const task = (key: string, needs: string[] = []): Task => ({ key, kind: 'canopy', step: '0.canopy.1', unit: { tile: key }, needs, resources: { memory_mb: 1, gpu: false } });

test('a task waits for all that it needs, the earliest ready one goes first', () => {
  const [a, b, c, d] = [task('a'), task('b'), task('c', ['a', 'b']), task('d', ['a'])], queue = new ReadyQueue([a, b, c, d]);
  expect([queue.take(), queue.take(), queue.take()]).toEqual([a, b, null]);
  queue.settle(a);
  expect(queue.take()).toEqual(d);
  expect(queue.take()).toBeNull();
  queue.settle(b);
  expect(queue.take()).toEqual(c);
});

test('a need that is not due does not hold a task up', () => {
  const queue = new ReadyQueue([task('c', ['done long ago'])]);
  expect(queue.take()!.key).toBe('c');
});

test('a task given back is handed out again before later ones', () => {
  const queue = new ReadyQueue([task('a'), task('b'), task('c')]), a = queue.take()!;
  queue.putBack(a);
  expect([queue.take()!.key, queue.take()!.key, queue.take()!.key]).toEqual(['a', 'b', 'c']);
});

test('any order of finishing hands out every task once, after its needs', () => {
  fc.assert(fc.property(fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 }), fc.infiniteStream(fc.nat(1000)), (graph, picks) => {
    const tasks = graph.map((needs, i) => task(String(i), needs.filter((need) => need < i).map(String)));
    const queue = new ReadyQueue(tasks), flying: Task[] = [], done = new Set<string>();
    for (;;) {
      for (let next = queue.take(); next; next = queue.take()) {
        for (const need of next.needs) expect(done.has(need)).toBe(true);
        flying.push(next);
      }
      if (flying.length === 0) break;
      const [finished] = flying.splice((picks.next().value as number) % flying.length, 1);
      expect(done.has(finished!.key)).toBe(false);
      done.add(finished!.key);
      queue.settle(finished!);
    }
    expect(done.size).toBe(tasks.length);
  }), { numRuns: 200, seed: 11 });
});
