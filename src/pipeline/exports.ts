// pipeline/exports.ts: the layers that a job wants after every merge. IO.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crsFromEpsg, toLonLat } from '../geo/crs.ts';
import { exportLayer } from '../export/registry.ts';
import { writeFileAtomically } from '../files/atomic.ts';
import { exists } from '../files/exists.ts';
import { contentKey } from '../files/hash.ts';
import type { Plan } from './plan.ts';
import { readRunRecord } from './run-record.ts';
import { databasePath } from './tasks/merge.ts';

/** What each file of exports/ was made of: the merge, and what the job asked for. */
type Written = Record<string, string>;

const recordFile = (output: string): string => join(output, 'parts', 'exports.json');

/** Write the job's exports that are not there, or were made from another inventory or another wish: a run killed before its exports makes them the next time. @returns every file that the job asks for */
export async function writeExports(plan: Plan): Promise<string[]> {
  const merged = (await readRunRecord(plan.output))?.merge_key ?? '', lonLat = toLonLat(crsFromEpsg(plan.survey.crs.epsg));
  const record = await readWritten(plan.output), files: string[] = [];
  for (const wish of plan.job.exports) {
    const output = join(plan.output, 'exports', wish.file), key = contentKey([merged, wish]);
    files.push(output);
    if (record[wish.file] === key && await exists(output)) continue;
    await exportLayer({ database: databasePath(plan.output), layer: wish.layer, output, toLonLat: lonLat });
    record[wish.file] = key;
    await writeFileAtomically(recordFile(plan.output), `${JSON.stringify(record, null, 1)}\n`);
  }
  return files;
}

async function readWritten(output: string): Promise<Written> {
  const text = await readFile(recordFile(output), 'utf8').catch(() => null);
  return text === null ? {} : (JSON.parse(text) as Written);
}
