// infer/pipelined.ts: work on items ahead of their consumer, with a bounded queue. Pure but for what `work` does.

/**
 * Start `work` on items ahead of the consumer: reading of the next patches overlaps the network's work on this one.
 *
 * At most `depth` results are pending or waiting, besides the one that the consumer holds, so memory is bounded. Work starts in
 * the order of the items; a slow item does not keep the next ones from starting.
 *
 * @param depth  whole number of at least 1
 * @returns results in the order of the items; a failed item, or a failed source, throws when its turn comes
 */
export async function* pipelined<T, R>(source: Iterable<T> | AsyncIterable<T>, work: (item: T) => Promise<R> | R, depth: number): AsyncGenerator<R, void, undefined> {
  const iterator: Iterator<T> | AsyncIterator<T> = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const queue: Promise<{ result: R } | null>[] = [];
  const next = async (): Promise<{ result: R } | null> => {
    const item = await iterator.next();
    return item.done === true ? null : { result: await work(item.value) };
  };
  const fill = () => {
    while (queue.length < depth) {
      const pending = next();
      pending.catch(() => {}); // reported when its turn comes, or not at all when the consumer stopped
      queue.push(pending);
    }
  };
  try {
    for (fill(); ; ) {
      const found = await queue.shift()!;
      if (found === null) return;
      fill(); // start the next before the consumer works on this one
      yield found.result;
    }
  } finally {
    await iterator.return?.();
  }
}
