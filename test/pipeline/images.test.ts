// Every kind of model on the sample: what each gives, joined to the LiDAR, the same whatever the tiling.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunRecord } from '../../src/pipeline/run-record.ts';
import { openDuck } from '../../src/store/duck.ts';
import { QUERIES } from '../../src/store/sql/queries.ts';
import { runVariant, writeVariant } from './survey.ts';

const models = fileURLToPath(new URL('../../data-samples/models', import.meta.url));
const LINES = `models:
  - { name: stems, use: models/red-density, on: ortho }
  - { name: boxes, use: models/bright-boxes, on: ortho }
  - { name: dead, use: models/red-probability, on: ortho }
  - { name: height, use: models/band-height, on: ortho }
  - { name: alive, use: models/classify-red, on: ortho }
  - { name: biomass, use: models/table-agb }
`;

let scratch: string, whole: RunRecord, job: string;

async function writeWithModels(name: string, tileM: number): Promise<string> {
  const path = await writeVariant(join(scratch, name), { tileM, workers: 2, edit: (text) => text.replace(/models:\n.*\n/, LINES) });
  await cp(models, join(scratch, name, 'models'), { recursive: true });
  return path;
}

async function rowsOf(path: string, sql: string): Promise<unknown[][]> {
  const duck = await openDuck(join(dirname(path), 'out', 'survey.duckdb'), { readOnly: true });
  try {
    return (await duck.connection.runAndReadAll(sql)).getRowsJS();
  } finally {
    duck.close();
  }
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-images-'));
  job = await writeWithModels('whole', 500);
  whole = (await runVariant(job)).record;
});
afterAll(() => rm(scratch, { recursive: true }));

describe('a survey with models of every task', () => {
  test('is the same in tiles of 60 m and of 500 m: trees, cells, stands and maps', async () => {
    const { record } = await runVariant(await writeWithModels('small', 60));
    expect(record.canonical).toEqual(whole.canonical);
    expect(record.canonical_rasters).toEqual(whole.canonical_rasters);
    expect(record.models.map(({ domain }) => domain)).toEqual(whole.models.map(({ domain }) => domain)); // of patches, boxes, crops and tables
  });

  test('says what its table models read: each cell that was run, once', async () => {
    const [[cells, least, most]] = await rowsOf(job, "SELECT count(*)::INT, min(zq95), max(zq95) FROM cell JOIN cell_model USING (cell_id) WHERE model = 'biomass' AND variable = 'agb'") as [[number, number, number]];
    expect(cells).toBeGreaterThan(10);
    expect(whole.models.find(({ name }) => name === 'biomass')!.domain).toMatchObject({ bands: { zq95: { pixels: cells, min: least, max: most } }, outputs: { agb: { count: cells } }, notes: ['no statistics on the card'] });
  });

  test('keeps LiDAR trees under their ids, and adds trees that only a model sees under its name', async () => {
    const sources = await rowsOf(job, 'SELECT source, count(*)::INT, count(height_m)::INT FROM tree GROUP BY source ORDER BY source') as [string, number, number][];
    expect(sources.map(([source]) => source)).toContain('lidar');
    expect(sources.length).toBeGreaterThan(1);
    for (const [source, n, heights] of sources) expect(heights, source).toBe(source === 'lidar' ? n : 0);
    expect(await rowsOf(job, "SELECT count(*)::INT FROM tree WHERE source <> 'lidar' AND tree_id NOT LIKE 'tiny:' || source || ':%'")).toEqual([[0]]);
  });

  test('says which models see a LiDAR tree, and puts their trees beside those of the canopy and the density, stand by stand', async () => {
    const [[seen, scored, both]] = await rowsOf(job, "SELECT count(*) FILTER (list_contains(flags, 'seen_by:boxes'))::INT, count(confidence)::INT, count(*) FILTER (list_contains(flags, 'seen_by:boxes') AND confidence IS NULL)::INT FROM tree WHERE source = 'lidar'") as [[number, number, number]];
    expect(seen).toBeGreaterThan(5);
    expect(scored).toBeGreaterThanOrEqual(seen); // boxes have scores
    expect(both).toBe(0);
    const rows = await rowsOf(job, `SELECT stand_id, model, trees::INT, trees_per_ha FROM (${QUERIES['counts']!.sql})`) as [string, string, number, number | null][];
    expect(rows.length).toBeGreaterThan(3);
    for (const [stand, model, trees, perHa] of rows) {
      const [[counted]] = await rowsOf(job, `SELECT count(*)::INT FROM tree JOIN tree_stand USING (tree_id) WHERE stand_id = '${stand}' AND (source = '${model}' OR list_contains(flags, 'seen_by:${model}'))`) as [[number]];
      expect(trees, `${stand} ${model}`).toBe(counted);
      expect(perHa === null, model).toBe(model === 'boxes'); // boxes have no map that says what was seen
    }
  });

  test('says which crowns are dead, by the classifier first, with the dead share of their pixels', async () => {
    const [[known, shares]] = await rowsOf(job, "SELECT count(*) FILTER (status <> 'unknown')::INT, count(dead_fraction)::INT FROM tree WHERE source = 'lidar'") as [[number, number]];
    expect(known).toBeGreaterThan(100);
    expect(shares).toBeGreaterThan(100);
    expect(await rowsOf(job, 'SELECT count(*)::INT FROM tree WHERE dead_fraction < 0 OR dead_fraction > 1')).toEqual([[0]]);
    expect((await rowsOf(job, 'SELECT count(dead_share_stems)::INT FROM stand_metrics'))[0]![0]).toBeGreaterThan(0);
  });

  test('maps heights with their deviation, and biomass by cells with an interval that holds it', async () => {
    expect(Object.keys(whole.canonical_rasters)).toEqual(expect.arrayContaining(['height', 'height_sd', 'stems', 'dead']));
    const [[n, sds]] = await rowsOf(job, "SELECT count(*)::INT, count(sd)::INT FROM cell_model WHERE model = 'height' AND variable = 'height_m'") as [[number, number]];
    expect(n).toBeGreaterThan(10);
    expect(sds).toBe(n);
    const figures = await rowsOf(job, 'SELECT agb_t_per_ha_cells_lo < agb_t_per_ha_cells AND agb_t_per_ha_cells < agb_t_per_ha_cells_hi FROM stand_metrics WHERE agb_t_per_ha_cells IS NOT NULL');
    expect(figures.length).toBeGreaterThan(0);
    expect(figures.every(([holds]) => holds)).toBe(true);
  });
});

describe('a model that reads what earlier tasks make', () => {
  /** The sample with an area, a model on the picture and the LiDAR's CHM, and one on that model's map. */
  async function writeChained(name: string, tileM: number): Promise<string> {
    const lines = `models:
  - { name: height, use: models/chm-height, on: [ortho, chm] }
  - { name: again, use: models/height-again, on: [ortho, height] }
`;
    const path = await writeVariant(join(scratch, name), { tileM, workers: 2, edit: (text) => `${text.replace(/models:\n.*\n/, lines)}area: area.geojson\n` }), dir = join(scratch, name);
    for (const [model, band] of [['chm-height', 'chm'], ['height-again', 'height_m']] as const) {
      await cp(join(models, 'band-height'), join(dir, 'models', model), { recursive: true });
      const card = join(dir, 'models', model, 'card.json');
      await writeFile(card, (await readFile(card, 'utf8')).replaceAll('"nir"', `"${band}"`).replace('"band-height"', `"${model}"`));
    }
    const ring = [[320070, 4100070], [320097, 4100070], [320097, 4100103], [320070, 4100103], [320070, 4100070]];
    await writeFile(join(dir, 'area.geojson'), JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32611' } }, features: [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } }] }));
    return path;
  }

  test('gives one map whatever the tiling, at the edge of the area too', async () => {
    const [small, large] = [await runVariant(await writeChained('chained-60', 60)), await runVariant(await writeChained('chained-500', 500))];
    expect(small!.record.canonical_rasters['again']!.valid_px).toBe(54 * 66); // 27 m x 33 m at 0.5 m
    expect(small!.record.canonical_rasters).toEqual(large!.record.canonical_rasters);
    expect(small!.record.canonical).toEqual(large!.record.canonical);
  });
});

describe('a survey of pictures alone', () => {
  /** Points, boxes and a map of dead wood, all of what is red; the points come first. */
  const three = LINES.split('\n').filter((line) => /^models|stems|boxes|dead/.test(line)).join('\n');
  async function runWithout(name: string, tileM: number): Promise<string> {
    const path = await writeVariant(join(scratch, name), { tileM, edit: (text) => text.replace(/^ +lidar: .*\n/m, '').replace(/models:\n.*\n/, `${three}\n`) });
    await cp(models, join(scratch, name, 'models'), { recursive: true });
    await runVariant(path);
    return path;
  }

  test('has one row for a tree that several models see, under the first one\'s name with the crown that the next gives, whatever the tiling', async () => {
    const treesOf = (path: string) => rowsOf(path, 'SELECT tree_id, source, x_m, y_m, crown_area_m2, confidence, status, flags::VARCHAR FROM tree ORDER BY tree_id'), whole = await runWithout('pictures-500', 500), trees = await treesOf(whole);
    const [[points, shared, withoutCrown]] = await rowsOf(whole, "SELECT count(*)::INT, count(*) FILTER (list_contains(flags, 'seen_by:boxes'))::INT, count(*) FILTER (list_contains(flags, 'seen_by:boxes') AND (crown_area_m2 IS NULL OR confidence IS NULL))::INT FROM tree WHERE source = 'stems'") as [[number, number, number]];
    expect(points).toBeGreaterThan(20);
    expect(shared).toBeGreaterThan(10);
    expect(shared).toBeLessThan(points);
    expect(withoutCrown).toBe(0);
    // no box is left that has a point for its nearest which has it for its nearest, within 3 m
    const [[left]] = await rowsOf(whole, `WITH pair AS (SELECT a.tree_id AS point, b.tree_id AS box, (a.x_m - b.x_m) ** 2 + (a.y_m - b.y_m) ** 2 AS d2 FROM tree a, tree b WHERE a.source = 'stems' AND b.source = 'boxes' AND NOT list_contains(a.flags, 'seen_by:boxes'))
      SELECT count(*)::INT FROM (SELECT point, arg_min(box, d2) AS box, min(d2) AS d2 FROM pair GROUP BY point) p JOIN (SELECT box, arg_min(point, d2) AS point FROM pair GROUP BY box) q USING (point, box) WHERE d2 < 8.9`) as [[number]];
    expect(left).toBeLessThan(shared / 4); // some were nearest to one that another has
    expect(await rowsOf(whole, "SELECT count(*)::INT FROM tree WHERE source = 'stems' AND list_contains(flags, 'seen_by:dead') AND status <> 'dead'")).toEqual([[0]]);
    for (const tileM of [60, 100]) expect(await treesOf(await runWithout(`pictures-${tileM}`, tileM)), `${tileM} m`).toEqual(trees);
  });
});
