// pipeline/tasks/input-rows.ts: the rows of input_file: what was read, what could not be, and why. IO.
import { dirname, relative } from 'node:path';
import type { Box } from '../../types.ts';
import { boxOfWindow } from '../../geo/lattice.ts';
import { outcomeOf } from '../ledger.ts';
import type { Plan } from '../plan.ts';
import { rastersOf, vectorsOf } from '../plan.ts';
import type { TaskContext } from './context.ts';

/** Why a LiDAR file could not be read beyond its header, by fingerprint. */
export async function unreadFiles({ plan, tasks, lookup }: TaskContext): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  for (const task of plan.tasks) {
    if (!('file' in task.unit)) continue;
    const outcome = await outcomeOf(task, tasks, lookup);
    if (outcome.state === 'failed') reasons.set(plan.survey.lidar[task.unit.file]!.fingerprint, outcome.failure.reason);
  }
  return reasons;
}

/** A row a file, paths relative to the job file. @param unread as `unreadFiles` gives it */
export function inputRows({ survey, job, job_file }: Plan, unread: ReadonlyMap<string, string>): object[] {
  const path = (absolute: string) => relative(dirname(job_file), absolute).split('\\').join('/');
  const crs = `EPSG:${survey.crs.epsg}`, used = { status: 'used', reason: null };
  const stateOf = (fingerprint: string) => (unread.has(fingerprint) ? { status: 'quarantined', reason: unread.get(fingerprint)! } : used);
  return [
    ...survey.lidar.map((file) => ({ input: 'lidar', path: path(file.path), fingerprint: file.fingerprint, bytes: file.bytes, points: file.pointCount, ...daysOf(job.inputs.lidar?.date), crs: file.conversion ? `EPSG:${file.conversion.epsg}` : crs, ...stateOf(file.fingerprint), ...boxColumns(file.box) })),
    ...rastersOf(survey).flatMap((image) => image.files.map((file) => ({
      input: image.name, path: path(file.path), fingerprint: file.fingerprint, bytes: file.bytes, points: null, ...daysOf(dateOf(job, image.name) ?? file.day), crs: file.pixels?.epsg ? `EPSG:${file.pixels.epsg}` : crs, ...used, ...boxColumns(boxOfWindow(image.lattice, file.window)),
    }))),
    ...vectorsOf(survey).map(({ input, file }) => ({ input, path: path(file.path), fingerprint: file.fingerprint, bytes: file.bytes, points: null, ...daysOf(undefined), crs: null, ...used, x0M: null, y0M: null, x1M: null, y1M: null })),
    ...survey.faults.map((fault) => ({
      input: fault.input, path: path(fault.path), fingerprint: '', bytes: 0, points: null, ...daysOf(undefined), crs: null, status: 'quarantined', reason: fault.reason, x0M: null, y0M: null, x1M: null, y1M: null,
    })),
  ];
}

const dateOf = ({ inputs: { chm, dtm, images } }: Plan['job'], name: string) => (name === 'chm' ? chm : name === 'dtm' ? dtm : images[name])?.date;

function daysOf(date: string | [string, string] | undefined): object {
  const [from, to] = date === undefined ? [null, null] : typeof date === 'string' ? [date, date] : date;
  return { dateFrom: from, dateTo: to };
}

const boxColumns = ({ x0, y0, x1, y1 }: Box): object => ({ x0M: x0, y0M: y0, x1M: x1, y1M: y1 });
