import { expect, test } from 'vitest';
import { inputRows } from '../../src/pipeline/tasks/input-rows.ts';
import type { ImageLayer } from '../../src/pipeline/survey.ts';
import { box, lidarFile, planOf, surveyOf } from './plans.ts';

test('input_file says the CRS that each file is in, of rasters that were resampled too', () => {
  const window = { col: 0, row: -100, width: 100, height: 100 }, pixels = { x0: -119, y0: 37, resX: 1e-5, resY: 1e-5, width: 100, height: 100, epsg: 4326 };
  const layer = (name: string, more: object): ImageLayer => ({ name, bands: ['red'], lattice: { resM: 1, x0M: 0, y0M: 0 }, window, box: box(0, 0, 100, 100), files: [{ path: `/survey/${name}.tif`, fingerprint: name, bytes: 1, window, ...more }] });
  const plan = planOf({ ...surveyOf([lidarFile('a.las', box(0, 0, 100, 100))]), images: [layer('own', {}), layer('degrees', { pixels })] });
  const rows = inputRows(plan, new Map()) as { input: string; crs: string }[];
  expect(rows.map(({ input, crs }) => [input, crs])).toEqual([['lidar', 'EPSG:32611'], ['own', 'EPSG:32611'], ['degrees', 'EPSG:4326']]);
});
