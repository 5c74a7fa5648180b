// pipeline/engines/local-child.ts: a child process of the local engine: runs the tasks that it is told, one at a time. IO.
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import { failureOf } from '../failure.ts';
import type { Plan } from '../plan.ts';
import { tasksByKey } from '../ledger.ts';
import { openTaskRunner } from '../tasks/run-task.ts';
import { isFatal } from './engine.ts';
import type { FromChild, ToChild } from './messages.ts';

const [planPath, ...flags] = process.argv.slice(2);
const plan = JSON.parse(await readFile(planPath!, 'utf8')) as Plan;
const tasks = tasksByKey(plan);
const runner = openTaskRunner(plan, { requireGpu: flags.includes('--require-gpu') });

process.on('SIGINT', () => {}); // the driver decides what is in flight
process.on('disconnect', () => process.exit(0)); // the driver is gone: parts are whole or absent, nothing to save
process.on('message', ({ run }: ToChild) => void answer(run));

async function answer(key: string): Promise<void> {
  const task = tasks.get(key)!, started = performance.now();
  const say = (message: FromChild) => process.send!(message);
  try {
    await runner.run(task);
    globalThis.gc?.(); // a tile's arrays would lie about until the next tile's are full: memory is to be that of one tile
    say({ done: key, report: { seconds: (performance.now() - started) / 1000, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) } });
  } catch (error) {
    if (isFatal(error)) say({ fatal: key, message: messageOf(error) });
    else say({ failed: key, failure: failureOf(plan, task, error) });
  }
}
