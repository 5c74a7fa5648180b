// pipeline/exports.ts: the layers that a job wants after every merge. IO.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { crsFromEpsg, toLonLat } from '../geo/crs.ts';
import { exportLayer } from '../export/registry.ts';
import type { Plan } from './plan.ts';
import { databasePath } from './tasks/merge.ts';

/** Write the job's exports. @param changed false: only those that are not there yet */
export async function writeExports(plan: Plan, changed: boolean): Promise<string[]> {
  const written: string[] = [], lonLat = toLonLat(crsFromEpsg(plan.survey.crs.epsg));
  for (const { layer, file } of plan.job.exports) {
    const output = join(plan.output, 'exports', file);
    if (!changed && await access(output).then(() => true, () => false)) continue;
    await exportLayer({ database: databasePath(plan.output), layer, output, toLonLat: lonLat });
    written.push(output);
  }
  return written;
}
