import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IoError } from '../../src/errors.ts';
import { canonicalHash } from '../../src/store/canonical.ts';
import { DATABASE_TABLES, tableOf } from '../../src/store/columns.ts';
import { openDuck } from '../../src/store/duck.ts';
import { buildDatabase, insertRows } from '../../src/store/merge.ts';
import { VIEWS, createSchema } from '../../src/store/schema.ts';
import { previousPath } from '../../src/store/swap.ts';
import { square, standPartRow, treeRow } from './rows.ts';
import { mergeSurvey, modelRow, reading, removeDir, runRow, select, standRow, temporaryDir, writeTiles } from './survey.ts';

let dir: string;
beforeEach(async () => { dir = await temporaryDir(); });
afterEach(() => removeDir(dir));

const trees = Array.from({ length: 30 }, (_, i) => treeRow({ treeId: `t${i}`, xM: i, heightM: 5 + (i * 7) % 11, flags: i % 2 ? ['near_void'] : [] }));
const cut = (size: number) => Object.fromEntries(
  Array.from({ length: Math.ceil(30 / size) }, (_, t) => [`${t}_0`, {
    tree: trees.slice(t * size, (t + 1) * size).map((row) => ({ ...row, tile: `${t}_0` })),
    tree_stand: trees.slice(t * size, (t + 1) * size).map(({ treeId }) => ({ standId: 's', treeId })),
    stand_part: [standPartRow({ standId: 's', validM2: 0.1 * size, stems: `${size / 10}` })],
  }]));

test('two tilings of one survey have one hash, row order and tile names aside', async () => {
  const rows = { stand: [standRow('s', 1)], run: [runRow], model: [modelRow({})] };
  const coarse = await mergeSurvey(dir, cut(30), rows), fine = await mergeSurvey(dir, Object.fromEntries(Object.entries(cut(7)).reverse()), rows, { filesPerStatement: 2 });
  expect({ ...fine.hashes, stand_part: null, stand_metrics: null }).toEqual({ ...coarse.hashes, stand_part: null, stand_metrics: null });
  expect(fine.hashes['tree']!.rows).toBe(30);
  expect(fine.hashes['tree']!.duckdb).toMatch(/^v1\./);
  expect(Object.keys(fine.hashes)).toEqual(['tree', 'tree_stand', 'cell', 'cell_model', 'stand', 'stand_part', 'stand_overlap', 'survey_part', 'gap', 'gap_stand', 'plot', 'plot_tree', 'stand_metrics', 'survey_metrics']);
});

test('the hash tells rows apart that differ in one value, and the same row twice from once, but not rows in another order', async () => {
  const { connection, close } = await openDuck();
  await createSchema(connection);
  const hashOf = async (...rows: object[]) => {
    await connection.run('DELETE FROM tree');
    await insertRows(connection, 'tree', rows, 'GEOMETRY');
    return (await canonicalHash(connection, 'tree')).sum;
  };
  const row = treeRow({ treeId: 'a' });
  const base = await hashOf(row);
  expect(await hashOf({ ...row, tile: '9_9' })).toBe(base);
  const others = [
    { ...row, heightM: 10.000001 }, { ...row, flags: ['x'] }, { ...row, flags: [''] }, { ...row, polygon: null }, { ...row, dbhCmLo: 20, dbhCm: null },
    { ...row, polygon: square(9, 19, 2.000001) },
  ];
  const sums = [base];
  for (const other of others) sums.push(await hashOf(other));
  sums.push(await hashOf(row, row));
  expect(await hashOf({ ...row, treeId: 'b' }, row)).toBe(await hashOf(row, { ...row, treeId: 'b' }));
  expect(new Set(sums).size).toBe(sums.length);
  close();
});

test('shares of a stand add up exactly: ten times 0.1 is 1', async () => {
  const tiles = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}_0`, { stand_part: [standPartRow({ standId: 's', validM2: 0.1, stems: '0.1', canopyM2: i === 0 ? 0.1 : null })] }]));
  const { path } = await mergeSurvey(dir, tiles, { stand: [standRow('s', 1)] });
  expect(await select(path, 'SELECT valid_m2::VARCHAR AS a, stems::VARCHAR AS s, canopy_m2::VARCHAR AS c, agb_kg AS g FROM stand_part')).toEqual([{ a: '1.000000', s: '1.000000000', c: '0.100000', g: null }]);
});

test('rows keep the order of the tiles', async () => {
  const { path } = await mergeSurvey(dir, cut(7), {}, { filesPerStatement: 2 });
  expect((await select(path, 'SELECT tree_id FROM tree')).map((row) => row['tree_id'])).toEqual(trees.map((row) => row.treeId));
});

test('of two trees with one id the higher stays, with the stands of its own tile', async () => {
  const { path } = await mergeSurvey(dir, {
    '0_0': { tree: [treeRow({ treeId: 'twin', heightM: 9, xM: 9.999 }), treeRow({ treeId: 'other' })], tree_stand: [{ standId: 'west', treeId: 'twin' }, { standId: 'west', treeId: 'other' }] },
    '10_0': { tree: [treeRow({ treeId: 'twin', heightM: 11, xM: 10, tile: '10_0' })], tree_stand: [{ standId: 'east', treeId: 'twin' }] },
  });
  expect(await select(path, 'SELECT tree_id, height_m, tile FROM tree ORDER BY tree_id')).toEqual([{ tree_id: 'other', height_m: 10, tile: '0_0' }, { tree_id: 'twin', height_m: 11, tile: '10_0' }]);
  expect(await select(path, 'SELECT stand_id, tree_id FROM tree_stand ORDER BY tree_id')).toEqual([{ stand_id: 'west', tree_id: 'other' }, { stand_id: 'east', tree_id: 'twin' }]);
});

test('every table, view and column says what it means', async () => {
  const { path } = await mergeSurvey(dir, {}, { run: [runRow] }, { note: 'One file could not be read: its area is unknown.' });
  const silent = await select(path, `SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = ''`);
  expect(silent).toEqual([]);
  const columns = await select(path, 'SELECT count(*) AS n FROM duckdb_columns() WHERE NOT internal');
  expect(Number(columns[0]!['n'])).toBe([...DATABASE_TABLES.map((name) => tableOf(name)), ...Object.values(VIEWS)].reduce((sum, { columns: list }) => sum + list.length, 0));
  const notes = await select(path, `SELECT comment FROM duckdb_tables() UNION ALL SELECT comment FROM duckdb_views() WHERE NOT internal`);
  expect(notes.length).toBe(DATABASE_TABLES.length + 2);
  for (const { comment } of notes) expect(comment).toContain('its area is unknown');
});

test('the views have exactly the columns that the dictionary names, in its order and types', async () => {
  const { path } = await mergeSurvey(dir, {});
  for (const [name, view] of Object.entries(VIEWS)) {
    const found = await select(path, `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '${name}' ORDER BY column_index`);
    expect(found.map((row) => [row['column_name'], row['data_type']])).toEqual(view.columns.map((column) => [column.name, column.type]));
  }
});

test('geometry carries the CRS of the survey', async () => {
  const crs = JSON.stringify({ type: 'ProjectedCRS', name: "a 'quoted' CRS", base_crs: { name: 'WGS 84' } });
  const { path } = await mergeSurvey(dir, { '0_0': { tree: [treeRow({ treeId: 'a' })] } }, { stand: [standRow('s', 1)] }, { crsProjjson: crs });
  expect(await select(path, 'SELECT ST_CRS(geometry) AS crs, ST_AsText(geometry) AS wkt FROM tree')).toEqual([{ crs, wkt: 'POLYGON ((9 19, 11 19, 11 21, 9 21, 9 19))' }]);
});

test('yesterday stays beside today, and a failed merge leaves today as it was', async () => {
  const of = (treeId: string) => ({ '0_0': { tree: [treeRow({ treeId })] } });
  const { path } = await mergeSurvey(dir, of('first'));
  await mergeSurvey(dir, of('second'));
  const id = async (file: string) => (await select(file, 'SELECT tree_id FROM tree'))[0]!['tree_id'];
  expect([await id(path), await id(previousPath(path))]).toEqual(['second', 'first']);
  await expect(buildDatabase(path, { tiles: [{ tile: '0_0', tables: { tree: [join(dir, 'lost.parquet')] } }], rows: {} })).rejects.toThrow(IoError);
  expect([await id(path), await id(previousPath(path))]).toEqual(['second', 'first']);
  expect((await readdir(dir)).filter((name) => name.includes('.tmp'))).toEqual([]);
});

test('what a killed merge left is swept away by the next', async () => {
  const path = join(dir, 'survey.duckdb'), { writeFile } = await import('node:fs/promises');
  for (const left of ['survey.duckdb.12.ab.tmp', 'survey.duckdb.12.ab.tmp.wal']) await writeFile(join(dir, left), 'x');
  await buildDatabase(path, { tiles: await writeTiles(dir, {}), rows: {} });
  await access(path);
  expect((await readdir(dir)).filter((name) => name.includes('.tmp'))).toEqual([]);
});

test('rows of the survey may come as a stream longer than one batch', async () => {
  async function* gaps() {
    for (let i = 0; i < 50_000; i++) yield { gapId: `-${i}_0`, standId: 's', areaM2: 10.25 };
  }
  const { path } = await mergeSurvey(dir, {}, { gap_stand: gaps() });
  expect(await select(path, 'SELECT count(*)::INTEGER AS n, sum(area_m2)::VARCHAR AS m2 FROM gap_stand')).toEqual([{ n: 50_000, m2: '512500.000000' }]);
});

test('a hash does not depend on threads', async () => {
  const { path } = await mergeSurvey(dir, cut(7));
  const sums = await reading(path, async (connection) => {
    const one = await canonicalHash(connection, 'tree');
    await connection.run('SET threads = 4');
    return [one, await canonicalHash(connection, 'tree')];
  });
  expect(sums[0]).toEqual(sums[1]);
});
