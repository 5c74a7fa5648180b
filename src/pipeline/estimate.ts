// pipeline/estimate.ts: how long a full run takes and what it leaves on disk, from figures that were measured. Pure.
import type { Box } from '../types.ts';
import type { Plan } from './plan.ts';
import { canopyLattice } from './plan.ts';

/** From, to: what was measured, widened for other machines and forests. */
export type Range = readonly [low: number, high: number];

export interface Estimate {
  workers: number;
  /** ground that the headers' boxes cover, each tile once: the survey covers this much at most */
  areaHa: number;
  /** null: nothing was measured that would tell */
  seconds: Range | null;
  /** why `seconds` is null, or what is not in it; '' */
  secondsNote: string;
  /** bytes, at the same time on disk during the run */
  scratch: number;
  parts: Range;
  /** one database; during merge there may be three: the new one, today's and yesterday's */
  database: Range;
  rasters: Range;
  /** the most that the run's folder holds at a time, without exports */
  peak: Range;
}

/**
 * Points a second and worker, the chain from LiDAR to database: 0.15 to 0.24 million (bench/RESULTS.md, "The whole chain": 0.29 to
 * 0.49 million with two workers on 11 to 181 million points). The range leaves a factor of two for slower disks and processors, and a half for faster ones.
 */
const POINTS_PER_S: Range = [75_000, 350_000];
/** A run of few points: processes that start, headers, merge (bench/RESULTS.md, "Real clouds": 5.0 s for 37,657 points). */
const STARTING_S: Range = [2, 10];
/**
 * Pixels of a canopy height model a second and worker from a raster to the database. Not measured as a whole: added up from the stages
 * after the CHM in the survey of 181 million points (bench/RESULTS.md: treetops to polygons and write 81 s, measure 84 s on 1,196 ha of 40,000 pixels), 290,000; reading is not in it.
 */
const PIXELS_PER_S: Range = [60_000, 400_000];
/** A point in a bucket: time 8, x, y, z 12, intensity 2, returns, class and flags 3 (src/tile/bucket-format.ts). */
export const BUCKET_BYTES = 25;
/** On bcts_1-4 (20.1 valid ha, 293 trees/ha, CHM of 0.5 m): parts 10.6 bytes a CHM pixel, rasters 3.9 (2026-11-25). */
const PART_BYTES_PER_PIXEL: Range = [4, 20], RASTER_BYTES_PER_PIXEL: Range = [2, 8];
/** On the same survey 1,070 bytes of survey.duckdb a tree, cells and openings included; forests have 100 to 1,200 trees that are seen from above on a hectare. */
const DATABASE_BYTES_PER_TREE = 1070, TREES_PER_HA: Range = [100, 1200];
/** An empty inventory. */
const DATABASE_BASE = 3e6;

/** What a full run of a plan takes. Models are not in the time: nothing that holds on another machine was measured for them. */
export function estimateRun(plan: Plan, workers: number): Estimate {
  const { survey, job } = plan, areaHa = coveredM2(plan) / 1e4, resM = canopyLattice(job, survey).resM, pixels = survey.canopySource === null ? 0 : (areaHa * 1e4) / resM ** 2;
  const points = survey.lidar.reduce((sum, { pointCount }) => sum + pointCount, 0), times = (range: Range, factor: number): Range => [range[0] * factor, range[1] * factor];
  const scratch = peakPoints(plan) * BUCKET_BYTES, parts = times(PART_BYTES_PER_PIXEL, pixels), rasters = times(RASTER_BYTES_PER_PIXEL, pixels);
  const database: Range = pixels === 0 ? [DATABASE_BASE, DATABASE_BASE] : [DATABASE_BASE + TREES_PER_HA[0] * areaHa * DATABASE_BYTES_PER_TREE, DATABASE_BASE + TREES_PER_HA[1] * areaHa * DATABASE_BYTES_PER_TREE];
  const peak = ([0, 1] as const).map((i) => parts[i] + scratch + 3 * database[i] + 2 * rasters[i]);
  return { workers, areaHa, ...secondsOf(survey.canopySource === 'lidar' ? points : 0, pixels, workers, survey.models.length), scratch, parts, database, rasters, peak: [peak[0]!, peak[1]!] };
}

function secondsOf(points: number, pixels: number, workers: number, models: number): Pick<Estimate, 'seconds' | 'secondsNote'> {
  const note = models === 0 ? '' : `without the ${models} model(s), whose speed depends on the machine`;
  if (points === 0 && pixels === 0) return { seconds: null, secondsNote: note || 'there is no canopy to work on' };
  const [work, [slow, fast]] = points > 0 ? [points, POINTS_PER_S] : [pixels, PIXELS_PER_S];
  return { seconds: [STARTING_S[0] + work / (fast * workers), STARTING_S[1] + work / (slow * workers)], secondsNote: note };
}

/** Ground under the boxes of the inputs: the sum of the boxes, but no more than the tiles that they meet. */
function coveredM2({ survey, tasks, job }: Plan): number {
  const boxes = survey.canopySource === 'lidar' ? survey.lidar.map(({ box }) => box) : survey.chm ? [survey.chm.box] : survey.images.map(({ box }) => box);
  const tiles = tasks.filter(({ kind }) => kind === 'measure').length;
  return Math.min(boxes.reduce((sum, box) => sum + areaOf(box), 0), tiles * job.tiles.size_m ** 2);
}

const areaOf = ({ x0, y0, x1, y1 }: Box): number => (x1 - x0) * (y1 - y0);

/** Points whose buckets lie on disk at a time: a file's from the first band that needs it to the last, and the engine works on two bands. */
function peakPoints({ survey, tasks }: Plan): number {
  const files = new Map(tasks.flatMap(({ key, unit }) => ('file' in unit ? [[key, survey.lidar[unit.file]!.pointCount] as const] : []))), change = new Map<number, number>();
  const last = new Map<string, number>(), first = new Map<string, number>();
  for (const { kind, needs, step } of tasks) {
    if (kind !== 'canopy') continue;
    const band = Number.parseInt(step, 10);
    for (const need of needs) {
      first.set(need, Math.min(first.get(need) ?? Infinity, band));
      last.set(need, Math.max(last.get(need) ?? -Infinity, band));
    }
  }
  for (const [key, points] of files) {
    if (!first.has(key)) continue;
    change.set(first.get(key)! - 1, (change.get(first.get(key)! - 1) ?? 0) + points); // while the band before is at work
    change.set(last.get(key)! + 1, (change.get(last.get(key)! + 1) ?? 0) - points);
  }
  let now = 0, most = 0;
  for (const band of [...change.keys()].sort((a, b) => a - b)) most = Math.max(most, now += change.get(band)!);
  return most;
}
