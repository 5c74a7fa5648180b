import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from '../../src/cli/commands/evaluate.ts';
import { UsageError } from '../../src/errors.ts';
import { crsFromEpsg, toLonLat } from '../../src/geo/crs.ts';
import { evaluateReference } from '../../src/pipeline/evaluation.ts';
import type { Evaluation, EvaluationOptions, ReferenceFiles } from '../../src/pipeline/evaluation.ts';
import { openInventory } from '../../src/pipeline/inventory-source.ts';
import { kindOfReference } from '../../src/pipeline/reference-files.ts';
import { encodeGeoTiff } from '../../src/raster/geotiff-encode.ts';
import { readPlotTrees, readPlots } from '../../src/ingest/plots.ts';
import { openDuck } from '../../src/store/duck.ts';
import { insertRows } from '../../src/store/merge.ts';
import { createSchema } from '../../src/store/schema.ts';
import { treeRow } from '../store/rows.ts';
import { mergeSurvey, reading, removeDir, runRow, temporaryDir } from '../store/survey.ts';

/** A survey of 100 x 60 m near 320000, 4100000 whose eastern 20 m are void; trees stand every 10 m along y = 30. */
const X = 320_000, Y = 4_100_000, surveyCrs = crsFromEpsg(32611);
let dir: string, database: string, raster: string;

beforeAll(async () => {
  dir = await temporaryDir();
  const trees = [5, 15, 25, 35, 45, 55, 65, 75].map((x) => treeRow({ treeId: `s:lidar:${x}`, xM: X + x, yM: Y + 30, heightM: 20, dbhCm: 30, agbKg: 500 }));
  const image = treeRow({ treeId: 's:stems:1', source: 'stems', xM: X + 10, yM: Y + 30, heightM: null });
  const cells = [0, 20, 40, 60, 80].flatMap((x) => [0, 20, 40].map((y) => ({ cellId: `${X + x}_${Y + y}`, tile: '0_0', xM: X + x + 10, yM: Y + y + 10, validAreaM2: x < 80 ? 400 : 0 })));
  const parts = { surveyPart: [{ source: 'lidar', validM2: 4800, canopyM2: 0, crownM2: 0, deadM2: null, stems: null, agbKg: null }] };
  ({ path: database } = await mergeSurvey(dir, { '0_0': { tree: [...trees, image], cell: cells, survey_part: parts.surveyPart } }, { run: [runRow] }));
  const window = { col: X, row: -(Y + 60), width: 100, height: 60 }, valid = new Uint8Array(6000);
  for (let i = 0; i < 6000; i++) valid[i] = i % 100 < 80 ? 1 : 0;
  raster = join(dir, 'rasters', 'valid_area.tif');
  await mkdir(join(dir, 'rasters'));
  await writeFile(raster, encodeGeoTiff({ lattice: { resM: 1, x0M: 0, y0M: 0 }, window, bands: [valid], epsg: 32611 }));
}, 60_000);
afterAll(() => removeDir(dir));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text);
  return join(dir, name);
}

const evaluateFiles = (files: ReferenceFiles, options: Partial<EvaluationOptions> = {}, validArea: string | null = raster): Promise<Evaluation> => reading(database, async (connection) => {
  const source = await openInventory(connection, { validArea });
  try {
    return await evaluateReference(source, files, { surveyCrs, nameOf: () => 'ref', ...options });
  } finally {
    await source.close();
  }
});

const valueOf = ({ rows }: Evaluation, metric: string, stratum = 'all'): number | null | undefined => rows.find((row) => row.stratum === stratum && row.metric === metric)?.value;
const listOf = (trees: [number, number, number | string][]): string => `tree_no,x,y,height_m,dbh_cm\n${trees.map(([x, y, height], i) => `${i + 1},${X + x},${Y + y},${height},28`).join('\n')}\n`;

describe('mapped trees', () => {
  test('are judged inside the area given: a found tree outside is not false, a listed one outside is left out', async () => {
    const trees = await file('trees.csv', listOf([[5, 31, 20.5], [15, 30, 19.5], [25, 50, 20], [45, 30, 20]]));
    const ring = [[0, 0], [40, 0], [40, 60], [0, 60], [0, 0]].map(([x, y]) => [X + x!, Y + y!]);
    const area = await file('area.geojson', JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features: [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } }] }));
    const evaluation = await evaluateFiles({ trees, area });
    // inside: 4 found at 5, 15, 25, 35; 3 listed, of which those at 5 and 15 m pair
    expect([valueOf(evaluation, 'precision'), valueOf(evaluation, 'recall')]).toEqual([0.5, 0.666667]);
    expect(valueOf(evaluation, 'height_bias_m')).toBe(0); // -0.5 and 0.5
    expect(valueOf(evaluation, 'position_rmse_m')).toBe(0.707107); // 1 m and 0 m
    expect(valueOf(evaluation, 'dbh_bias_cm')).toBe(2);
    expect(evaluation.notes.join('\n')).toMatch(/1 of 4 reference trees stand outside/);
  });

  test('without an area are judged inside their hull, which is said', async () => {
    const trees = await file('hull.csv', listOf([[5, 10, 20], [35, 10, 20], [35, 50, 20], [5, 50, 20], [25, 30, 20]]));
    const evaluation = await evaluateFiles({ trees });
    expect([valueOf(evaluation, 'precision'), valueOf(evaluation, 'recall')]).toEqual([0.333333, 0.2]); // inside the hull 15, 25 and, on its half-open western border, 5
    expect(evaluation.notes[0]).toMatch(/convex hull of the reference trees/);
  });

  test('that stand in a void are no misses', async () => {
    const trees = await file('void.csv', listOf([[5, 30, 20], [90, 30, 20]]));
    for (const validArea of [raster, null]) {
      const evaluation = await evaluateFiles({ trees }, {}, validArea);
      expect(valueOf(evaluation, 'recall')).toBe(1);
      expect(evaluation.notes.join('\n')).toMatch(/1 of 2 reference trees stand where the survey has no valid canopy height/);
    }
  });

  test('without a height are no targets, and make no found tree false', async () => {
    const trees = await file('no-height.csv', listOf([[5, 30, 20], [15, 30, ''], [5, 40, 20], [20, 30, 20], [20, 40, 20]]));
    const evaluation = await evaluateFiles({ trees });
    expect(valueOf(evaluation, 'recall')).toBe(0.25);
    expect(valueOf(evaluation, 'precision')).toBe(1);
  });

  test('none of which has a height are no reference: no recall of 0 is printed, and what is missing is said', async () => {
    const { rows, notes } = await evaluateFiles({ trees: await file('no-heights.csv', listOf([[5, 30, ''], [15, 30, ''], [60, 50, '']])) });
    expect(rows).toEqual([]);
    expect(notes.join('\n')).toMatch(/no tree has height_m; nothing can be matched/);
    const inPlots = await evaluateFiles({ plots: await file('one.csv', `plot_id,x,y,radius_m\nA,${X + 20},${Y + 30},10\n`), trees: await file('in-plot.csv', `plot_id,tree_no,x,y,dbh_cm\nA,1,${X + 15},${Y + 30},30\n`) });
    expect(inPlots.rows.filter(({ of }) => of === 'trees')).toEqual([]);
    expect(valueOf(inPlots, 'stems_per_ha_measured_mean')).toBeCloseTo(10_000 / (Math.PI * 100), 4);
    expect(inPlots.notes.join('\n')).toMatch(/the trees have no height_m: they are summed by plot/);
  });

  test('none of which stands on the survey may be in another CRS, which is said', async () => {
    const { rows, notes } = await evaluateFiles({ trees: await file('elsewhere.csv', listOf([[5000, 30, 20], [5015, 30, 20]])) });
    expect(rows).toEqual([]);
    expect(notes.at(-1)).toMatch(/no reference tree stands on the survey: check the CRS/);
  });

  test('in so few places that there are no limits say so', async () => {
    const few = await evaluateFiles({ trees: await file('few.csv', listOf([[5, 30, 20], [15, 30, 20]])) });
    expect(few.rows.every(({ lo }) => lo === null)).toBe(true);
    expect(few.notes.join('\n')).toMatch(/no intervals for the trees: with fewer than 5 plots or blocks/);
  });

  test('in another CRS are brought to the survey\'s', async () => {
    const [lon, lat] = toLonLat(surveyCrs)(X + 35, Y + 30), trees = await file('lonlat.csv', `tree_no,lon,lat,height_m\n1,${lon},${lat},20\n`);
    const evaluation = await evaluateFiles({ trees });
    expect(valueOf(evaluation, 'recall')).toBe(1);
    expect(valueOf(evaluation, 'position_rmse_m')).toBeLessThan(0.02); // degrees are rounded to 1e-7
  });
});

describe('plots', () => {
  const plots = `plot_id,x,y,radius_m,agb_t_per_ha\nA,${X + 20},${Y + 30},10,40\nB,${X + 60},${Y + 30},10,\nC,${X + 86},${Y + 30},9,10\n`;

  test('are compared as sums over their valid hectares; a plot that is void is left out and named', async () => {
    const evaluation = await evaluateFiles({ plots: await file('plots.csv', plots), trees: await file('plot_trees.csv', 'plot_id,tree_no,dbh_cm,height_m\nA,1,30,20\nB,1,30,20\nB,2,20,10\nB,3,5,4\nC,1,30,20\n') }, { minDbhCm: 7 });
    const ha = Math.PI * 100 / 10_000;
    // A holds the trees at 15 and 25 m, B those at 55 and 65 m
    expect(valueOf(evaluation, 'stems_per_ha_measured', 'plot:A')).toBeCloseTo(1 / ha, 5);
    expect(valueOf(evaluation, 'stems_per_ha_estimated', 'plot:A')).toBeCloseTo(2 / ha, 5);
    expect(valueOf(evaluation, 'stems_per_ha_measured', 'plot:B')).toBeCloseTo(2 / ha, 5); // the stem of 5 cm is below the least diameter
    expect(valueOf(evaluation, 'stems_per_ha_bias')).toBeCloseTo(0.5 / ha, 5);
    expect(valueOf(evaluation, 'mean_height_m_bias')).toBeCloseTo(2.5, 6); // 0 and 20 - 15
    expect(valueOf(evaluation, 'agb_t_per_ha_bias')).toBeCloseTo(2 * 0.5 / ha - 40, 5); // A alone has its biomass measured
    expect(evaluation.rows.some(({ stratum }) => stratum === 'plot:C')).toBe(false);
    expect(evaluation.notes.join('\n')).toMatch(/1 of 3 plots are left out .*: C \(11 %\)/);
    expect(evaluation.detection).toEqual([{ layer: 'all', fromM: null, toM: null, rate: 1.333333, logError: expect.any(Number), source: 'ref' }]);
  });

  test('whose trees were mapped judge found trees one by one as well', async () => {
    const mapped = `plot_id,tree_no,x,y,dbh_cm,height_m\nA,1,${X + 15},${Y + 30},30,20\nA,2,${X + 20},${Y + 35},30,20\nB,1,${X + 55},${Y + 30},30,20\n`;
    const evaluation = await evaluateFiles({ plots: await file('plots.csv', plots), trees: await file('mapped.csv', mapped) });
    expect([valueOf(evaluation, 'precision'), valueOf(evaluation, 'recall')]).toEqual([0.5, 0.666667]);
    expect(evaluation.notes[0]).toMatch(/inside 3 plots/);
  });

  test('with an area beside them are refused: they state their own', async () => {
    await expect(evaluateFiles({ plots: await file('plots.csv', plots), area: 'area.geojson' })).rejects.toThrow(UsageError);
  });
});

describe('a reference file', () => {
  test('is told by its columns', async () => {
    expect(await kindOfReference(await file('a.csv', 'x;y;height_m;dbh_cm\n'))).toBe('trees');
    expect(await kindOfReference(await file('b.csv', 'x,y,height_m\n'))).toBe('trees');
    expect(await kindOfReference(await file('c.csv', 'plot_id,x,y,radius_m,height_m\n'))).toBe('plots');
    expect(await kindOfReference('plots.gpkg')).toBe('plots');
    await expect(kindOfReference(await file('d.csv', 'x,y,colour\n'))).rejects.toThrow(/its columns are x, y, colour/);
    await expect(kindOfReference(await file('e.csv', 'plot_id,radius_m,dbh_cm\n'))).rejects.toThrow(/--trees/);
  });
});

test('the rows of an evaluation, its detection rates and its plots fill their tables', async () => {
  const plots = await file('plots.csv', `plot_id,x,y,radius_m\nA,${X + 20},${Y + 30},10\n`), trees = await file('mapped.csv', `plot_id,tree_no,x,y,height_m\nA,1,${X + 15},${Y + 30},20\n`);
  const { rows } = await evaluateFiles({ plots, trees }), duck = await openDuck();
  try {
    await createSchema(duck.connection);
    const tables = { evaluation: rows, plot: readPlots(plots, { surveyCrs }), plot_tree: readPlotTrees(trees, { surveyCrs }) };
    for (const [name, list] of Object.entries(tables)) await insertRows(duck.connection, name as keyof typeof tables, list, 'GEOMETRY');
    const read = async (sql: string): Promise<unknown[]> => (await duck.connection.runAndReadAll(sql)).getRowsJS()[0]!;
    expect(await read("SELECT value, lo, n FROM evaluation WHERE of = 'trees' AND stratum = 'all' AND metric = 'precision'")).toEqual([0.5, null, 2n]);
    expect(await read('SELECT plot_id, radius_m, round(area_ha, 6), stems_per_ha FROM plot')).toEqual(['A', 10, 0.031416, null]);
    expect(await read('SELECT plot_id, tree_no, x_m, height_m, dbh_cm, layer FROM plot_tree')).toEqual(['A', '1', X + 15, 20, null, null]);
  } finally {
    duck.close();
  }
});

test('the command writes every score as a row, and the same ones each time', async () => {
  const trees = await file('trees.csv', listOf([[5, 31, 20.5], [15, 30, 19.5], [35, 35, 20]])), output = join(dir, 'scores.csv');
  await evaluate(database, { reference: trees, output });
  const first = await readFile(output, 'utf8'), [head, ...lines] = first.trim().split('\r\n');
  expect(head).toBe('reference,of,stratum,metric,value,lo,hi,n');
  expect(lines.every((line) => line.split(',').length === 8 && line.includes(',trees,'))).toBe(true);
  expect(lines.find((line) => line.includes(',all,recall,'))).toBe(`${trees},trees,all,recall,0.666667,,,3`);
  await rm(output);
  await evaluate(database, { reference: trees, output });
  expect(await readFile(output, 'utf8')).toBe(first);
  await expect(evaluate(database, { reference: trees, trees })).rejects.toThrow(/lists trees already/);
});
