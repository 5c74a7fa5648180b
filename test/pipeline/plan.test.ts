import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canopyParams } from '../../src/pipeline/canopy-params.ts';
import { canopyHalos } from '../../src/pipeline/halo.ts';
import { reasonsDue } from '../../src/pipeline/why.ts';
import { box, changedUnits, jobOf, keysOf, lidarFile, planOf, standEntry, surveyOf } from './plans.ts';

/** Four files in a row of four tiles of 500 m, each 100 m from the borders of its tile: farther than any halo here. */
const ROW = [0, 1, 2, 3].map((i) => lidarFile(`${i}.las`, box(i * 500 + 100, 100, i * 500 + 400, 400)));
const STANDS = [standEntry('west', box(10, 10, 90, 90)), standEntry('east', box(990, 110, 1090, 190))];

describe('what a change runs again', () => {
  const before = planOf(surveyOf(ROW, STANDS));

  test('an edited stand: measure, in the tiles that it touches', () => {
    const after = planOf(surveyOf(ROW, [STANDS[0]!, standEntry('east', STANDS[1]!.box, 'another hash')]));
    expect(changedUnits(before, after, 'measure')).toEqual(['1000_0', '500_0']);
    expect(changedUnits(before, after, 'canopy')).toEqual([]);
    expect(changedUnits(before, after, 'bucket')).toEqual([]);
    expect(changedUnits(before, after, 'merge')).toHaveLength(1);
  });

  test('a new LiDAR file: the tiles whose halo it reaches, and no other', () => {
    const file = lidarFile('new.las', box(700, 200, 990, 300)), after = planOf(surveyOf([...ROW, file], STANDS));
    const haloM = canopyHalos(canopyParams(jobOf(), 'classified')).points;
    expect(haloM).toBeGreaterThan(10);
    expect(haloM).toBeLessThan(100);
    expect(changedUnits(before, after, 'canopy')).toEqual(['1000_0', '500_0']); // its own, and the one 10 m to the east; the western is 200 m off
    expect(changedUnits(before, after, 'measure')).toEqual(['1000_0', '500_0']);
    expect(changedUnits(before, after, 'bucket')).toHaveLength(1);
  });

  test('a file with other bytes: its bucket and the tiles that it reaches', () => {
    const after = planOf(surveyOf([lidarFile('0.las', ROW[0]!.box, 'other bytes'), ...ROW.slice(1)], STANDS));
    expect(changedUnits(before, after, 'bucket')).toHaveLength(1);
    expect(changedUnits(before, after, 'canopy')).toEqual(['0_0']);
  });

  test.each([
    ['an equation', { allometry: { dbh: 'jucker-2017/nearctic-conifer' } }, { bucket: 0, canopy: 0, measure: 4 }],
    ['where canopy is open', { openings: { below_m: 3 } }, { bucket: 0, canopy: 0, measure: 4 }],
    ['the smallest opening', { openings: { min_area_m2: 20 } }, { bucket: 0, canopy: 0, measure: 0 }],
    ['the crowns', { crowns: { method: 'silva' } }, { bucket: 0, canopy: 4, measure: 4 }],
    ['dropped returns', { inputs: { lidar: { files: ['*.las'], drop: ['noise'] } } }, { bucket: 4, canopy: 4, measure: 4 }],
    ['workers and exports', { run: { workers: 7 }, exports: [{ layer: 'trees', file: 't.csv' }] }, { bucket: 0, canopy: 0, measure: 0 }],
  ])('%s: no more than what reads it', (_, keys, counts) => {
    const after = planOf(surveyOf(ROW, STANDS), { job: jobOf(keys) });
    for (const [kind, count] of Object.entries(counts)) expect(changedUnits(before, after, kind as 'canopy'), kind).toHaveLength(count);
  });

  test('nothing, when the survey moves to another folder', () => {
    const moved = ROW.map((file) => ({ ...file, path: file.path.replace('/survey', '/archive/2026') }));
    const after = planOf(surveyOf(moved, STANDS), { output: '/archive/2026/out', jobFile: '/archive/2026/job.yaml' });
    for (const kind of ['bucket', 'canopy', 'measure'] as const) expect(changedUnits(before, after, kind)).toEqual([]);
  });

  test('nothing, when files are named in another order', () => {
    const after = planOf(surveyOf([...ROW].reverse(), STANDS));
    for (const kind of ['canopy', 'measure'] as const) expect(changedUnits(before, after, kind)).toEqual([]);
  });
});

test('tiles stand on the origin of the CRS: another extent of the data moves none', () => {
  fc.assert(fc.property(fc.integer({ min: -900, max: 900 }), fc.integer({ min: -900, max: 900 }), fc.integer({ min: 1, max: 400 }), (x, y, side) => {
    const tiles = [...keysOf(planOf(surveyOf([lidarFile('a.las', box(x, y, x + side, y + side))])), 'canopy').keys()];
    expect(tiles.length).toBeGreaterThan(0);
    for (const tile of tiles) for (const corner of tile.split('_')) expect(Math.abs(Number(corner)) % 500).toBe(0);
  }), { numRuns: 50, seed: 3 });
});

test('tasks come after what they need, and a bucket in the first band that needs it', () => {
  const { tasks } = planOf(surveyOf(ROW, STANDS)), rank = new Map(tasks.map(({ key }, i) => [key, i]));
  for (const { key, needs } of tasks) for (const need of needs) expect(rank.get(need)!).toBeLessThan(rank.get(key)!);
  expect(tasks.at(-1)!.kind).toBe('merge');
});

test('two copies of one file are decoded once', () => {
  const plan = planOf(surveyOf([ROW[0]!, { ...ROW[0]!, path: '/survey/lidar/copy.las' }]));
  expect(plan.tasks.filter(({ kind }) => kind === 'bucket')).toHaveLength(1);
});

test('a run id is the start in UTC and a hash of the plan, not of the time', () => {
  const first = planOf(surveyOf(ROW)), second = planOf(surveyOf(ROW)), other = planOf(surveyOf(ROW.slice(1)));
  expect(first.run_id).toMatch(/^20260601T000000Z-[0-9a-f]{8}$/);
  expect(second.run_id).toBe(first.run_id);
  expect(other.run_id).not.toBe(first.run_id);
});

test('a plan says what changed since the last merge', () => {
  const merged = { job: jobOf(), inputs: ROW.map(({ path, fingerprint }) => ({ path, fingerprint })), models: [], failures: [] };
  expect(reasonsDue(planOf(surveyOf(ROW)), null)).toEqual(['nothing has been merged yet']);
  expect(reasonsDue(planOf(surveyOf(ROW)), merged)).toEqual([]);
  const files = [lidarFile('0.las', ROW[0]!.box, 'other'), ...ROW.slice(2), lidarFile('new.las', ROW[1]!.box)];
  expect(reasonsDue(planOf(surveyOf(files), { job: jobOf({ crowns: { max_radius_m: 6 }, run: { workers: 3 } }) }), merged))
    .toEqual(['crowns.max_radius_m changed in the job file', 'new: new.las', 'gone: 1.las', 'changed: 0.las']);
});
