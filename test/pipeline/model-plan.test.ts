import { describe, expect, test } from 'vitest';
import { mapReachM, networkOf } from '../../src/pipeline/plan-models.ts';
import type { Survey, SurveyModel } from '../../src/pipeline/survey.ts';
import { imageCard } from '../infer/fixtures.ts';
import { box, changedUnits, jobOf, keysOf, lidarFile, planOf, standEntry, surveyOf } from './plans.ts';

/** A density network with map pixels of 2.4 m, on an ortho of 0.6 m over x 0-1920. */
const card = imageCard({
  name: 'counter', version: '1.0.0', task: 'density', licence: 'CC0-1.0', sha256: '0'.repeat(64),
  input: { name: 'image', layout: 'NCHW', bands: ['red'], scale: 1, gsd_m: 0.6, gsd_range_m: [0.5, 0.7], patch_px: 256, margin_px: 32, stride_px: 4 },
  outputs: [{ name: 'density', variable: 'stems', unit: 'stems/px', stride_px: 4, range: [0, 5] }], post: { peak_threshold: 0.1, peak_radius_m: 2.4, localisation_error_m: 2 },
}, 'card');
const ortho = {
  name: 'ortho', bands: ['red'], lattice: { resM: 0.6, x0M: 0, y0M: 0 }, window: { col: 0, row: -1600, width: 3200, height: 1600 }, box: box(0, 0, 1920, 960),
  files: [{ path: '/survey/ortho.tif', fingerprint: 'ortho', bytes: 1, window: { col: 0, row: -1600, width: 3200, height: 1600 } }],
};
const model = (name: string, layer = ortho): SurveyModel => ({
  name, dir: `/models/${name}`, primary: name === 'stems', card, bands: [{ input: 0, role: 'red' }], grid: { lattice: layer.lattice, window: layer.window },
  inputs: [{ name: 'ortho', roles: ['red'], layer, product: null }], match: null,
});
const surveyWith = (models: SurveyModel[], stands = [standEntry('border', box(1000.3, 100, 1100, 200))]): Survey =>
  ({ ...surveyOf([lidarFile('a.las', box(100, 100, 1900, 900))], stands), images: [ortho], models });

describe('models in the plan', () => {
  test('a stand just beyond a tile belongs to its key when a map pixel of the tile reaches into it', () => {
    expect(mapReachM(surveyWith([model('stems')]))).toBeCloseTo(2.4, 9);
    const before = planOf(surveyWith([model('stems')])), after = planOf(surveyWith([model('stems')], [standEntry('border', box(1000.3, 100, 1100, 200), 'edited')]));
    expect(changedUnits(before, after, 'measure')).toContain('500_0'); // [998.4, 1000.8) has its centre west of x = 1000
  });

  test('a model under another name runs nothing again, and two names of one network run it once', () => {
    const one = planOf(surveyWith([model('stems')])), renamed = planOf(surveyWith([model('counts')])), both = planOf(surveyWith([model('stems'), model('counts')]));
    expect(changedUnits(one, renamed, 'model')).toEqual([]);
    expect(keysOf(both, 'model')).toEqual(keysOf(one, 'model'));
    expect(both.tasks.filter(({ kind }) => kind === 'model').map(({ key }) => key)).toHaveLength(new Set(keysOf(both, 'model').values()).size);
    expect([networkOf(both.survey, 0), networkOf(both.survey, 1)]).toEqual([0, 0]);
  });

  test('a model on canopy heights runs again when their unit is corrected', () => {
    const on = (zToMetre: number): Survey => ({ ...surveyWith([{ ...model('stems'), inputs: [{ name: 'chm', roles: ['red'], layer: ortho, product: null }] }]), chm: { ...ortho, name: 'chm', zToMetre } });
    expect(changedUnits(planOf(on(1)), planOf(on(1)), 'model')).toEqual([]);
    expect(changedUnits(planOf(on(1)), planOf(on(0.3048)), 'model').length).toBeGreaterThan(0);
  });

  test('what a model says of canopy heights beyond the LiDAR is measured as far as they reach, whatever the tiles', () => {
    const chm = { ...ortho, name: 'chm', zToMetre: 1 }, survey: Survey = { ...surveyOf([lidarFile('a.las', box(10, 10, 590, 950))]), chm, models: [{ ...model('stems'), inputs: [{ name: 'chm', roles: ['red'], layer: chm, product: null }] }] };
    const eastOf = (tileM: number) => Math.max(...[...keysOf(planOf(survey, { job: jobOf({ tiles: { size_m: tileM } }) }), 'measure').keys()].map((id) => Number(id.split('_')[0]) + tileM));
    expect([eastOf(100), eastOf(500)]).toEqual([2000, 2000]); // of 1920 m
  });

  test('without LiDAR and canopy heights, tiles that read the same blocks are still tasks of their own', () => {
    const plan = planOf({ ...surveyWith([model('stems')], []), lidar: [], canopySource: null }, { job: jobOf({ tiles: { size_m: 100 } }) });
    expect(keysOf(plan, 'measure').size).toBe(200); // 1920 m x 960 m in tiles of 100 m
    expect(new Set(keysOf(plan, 'measure').values()).size).toBe(200);
  });

  test('a moved survey, or one with a file that waits, merges nothing anew', () => {
    const before = planOf(surveyWith([model('stems')])), at = (path: string) => path.replace('/survey', '/elsewhere');
    const survey = surveyWith([model('stems')]), there = { ...ortho, files: ortho.files.map((file) => ({ ...file, path: at(file.path) })) };
    const moved = planOf({
      ...survey, models: [model('stems', there)], lidar: survey.lidar.map((file) => ({ ...file, path: at(file.path) })), images: [there],
      stands: { ...survey.stands!, path: at(survey.stands!.path) }, waiting: ['/elsewhere/lidar/young.las'], crs: { ...survey.crs, from: 'elsewhere' },
    }, { jobFile: '/elsewhere/job.yaml', output: '/elsewhere/out', job: jobOf() });
    expect(changedUnits(before, moved, 'merge')).toEqual([]);
  });
});
