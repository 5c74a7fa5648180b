// The shipped models of cells and trees: they run, give what the training's own arithmetic gives, and their figures reach the stands.
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAnyCard } from '../../src/infer/card.ts';
import type { TableCard } from '../../src/infer/card.ts';
import { isTableCard } from '../../src/infer/card.ts';
import { checkModel } from '../../src/infer/check-model.ts';
import { runRows } from '../../src/infer/regress-table.ts';
import { openSession } from '../../src/infer/session.ts';
import { METRICS } from '../../src/cloud/metric-names.ts';
import { openDuck } from '../../src/store/duck.ts';
import { runVariant, writeVariant } from '../pipeline/survey.ts';

const dirOf = (name: string): string => fileURLToPath(new URL(`../../models/${name}`, import.meta.url));

interface Rows {
  columns: string[];
  rows: { row: number[]; value: number; sd: number }[];
}

/** Rows that are no plot's and no tree's, with what the training script says of them in double precision. */
const rowsOf = async (name: string): Promise<Rows> => JSON.parse(await readFile(new URL(`${name}.json`, import.meta.url), 'utf8')) as Rows;

async function cardOf(name: string): Promise<TableCard> {
  const card = await readAnyCard(dirOf(name));
  if (!isTableCard(card)) throw new Error(`${name} is no table model`);
  return card;
}

/** Values and deviations of rows, in the card's order of columns. */
async function valuesOf(name: string, rows: readonly number[][]): Promise<{ values: (number | null)[]; sds: (number | null)[] }> {
  const card = await cardOf(name), session = await openSession(join(dirOf(name), 'model.onnx'), { providers: ['cpu'] });
  try {
    const { variables } = await runRows(card, session, card.post.columns.map((_, c) => rows.map((row) => row[c]!))), [first] = card.outputs;
    return { values: variables[first!.variable]!, sds: variables[`${first!.variable}_sd`]! };
  } finally {
    await session.close();
  }
}

describe.each(['stand-volume-boreal', 'tree-dbh'])('%s', (name) => {
  test('passes the check of models: card, hash, graph, warm-up', async () => {
    expect(await checkModel(dirOf(name))).toMatchObject({ problems: [], ran: { settled: { provider: 'cpu' } } });
  });

  test('gives what the training gives, within the tolerance of its card', async () => {
    const card = await cardOf(name), { columns, rows } = await rowsOf(name), { values, sds } = await valuesOf(name, rows.map(({ row }) => row));
    expect(card.post.columns).toEqual(columns);
    expect(rows.length).toBeGreaterThan(20);
    rows.forEach(({ value, sd }, i) => {
      expect(Math.abs(values[i]! - value), `value of row ${i}`).toBeLessThanOrEqual(card.tolerance);
      expect(Math.abs(sds[i]! - sd), `sd of row ${i}`).toBeLessThanOrEqual(card.tolerance);
    });
  });

  test('says where and on what it was scored, with an interval, and what its columns were like', async () => {
    const { scores, input, post } = await cardOf(name);
    expect(scores.filter(({ metric }) => metric.startsWith('rmse')).every(({ interval, split }) => interval !== undefined && split !== '')).toBe(true);
    expect(Object.keys(input.statistics)).toEqual(post.columns);
    const within = scores.find(({ metric }) => metric === 'within_limits_percent')!.value;
    expect(within).toBeGreaterThan(93);
    expect(within).toBeLessThan(97);
  });
});

describe('stand volume', () => {
  test('reads LiDAR metrics that a cell has', async () => {
    const names = new Set(METRICS.map(({ name }) => name));
    expect((await cardOf('stand-volume-boreal')).post.columns.filter((column) => !names.has(column))).toEqual([]);
  });

  test('a cell of bare ground has next to none; taller and denser forest has more', async () => {
    const columns = (await cardOf('stand-volume-boreal')).post.columns;
    // heights of a stand of height h whose crowns return a share of the pulses: ground below, returns evenly from h / 2 to h above
    const cell = (h: number, share: number) => columns.map((column) => {
      const canopy = column.startsWith('f_') ? share : share / 2, below = Number(/zpcum(\d)/.exec(column)?.[1] ?? NaN) / 10;
      if (column.endsWith('zmean')) return canopy * 0.75 * h;
      if (column.endsWith('zq95')) return h * (1 - 0.025 / canopy);
      return h === 0 ? 0 : 100 * (1 - canopy + canopy * Math.max(0, (below - 0.5) / 0.5));
    });
    const { values } = await valuesOf('stand-volume-boreal', [cell(0, 0.5), cell(10, 0.5), cell(15, 0.5), cell(20, 0.5), cell(20, 0.8)]);
    expect(values[0]).toBeLessThan(5);
    for (let i = 1; i < values.length; i++) expect(values[i], `forest ${i}`).toBeGreaterThan(values[i - 1]! + 10);
  });
});

describe('stem diameter', () => {
  test('a taller or wider tree of a group is never thinner, whatever the sizes', async () => {
    const steps = Array.from({ length: 25 }, (_, i) => i / 24), fixed = [1, 3, 6, 12];
    // of each group and fixed size: 25 trees that grow taller, then 25 whose crown grows wider
    const series = [0, 1].flatMap((group) => fixed.flatMap((size) => [steps.map((s) => [1 + 69 * s, size, group]), steps.map((s) => [3 * size, 0.5 + 29.5 * s, group])]));
    const { values } = await valuesOf('tree-dbh', series.flat());
    series.forEach((trees, k) => {
      const found = values.slice(k * steps.length, (k + 1) * steps.length) as number[];
      found.slice(1).forEach((value, i) => expect(value, `${trees[i + 1]!.join(', ')}`).toBeGreaterThanOrEqual(found[i]! - 1e-4));
      expect(found.at(-1)!).toBeGreaterThan(1.5 * found[0]!);
    });
  });

  test('a tree whose group is not known has no diameter by it', async () => {
    const card = await cardOf('tree-dbh'), session = await openSession(join(dirOf('tree-dbh'), 'model.onnx'), { providers: ['cpu'] });
    expect((await runRows(card, session, [[20], [6], [null]])).variables['dbh_cm']).toEqual([null]);
    await session.close();
  });
});

describe('a survey', () => {
  let scratch: string;
  const query = async (model: string, sql: string): Promise<unknown[][]> => {
    const duck = await openDuck(join(scratch, `${model}.duckdb`), { readOnly: true });
    try {
      return (await duck.connection.runAndReadAll(sql)).getRowsJS();
    } finally {
      duck.close();
    }
  };
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'understory-tables-'));
    // the second run finds the canopy parts of the first
    for (const model of ['stand-volume-boreal', 'tree-dbh']) {
      const job = await writeVariant(join(scratch, 'job'), { tileM: 500, edit: (text) => text.replace(/models:\n.*\n/, `models:\n  - { use: ${model} }\n`) });
      await runVariant(job);
      await copyFile(join(dirname(job), 'out', 'survey.duckdb'), join(scratch, `${model}.duckdb`));
    }
  }, 120_000);
  afterAll(() => rm(scratch, { recursive: true }));

  test('has a volume with its deviation in each cell with returns, and in stands with limits that hold it', async () => {
    const [[cells, sds, least]] = await query('stand-volume-boreal', "SELECT count(*)::INT, count(sd)::INT, min(value) FROM cell_model WHERE model = 'stand-volume-boreal' AND variable = 'volume_m3_per_ha'") as [[number, number, number]];
    expect(cells).toBeGreaterThan(20);
    expect(sds).toBe(cells);
    expect(least).toBeGreaterThanOrEqual(0);
    const stands = await query('stand-volume-boreal', 'SELECT volume_m3_per_ha, volume_m3_per_ha_lo, volume_m3_per_ha_hi FROM stand_metrics WHERE volume_m3_per_ha IS NOT NULL') as [number, number, number][];
    expect(stands.length).toBeGreaterThan(1);
    for (const [volume, low, high] of stands) {
      expect(low).toBeGreaterThan(0);
      expect(low).toBeLessThan(volume);
      expect(volume).toBeLessThan(high);
    }
    // the mean of the stands lies within the cells' range
    const [[lowest, highest]] = await query('stand-volume-boreal', "SELECT min(value), max(value) FROM cell_model WHERE variable = 'volume_m3_per_ha'") as [[number, number]];
    for (const [volume] of stands) {
      expect(volume).toBeGreaterThan(lowest);
      expect(volume).toBeLessThan(highest);
    }
  });

  test('has diameters by the model with limits, and no interval of basal area: one deviation cannot be split into a tree\'s and a place\'s', async () => {
    const [[trees, byModel, held]] = await query('tree-dbh', "SELECT count(*)::INT, count(*) FILTER (dbh_equation = 'model:tree-dbh')::INT, count(*) FILTER (dbh_cm_lo < dbh_cm AND dbh_cm < dbh_cm_hi)::INT FROM tree WHERE source = 'lidar'") as [[number, number, number]];
    expect(trees).toBeGreaterThan(100);
    expect([byModel, held]).toEqual([trees, trees]);
    const [[stands, areas, limits]] = await query('tree-dbh', 'SELECT count(*)::INT, count(basal_area_m2_per_ha)::INT, count(basal_area_m2_per_ha_lo)::INT FROM stand_metrics WHERE basal_area_m2_per_ha > 0') as [[number, number, number]];
    expect(areas).toBe(stands);
    expect(stands).toBeGreaterThan(1);
    expect(limits).toBe(0);
  });
});
