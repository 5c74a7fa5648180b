// A worker for the tests of the local engine: does what the name of a task's tile says, and logs each start.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FromChild, ToChild } from '../../src/pipeline/engines/messages.ts';
import type { Plan } from '../../src/pipeline/plan.ts';

const planPath = process.argv[2]!, starts = join(dirname(planPath), 'starts.log');
const plan = JSON.parse(readFileSync(planPath, 'utf8')) as Plan;
const behaviourOf = new Map(plan.tasks.map(({ key, unit }) => [key, 'tile' in unit ? unit.tile : '']));
const startsOf = (key: string): number => readFileSync(starts, 'utf8').split('\n').filter((line) => line.startsWith(`${key} `)).length;
const hoard: Buffer[] = [];
const say = (message: FromChild): void => void process.send!(message);

process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});
process.on('message', ({ run: key }: ToChild) => {
  appendFileSync(starts, `${key} ${process.pid}\n`);
  const done = () => say({ done: key, report: { seconds: 0, peakMb: 1 } });
  const behaviour = behaviourOf.get(key)!.replace(/-\d+$/, '');
  if (behaviour === 'dies') process.abort();
  else if (behaviour === 'dies once' && startsOf(key) === 1) process.kill(process.pid, 'SIGKILL');
  else if (behaviour === 'says why') {
    process.stderr.write('terminate called: bad chunk\n', () => process.exit(7));
  } else if (behaviour === 'hangs') for (;;) { /* a kernel that never ends */ }
  else if (behaviour === 'hoards') {
    for (let i = 0; i < 20; i++) hoard.push(Buffer.alloc(2 ** 24, 1));
    setTimeout(done, 20_000);
  } else if (behaviour === 'fails') say({ failed: key, failure: { key, kind: 'canopy', unit: behaviour, reason: 'bad input', fault: 'task', attempts: 1 } });
  else if (behaviour === 'disk is full') say({ fatal: key, message: 'ENOSPC: no space left on device' });
  else if (behaviour === 'waits') {
    const gate = setInterval(() => {
      if (!existsSync(join(dirname(planPath), 'gate'))) return;
      clearInterval(gate);
      done();
    }, 20);
  } else done();
});
