// Surveys and plans from nothing but records: for tests of the plan, the ledger and the engines.
import type { Box } from '../../src/types.ts';
import { JobSchema } from '../../src/pipeline/job-schema.ts';
import type { Job } from '../../src/pipeline/job-schema.ts';
import type { Plan, Task } from '../../src/pipeline/plan.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import type { LidarFile, StandEntry, Survey } from '../../src/pipeline/survey.ts';

export const box = (x0: number, y0: number, x1: number, y1: number): Box => ({ x0, y0, x1, y1 });

export const lidarFile = (name: string, at: Box, fingerprint = `print of ${name}`): LidarFile =>
  ({ path: `/survey/lidar/${name}`, fingerprint, bytes: 1000, pointCount: 100, box: at, z0M: 0, z1M: 50, conversion: null });

export const standEntry = (standId: string, at: Box, hash = `hash of ${standId}`): StandEntry => ({ standId, box: at, hash, offset: 0, length: 10 });

export const jobOf = (keys: object = {}): Job =>
  JobSchema.parse({ survey: 's', output: 'out', inputs: { lidar: { files: ['*.las'] } }, tiles: { size_m: 500 }, ...keys });

export function surveyOf(lidar: LidarFile[], stands: StandEntry[] = []): Survey {
  return {
    name: 's', crs: { epsg: 32611, name: 'UTM 11N', from: 'test' }, lidar, chm: null, dtm: null, area: null, masks: [], plots: null, reference: null, equations: [], canopySource: 'lidar', images: [], models: [], faults: [], waiting: [], groundMethod: 'classified',
    stands: stands.length === 0 ? null : { path: '/survey/stands.geojson', fingerprint: 'stands', bytes: 1, records: '/survey/out/stands.ndjson', hash: stands.map(({ hash }) => hash).join(), entries: stands },
  };
}

export const planOf = (survey: Survey, { job = jobOf(), output = '/survey/out', jobFile = '/survey/job.yaml' } = {}): Plan =>
  makePlan({ job, jobFile, output, survey, now: new Date('2026-06-01T00:00:00Z') });

export const keysOf = (plan: Plan, kind: Task['kind']): Map<string, string> =>
  new Map(plan.tasks.filter((task) => task.kind === kind).map(({ key, unit }) => ['tile' in unit ? unit.tile : JSON.stringify(unit), key]));

/** Tiles or files whose task has another key, or none, in the other plan. */
export function changedUnits(before: Plan, after: Plan, kind: Task['kind']): string[] {
  const old = keysOf(before, kind), known = new Set(old.values());
  return [...keysOf(after, kind)].filter(([, key]) => !known.has(key)).map(([unit]) => unit).sort();
}
