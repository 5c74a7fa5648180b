import { afterEach, beforeEach, expect, test } from 'vitest';
import { standPartRow, treeRow, type TreeRow } from './rows.ts';
import { mergeSurvey, modelRow, removeDir, select, standRow, temporaryDir, type TileRows } from './survey.ts';

let dir: string;
beforeEach(async () => { dir = await temporaryDir(); });
afterEach(() => removeDir(dir));

type Figures = Record<string, number | string | bigint | null>;

/** `stand_metrics` by stand and `survey_metrics`, of one tile. */
async function figures(stands: object[], tile: TileRows, rows: Record<string, object[]> = {}) {
  const { path } = await mergeSurvey(dir, { '0_0': tile }, { stand: stands, ...rows });
  const list = (await select(path, 'SELECT * FROM stand_metrics ORDER BY stand_id')) as Figures[];
  return { of: Object.fromEntries(list.map((row) => [row['stand_id'], row])), survey: (await select(path, 'SELECT * FROM survey_metrics'))[0] as Figures };
}

const inStand = (standId: string, trees: readonly TreeRow[]) => trees.map(({ treeId }) => ({ standId, treeId }));
const tree = (treeId: string, heightM: number, dbhCm: number | null, more: Partial<TreeRow> = {}) => treeRow({ treeId, heightM, dbhCm, ...more });

test('a stand of which a third is void divides by the two thirds that were seen', async () => {
  // 1.5 ha, 1 ha valid. Trees: 20 m with D 40, 10 m with D 20, 6 m with D 20.
  const trees = [tree('a', 20, 40, { agbKg: 900, carbonKg: 423 }), tree('b', 10, 20, { agbKg: 90, carbonKg: 42.3 }), tree('c', 6, 20, { agbKg: 10, carbonKg: 4.7 })];
  const { of } = await figures([standRow('s', 1.5)], {
    tree: trees, tree_stand: inStand('s', trees),
    stand_part: [standPartRow({ standId: 's', validM2: 10_000, canopyM2: 6000, crownM2: 4500 })],
    cell: [],
  }, { gap_stand: [{ gapId: '-1_1', standId: 's', areaM2: 30 }, { gapId: '-9_1', standId: 's', areaM2: 20 }] });
  const g40 = Math.PI * 0.04, g20 = Math.PI * 0.01; // pi (D/200)^2
  const s = of['s']!;
  expect(s).toMatchObject({
    area_ha: 1.5, valid_ha_lidar: 1, valid_share: 0.666667, stems_per_ha: 3, mean_height_m: 12, dominant_height_m: 12,
    agb_t_per_ha: 1, carbon_t_per_ha: 0.47, canopy_cover: 0.6, crown_cover: 0.45, gap_share: 0.005, gap_count: 2n,
    valid_ha_image: null, stems_per_ha_image: null, dead_share_stems: 0,
  });
  expect(s['basal_area_m2_per_ha']).toBeCloseTo(g40 + 2 * g20, 6); // 0.188496
  expect(s['lorey_height_m']).toBeCloseTo((20 * 4 + 10 + 6) / 6, 6); // weights 4 : 1 : 1
  expect(s['qmd_cm']).toBeCloseTo(Math.sqrt((1600 + 400 + 400) / 3), 6); // 28.284
  expect(s['sdi']).toBeCloseTo(3 * (Math.sqrt(800) / 25.4) ** 1.605, 6);
});

test('the tallest hundred per valid hectare are dominant: two trees on 0.015 valid hectares', async () => {
  const trees = [tree('a', 30, 10), tree('b', 20, 10), tree('c', 10, 10)];
  const { of } = await figures([standRow('s', 0.02)], {
    tree: trees, tree_stand: inStand('s', trees), stand_part: [standPartRow({ standId: 's', validM2: 150, canopyM2: 150, crownM2: 12 })],
  });
  expect(of['s']).toMatchObject({ dominant_height_m: 25, stems_per_ha: 200 });
});

test('valid canopy without a tree is zero stems and biomass; a stand without valid canopy has no figure', async () => {
  const { of } = await figures([standRow('bare', 1), standRow('dark', 1), standRow('outside', 1)], {
    stand_part: [standPartRow({ standId: 'bare', canopyM2: 0, crownM2: 0 }), standPartRow({ standId: 'dark', validM2: 0, canopyM2: 0, crownM2: 0 })],
  });
  expect(of['bare']).toMatchObject({ stems_per_ha: 0, basal_area_m2_per_ha: 0, agb_t_per_ha: 0, sdi: 0, canopy_cover: 0, gap_count: 0n, gap_share: 0, mean_height_m: null, qmd_cm: null, lorey_height_m: null, dead_share_stems: null });
  for (const stand of ['dark', 'outside']) {
    const { stand_id: _, area_ha, valid_ha_lidar, valid_share, flags, ...rest } = of[stand]!;
    expect([area_ha, valid_ha_lidar, valid_share, flags]).toEqual([1, 0, 0, ['mostly_void']]);
    expect(Object.entries(rest).filter(([, value]) => value !== null)).toEqual([]);
  }
});

test('a tree in two overlapping stands counts in both, and once in the survey', async () => {
  const trees = [tree('a', 12, 20), tree('b', 8, 20), tree('alone', 4, 20)];
  const { of, survey } = await figures([standRow('s', 1), standRow('t', 1)], {
    tree: trees,
    tree_stand: [{ standId: 's', treeId: 'a' }, { standId: 't', treeId: 'a' }, { standId: 't', treeId: 'b' }],
    stand_part: [standPartRow({ standId: 's' }), standPartRow({ standId: 't' })],
    survey_part: [{ ...standPartRow({ standId: '', validM2: 20_000, canopyM2: 8000, crownM2: 2000 }), standId: undefined }].map(({ standId: _, ...row }) => row),
  }, { gap: [{ gapId: '-1_1', xM: 0, yM: 0, areaM2: 100, polygons: null }] });
  expect([of['s']!['stems_per_ha'], of['t']!['stems_per_ha'], of['t']!['mean_height_m']]).toEqual([1, 2, 10]);
  expect(survey).toMatchObject({ area_ha: null, valid_share: null, valid_ha_lidar: 2, stems_per_ha: 1.5, mean_height_m: 8, canopy_cover: 0.4, crown_cover: 0.1, gap_share: 0.005, gap_count: 1n });
});

test('one tree without a diameter leaves basal area unknown, not smaller', async () => {
  const trees = [tree('a', 20, 40), tree('b', 10, null)];
  const { of } = await figures([standRow('s', 1)], { tree: trees, tree_stand: inStand('s', trees), stand_part: [standPartRow({ standId: 's' })] });
  expect(of['s']).toMatchObject({ stems_per_ha: 2, basal_area_m2_per_ha: null, qmd_cm: null, lorey_height_m: null, sdi: null, mean_height_m: 15 });
});

test("basal area of predicted diameters is brought back by the equation's square factor", async () => {
  const trees = [tree('a', 20, 20, { dbhEquation: 'e' }), tree('b', 20, 20)];
  const { of } = await figures([standRow('s', 1)], { tree: trees, tree_stand: inStand('s', trees), stand_part: [standPartRow({ standId: 's' })] },
    { equation: [{ equationId: 'e', gives: 'dbh_cm', sigma: 0.32, tau: null, squareFactor: 0.5, needs: [], source: 'fit' }] });
  expect(of['s']!['basal_area_m2_per_ha']).toBeCloseTo(Math.PI * 0.01 * 1.5, 6);
  expect(of['s']!['qmd_cm']).toBeCloseTo(Math.sqrt(400 * 0.75), 6);
});

test('dead shares count trees of known status only', async () => {
  const trees = [
    tree('a', 20, 20, { status: 'dead', crownAreaM2: 1 }), tree('b', 20, 40, { status: 'alive', crownAreaM2: 3 }), tree('c', 20, 20, { status: 'unknown', crownAreaM2: 50 }),
  ];
  const { of } = await figures([standRow('s', 1)], { tree: trees, tree_stand: inStand('s', trees), stand_part: [standPartRow({ standId: 's' })] });
  expect(of['s']).toMatchObject({ dead_share_stems: 0.5, dead_share_crown_area: 0.25, dead_share_basal_area: 0.2 });
});

test('density of the primary model divides by what the model saw, and its trees are no LiDAR stems', async () => {
  const trees = [tree('a', 20, 20), tree('image', 20, 20, { source: 'stems' })];
  const { of } = await figures([standRow('s', 1)], {
    tree: trees, tree_stand: inStand('s', trees),
    stand_part: [
      standPartRow({ standId: 's' }),
      standPartRow({ standId: 's', source: 'stems', validM2: 5000, canopyM2: null, crownM2: null, stems: '123.456000001' }),
      standPartRow({ standId: 's', source: 'other', validM2: 5000, canopyM2: null, crownM2: null, stems: '7' }),
    ],
  }, { model: [modelRow({}), modelRow({ model: 'other', isPrimary: false })] });
  expect(of['s']).toMatchObject({ stems_per_ha: 1, valid_ha_image: 0.5, stems_per_ha_image: 246.912 });
});

test('with a canopy height model alone, its valid area is what trees are divided by', async () => {
  const trees = [tree('a', 20, 20, { source: 'chm' })];
  const { of } = await figures([standRow('s', 1)], { tree: trees, tree_stand: inStand('s', trees), stand_part: [standPartRow({ standId: 's', source: 'chm', validM2: 5000 })] });
  expect(of['s']).toMatchObject({ valid_ha_lidar: 0.5, stems_per_ha: 2 });
});

const equation = (equationId: string, more: object) => ({ equationId, gives: equationId.startsWith('d') ? 'dbh_cm' : 'agb_kg', needs: [], validRange: null, sigma: 0.3, tau: 0.2, squareFactor: 1, dbhExponent: null, onDbhEquation: null, source: 'test', ...more });

/** Limits of a log-normal sum of mean S with relative variance r. */
const limits = (mean: number, r: number): [number, number] => {
  const v = Math.log(1 + r);
  return [mean * Math.exp(-v / 2 - 1.96 * Math.sqrt(v)), mean * Math.exp(-v / 2 + 1.96 * Math.sqrt(v))];
};
const expectLimits = (row: Figures, name: string, [low, high]: [number, number]): void => {
  expect(row[`${name}_lo`]).toBeCloseTo(low, 5);
  expect(row[`${name}_hi`]).toBeCloseTo(high, 5);
};
const stemFields = (dbhEquation: string | null, agbEquation: string | null, agbKg: number) => ({ dbhEquation, agbEquation, agbKg, carbonKg: 0.47 * agbKg });

test('two species groups in one stand, a third of it void: limits of basal area, biomass and carbon by hand', async () => {
  // conifers: two of D 20; broadleaves: one of D 40. 1 of 1.5 ha valid.
  const trees = [tree('a', 20, 20, stemFields('dg', 'g', 100)), tree('b', 20, 20, stemFields('dg', 'g', 300)), tree('c', 20, 40, stemFields('da', 'a', 600))];
  const equations = [equation('dg', { squareFactor: 1.5 }), equation('da', { sigma: 0.4, tau: 0.1, squareFactor: 0.5 }), equation('g', { sigma: 0.5, tau: 0.4 }), equation('a', { sigma: 0.2, tau: 0.3 })];
  const { of, survey } = await figures([standRow('s', 1.5)], { tree: trees, tree_stand: inStand('s', trees), stand_part: [standPartRow({ standId: 's' })], survey_part: [{ ...standPartRow({ standId: '' }), standId: undefined }].map(({ standId: _, ...row }) => row) }, { equation: equations });
  // in units of pi/100 m2: two of 1.5 by dg (S 3, Q 4.5), one of 4 x 0.5 by da (S 2, Q 4); errors count twice
  const e = Math.exp, g = Math.PI * 0.01;
  const basal = (4.5 * (e(0.6 ** 2) - 1) * e(0.4 ** 2) + 9 * (e(0.4 ** 2) - 1) + 4 * (e(0.8 ** 2) - 1) * e(0.2 ** 2) + 4 * (e(0.2 ** 2) - 1)) / 25;
  expect(of['s']!['basal_area_m2_per_ha']).toBeCloseTo(5 * g, 6);
  expectLimits(of['s']!, 'basal_area_m2_per_ha', limits(5 * g, basal));
  const agb = (100_000 * (e(0.25) - 1) * e(0.16) + 160_000 * (e(0.16) - 1) + 360_000 * (e(0.04) - 1) * e(0.09) + 360_000 * (e(0.09) - 1)) / 1e6;
  expectLimits(of['s']!, 'agb_t_per_ha', limits(1, agb));
  expectLimits(of['s']!, 'carbon_t_per_ha', limits(0.47, agb));
  expectLimits(survey, 'agb_t_per_ha', limits(1, agb));
  expect([of['s']!['valid_share'], of['s']!['flags']]).toEqual([0.666667, []]);
});

test('two biomass equations on one predicted diameter share its errors', async () => {
  const trees = [tree('a', 20, 20, stemFields('d', 'p+d', 100)), tree('b', 20, 20, stemFields('d', 'q+d', 100))];
  const tau = (own: number, k: number) => Math.hypot(own, k * 0.2), pair = (id: string, own: number, k: number) => equation(id, { sigma: 0, tau: tau(own, k), dbhExponent: k, onDbhEquation: 'd' });
  const { of } = await figures([standRow('s', 1)], { tree: trees, tree_stand: inStand('s', trees), stand_part: [standPartRow({ standId: 's' })] }, { equation: [equation('d', {}), pair('p+d', 0.1, 2), pair('q+d', 0.3, 2.5)] });
  const e = Math.exp, r = (e(tau(0.1, 2) ** 2) - 1 + (e(tau(0.3, 2.5) ** 2) - 1) + 2 * (e(0.4 * 0.5) - 1)) / 4;
  expectLimits(of['s']!, 'agb_t_per_ha', limits(0.2, r));
});

test('an unknown tau, sigma or square factor of one equation leaves the whole interval NULL, and says so', async () => {
  const trees = ['no-tau', 'no-sigma'].flatMap((id) => [tree(`${id}/a`, 20, 20, stemFields('d', 'g', 100)), tree(`${id}/b`, 20, 20, stemFields('d', id, 100))]);
  const { of } = await figures([standRow('no-tau', 1), standRow('no-sigma', 1)], {
    tree: trees, tree_stand: trees.map(({ treeId }) => ({ standId: treeId.split('/')[0], treeId })), stand_part: [standPartRow({ standId: 'no-tau' }), standPartRow({ standId: 'no-sigma' })],
  }, { equation: [equation('d', { squareFactor: null }), equation('g', {}), equation('no-tau', { tau: null }), equation('no-sigma', { sigma: null })] });
  for (const stand of [of['no-tau']!, of['no-sigma']!]) {
    expect(stand).toMatchObject({
      agb_t_per_ha: 0.2, agb_t_per_ha_lo: null, agb_t_per_ha_hi: null, carbon_t_per_ha_lo: null, basal_area_m2_per_ha_lo: null, basal_area_m2_per_ha_hi: null, volume_m3_per_ha: null,
      flags: ['no_interval_basal_area', 'no_interval_agb'],
    });
    expect(stand['basal_area_m2_per_ha']).toBeCloseTo(2 * Math.PI * 0.01, 6);
  }
});

test('a tree in two overlapping stands brings its errors to both, and once to the survey; a measured one brings none', async () => {
  const trees = [tree('a', 12, 20, stemFields('d', 'g', 100)), tree('b', 8, 20, stemFields('d', 'g', 100)), tree('measured', 8, 20, stemFields(null, null, 100))];
  const row = (standId: string) => standPartRow({ standId });
  const { of, survey } = await figures([standRow('s', 1), standRow('t', 1), standRow('u', 1)], {
    tree: trees, tree_stand: [{ standId: 's', treeId: 'a' }, { standId: 't', treeId: 'a' }, { standId: 't', treeId: 'b' }, { standId: 'u', treeId: 'measured' }],
    stand_part: [row('s'), row('t'), row('u')], survey_part: [{ ...row(''), validM2: 20_000, standId: undefined }].map(({ standId: _, ...rest }) => rest),
  }, { equation: [equation('d', {}), equation('g', {})] });
  const e = Math.exp, of1 = (n: number) => (n * (e(0.09) - 1) * e(0.04) + n * n * (e(0.04) - 1));
  expectLimits(of['s']!, 'agb_t_per_ha', limits(0.1, of1(1)));
  expectLimits(of['t']!, 'agb_t_per_ha', limits(0.2, of1(2) / 4));
  expectLimits(of['u']!, 'agb_t_per_ha', [0.1, 0.1]);
  expectLimits(survey, 'agb_t_per_ha', limits(0.15, of1(2) / 9)); // 0.3 t on 2 ha
});

test('stems are corrected by the detection rate of their height, with its error; without plots, or for a height without one, not', async () => {
  const trees = [tree('a', 25, 20), tree('b', 22, 20), tree('c', 8, 20)], tile = { tree: trees, tree_stand: inStand('s', trees), stand_part: [standPartRow({ standId: 's', validM2: 5000 })] };
  const rate = (layer: string, fromM: number | null, toM: number | null, of: number, logError: number | null) => ({ layer, fromM, toM, rate: of, logError, source: 'plots' });
  const low = rate('low', null, 10, 0.25, 0.3), tall = rate('tall', 10, null, 0.8, 0.1), all = rate('all', null, null, 0.5, 0.2), e = Math.exp;
  const by = async (detection: object[]) => (await figures([standRow('s', 1)], tile, { detection })).of['s']!;
  const corrected = await by([low, tall, all]); // classes before all: 2 / 0.8 + 1 / 0.25 = 6.5 on half a hectare
  expect(corrected).toMatchObject({ stems_per_ha: 6, stems_per_ha_corrected: 13 });
  expectLimits(corrected, 'stems_per_ha_corrected', limits(13, (2.5 ** 2 * (e(0.01) - 1) + 4 ** 2 * (e(0.09) - 1)) / 6.5 ** 2));
  expect(await by([tall])).toMatchObject({ stems_per_ha_corrected: null, stems_per_ha_corrected_lo: null });
  expect(await by([{ ...all, logError: null }])).toMatchObject({ stems_per_ha_corrected: 12, stems_per_ha_corrected_lo: null });
});

test('a biomass map beside the trees: its figure, and a flag where it lies outside their interval', async () => {
  const trees = ['near', 'far'].map((id) => tree(id, 20, 20, stemFields('d', 'g', 100))), map = (standId: string, agbKg: string) => standPartRow({ standId, source: 'map', validM2: 5000, canopyM2: null, crownM2: null, agbKg });
  const { of } = await figures([standRow('near', 1), standRow('far', 1)], {
    tree: trees, tree_stand: trees.map(({ treeId }) => ({ standId: treeId, treeId })), stand_part: [standPartRow({ standId: 'near' }), map('near', '60'), standPartRow({ standId: 'far' }), map('far', '500')],
  }, { equation: [equation('d', {}), equation('g', {})], model: [modelRow({ model: 'map', task: 'regress-raster' })] });
  expect(of['near']).toMatchObject({ agb_t_per_ha_cells: 0.12, agb_t_per_ha_cells_lo: null, stems_per_ha_corrected: null, flags: [] });
  expect(of['far']).toMatchObject({ agb_t_per_ha_cells: 1, flags: ['agb_differs'] });
});

test('counts of canopy and image that differ by more than half of the larger are flagged', async () => {
  const stems = { close: '1.9', more: '2.1', fewer: '0.4' }, ids = Object.keys(stems), trees = ids.map((id) => tree(id, 20, 20));
  const { of } = await figures(ids.map((id) => standRow(id, 1)), {
    tree: trees, tree_stand: ids.map((id) => ({ standId: id, treeId: id })),
    stand_part: Object.entries(stems).flatMap(([standId, count]) => [standPartRow({ standId }), standPartRow({ standId, source: 'stems', canopyM2: null, crownM2: null, stems: count })]),
  }, { model: [modelRow({})] });
  expect(ids.map((id) => of[id]!['flags'])).toEqual([[], ['counts_differ'], ['counts_differ']]);
});
