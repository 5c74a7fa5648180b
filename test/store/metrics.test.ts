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
    const { stand_id: _, area_ha, valid_ha_lidar, valid_share, ...rest } = of[stand]!;
    expect([area_ha, valid_ha_lidar, valid_share]).toEqual([1, 0, 0]);
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
    { equation: [{ equationId: 'e', gives: 'dbh_cm', sigma: 0.32, tau: null, squareFactor: 0.5, source: 'fit' }] });
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
