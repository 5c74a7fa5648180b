import { expect, test } from 'vitest';
import { durationText } from '../../src/cli/check-text.ts';
import { bytesText, columnsText } from '../../src/cli/text.ts';
import { estimateRun } from '../../src/pipeline/estimate.ts';
import type { LidarFile } from '../../src/pipeline/survey.ts';
import { box, jobOf, lidarFile, planOf, surveyOf } from './plans.ts';

const cloud = (name: string, at: ReturnType<typeof box>, pointCount: number): LidarFile => ({ ...lidarFile(name, at), pointCount });
const strips = (rows: number, pointCount: number): LidarFile[] => Array.from({ length: rows }, (_, row) => cloud(`${row}.las`, box(100, row * 500 + 100, 400, row * 500 + 400), pointCount));

test('the time is within the range for what was measured: 181 million points on two workers in 387 s, 2.8 million in 13 s', () => {
  for (const [points, measured] of [[181_398_400, 387], [11_337_400, 37.7], [2_834_350, 12.7], [37_657, 5]] as const) {
    const { seconds } = estimateRun(planOf(surveyOf([cloud('a.las', box(0, 0, 999, 999), points)])), 2);
    expect(seconds![0], `${points}`).toBeLessThan(measured);
    expect(seconds![1], `${points}`).toBeGreaterThan(measured);
    expect(seconds![1] / seconds![0]).toBeLessThan(6); // a wider range would say nothing
  }
});

test('disk is within the range for what bcts took: 20 ha, 8.5 MB of parts, 6.3 MB of database, 3.2 MB of rasters', () => {
  const { areaHa, parts, database, rasters } = estimateRun(planOf(surveyOf([cloud('a.las', box(0, 0, 207, 973), 2_834_350)])), 2);
  expect(areaHa).toBeCloseTo(20.14, 1);
  for (const [[low, high], measured] of [[parts, 8.534e6], [database, 6.304e6], [rasters, 3.182e6]] as const) {
    expect(low).toBeLessThan(measured);
    expect(high).toBeGreaterThan(measured);
  }
});

test('twice the workers, about half the time; a finer CHM, more disk', () => {
  const plan = planOf(surveyOf([cloud('a.las', box(0, 0, 999, 999), 1e9)])), [one, two] = [estimateRun(plan, 1), estimateRun(plan, 2)];
  expect(one.seconds![1] / two.seconds![1]).toBeCloseTo(2, 2);
  const finer = estimateRun(planOf(surveyOf([cloud('a.las', box(0, 0, 999, 999), 1e9)]), { job: jobOf({ chm: { resolution_m: 0.25 } }) }), 1);
  expect(finer.parts[1] / one.parts[1]).toBeCloseTo(4, 6);
});

test('buckets of a few bands are on disk at a time, not those of the survey', () => {
  const [few, many] = [5, 40].map((rows) => estimateRun(planOf(surveyOf(strips(rows, 1_000_000))), 2).scratch);
  expect(few).toBe(many);
  expect(many! / (1_000_000 * 25)).toBeGreaterThanOrEqual(2);
  expect(many! / (1_000_000 * 25)).toBeLessThanOrEqual(5);
});

test('files that overlap cover their ground once', () => {
  const twice = [cloud('a.las', box(0, 0, 499, 499), 10), cloud('b.las', box(0, 0, 499, 499), 10), cloud('c.las', box(0, 0, 499, 499), 10)], plan = planOf(surveyOf(twice));
  expect(estimateRun(plan, 1).areaHa).toBeLessThanOrEqual(plan.tasks.filter(({ kind }) => kind === 'measure').length * 25);
});

test('ranges are written in a unit that suits them', () => {
  expect(durationText([2, 10])).toBe('2 to 10 s');
  expect(durationText([100, 600])).toBe('1.7 to 10 min');
  expect(durationText([4000, 20_000])).toBe('1.1 to 5.6 h');
  expect([0, 999, 1000, 9949, 12_345, 3.4e9].map(bytesText)).toEqual(['0 B', '999 B', '1.0 KB', '9.9 KB', '12 KB', '3.4 GB']);
  expect(columnsText([['a', 'bb', 'c'], ['ddd', 'e', 'f f']])).toBe('a    bb  c\nddd  e   f f');
});
