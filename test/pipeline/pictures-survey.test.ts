import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crsFromEpsg } from '../../src/geo/crs.ts';
import { evaluateModelTrees } from '../../src/pipeline/pictures-survey.ts';
import type { ModelTreesOptions } from '../../src/pipeline/pictures-survey.ts';
import { square, treeRow } from '../store/rows.ts';
import { mergeSurvey, reading, removeDir, runRow, temporaryDir } from '../store/survey.ts';

/** `stems` saw crowns of 4 x 4 m every 10 m along y = 30; LiDAR has one of its own. */
const X = 320_000, Y = 4_100_000, surveyCrs = crsFromEpsg(32611);
let dir: string, database: string;

beforeAll(async () => {
  dir = await temporaryDir();
  const crown = (x: number) => treeRow({ treeId: `s:stems:${x}`, source: 'stems', xM: X + x, yM: Y + 30, heightM: null, confidence: 0.9, polygon: square(X + x - 2, Y + 28, 4) });
  ({ path: database } = await mergeSurvey(dir, { '0_0': { tree: [...[10, 20, 30, 40].map(crown), treeRow({ treeId: 's:lidar:1', xM: X + 25, yM: Y + 30 })] } }, { run: [runRow] }));
}, 60_000);
afterAll(() => removeDir(dir));

const polygons = (boxes: [number, number, number][]): string => JSON.stringify({
  type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } },
  features: boxes.map(([x, y, size]) => ({ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[[0, 0], [size, 0], [size, size], [0, size], [0, 0]].map(([dx, dy]) => [X + x + dx!, Y + y + dy!])] } })),
});
async function scored(name: string, text: string, options: Partial<ModelTreesOptions> = {}, model = 'stems') {
  const path = join(dir, name);
  await writeFile(path, text);
  return reading(database, (connection) => evaluateModelTrees(connection, model, path, { surveyCrs, radiusM: [3], ...options }));
}
const valueOf = ({ rows }: Awaited<ReturnType<typeof scored>>, metric: string) => rows.find((row) => row.stratum === 'all' && row.metric === metric)?.value;

test('points: two of the three mapped trees are the model\'s, one of its three inside the area is false, one outside is not judged', async () => {
  const area = join(dir, 'area.geojson');
  await writeFile(area, polygons([[0, 0, 35]]));
  const found = await scored('points.csv', `tree_no,x,y\n1,${X + 10},${Y + 31}\n2,${X + 20},${Y + 28}\n3,${X + 15},${Y + 5}\n4,${X + 60},${Y + 5}\n`, { area });
  expect(valueOf(found, 'recall_at_3m')).toBeCloseTo(2 / 3, 5);
  expect(valueOf(found, 'precision_at_3m')).toBeCloseTo(2 / 3, 5);
  expect(valueOf(found, 'position_rmse_m_at_3m')).toBeCloseTo(Math.sqrt((1 + 4) / 2), 5);
  expect(valueOf(found, 'count_bias')).toBe(0);
  expect(found.notes.join('\n')).toContain('1 of 4 reference trees stand outside the area');
  expect(found.notes.join('\n')).toContain('are lidar\'s and not among those of stems');
});

test('crowns by the boxes around them: one equal, one moved by half of its side, one 6 m wide around one of 4 m', async () => {
  const rows = polygons([[8, 28, 4], [20, 28, 4], [28, 26, 6], [80, 0, 4]]); // equal; 2 m east of 18..22; 6 x 6 around 4 x 4: 16 / 36
  const found = await scored('crowns.geojson', rows);
  expect(valueOf(found, 'recall_at_iou40')).toBe(0.5);
  expect(valueOf(found, 'mean_iou_at_iou40')).toBeCloseTo((1 + 16 / 36) / 2, 5);
});

test('a model without trees in the inventory is named, with those that have some', async () => {
  await expect(scored('points2.csv', `tree_no,x,y\n1,${X},${Y}\n`, {}, 'crowns')).rejects.toThrow('--of crowns: the inventory has no tree of crowns; it has 1 of lidar, 4 of stems');
});

test('a model all of whose trees stand under others is told so', async () => {
  const seen = await temporaryDir();
  try {
    const { path } = await mergeSurvey(seen, { '0_0': { tree: [treeRow({ treeId: 's:stems:1', source: 'stems', xM: X + 10, yM: Y + 30, heightM: null, flags: ['seen_by:boxes'] })] } }, { run: [runRow] });
    const truth = join(seen, 'points.csv');
    await writeFile(truth, `tree_no,x,y\n1,${X},${Y}\n`);
    await expect(reading(path, (connection) => evaluateModelTrees(connection, 'boxes', truth, { surveyCrs, radiusM: [3] }))).rejects.toThrow('All that it found stand under stems, which the job names first: name boxes first to have them');
  } finally {
    await removeDir(seen);
  }
});
