// cli/run-log.ts: the run's log: NDJSON in log/, one file a day. IO.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Logger } from 'pino';

/** A logger into `<output>/log/<UTC day>.ndjson`. Lines are written at once, so that a killed run keeps them. */
export async function openRunLog(output: string): Promise<Logger> {
  const dir = join(output, 'log');
  await mkdir(dir, { recursive: true });
  const day = new Date().toISOString().slice(0, 10);
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: join(dir, `${day}.ndjson`), sync: true }));
}
