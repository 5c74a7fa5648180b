import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IoError, LockedError, UnderstoryError, UsageError } from '../../src/errors.ts';
import { openDuck } from '../../src/store/duck.ts';
import { resolveSql, runQuery, type QueryOptions } from '../../src/store/query.ts';
import { QUERIES } from '../../src/store/sql/queries.ts';
import { standPartRow, treeRow } from './rows.ts';
import { mergeSurvey, removeDir, runRow, select, standRow, temporaryDir } from './survey.ts';

let dir: string, database: string, secret: string;
beforeAll(async () => {
  dir = await temporaryDir();
  secret = join(dir, 'secret.csv');
  await writeFile(secret, 'a,b\n1,2\n');
  const trees = [treeRow({ treeId: 'a', heightM: 12.5, flags: ['x', 'y'] }), treeRow({ treeId: 'b "q", |', heightM: null, polygon: null })];
  ({ path: database } = await mergeSurvey(dir, { '0_0': { tree: trees, tree_stand: [{ standId: 's', treeId: 'a' }], stand_part: [standPartRow({ standId: 's' })] } }, { stand: [standRow('s', 1)], run: [runRow] }));
});
afterAll(() => removeDir(dir));

async function ask(sql: string, format = 'csv', more: Partial<QueryOptions> = {}): Promise<string> {
  const chunks: Buffer[] = [];
  const stream = new Writable({ write(chunk: Buffer, _encoding, done) { chunks.push(chunk); done(); } });
  await runQuery({ database, sql, format, timeoutS: 60, memoryMb: 500, stream, ...more });
  return Buffer.concat(chunks).toString();
}

const failure = (sql: string, more: Partial<QueryOptions> = {}) => ask(sql, 'csv', more).then((text) => { throw new Error(`was not refused, gave ${text}`); }, (error: unknown) => error as Error);

test('rows come in each format with every digit, and NULL as what the format has for it', async () => {
  const sql = `SELECT tree_id, height_m, flags, 123456789012345678::BIGINT AS big, 0.10::DECIMAL(9,2) AS d FROM tree ORDER BY tree_id`;
  expect(await ask(sql, 'csv')).toBe('tree_id,height_m,flags,big,d\r\na,12.5,x;y,123456789012345678,0.10\r\n"b ""q"", |",,,123456789012345678,0.10\r\n');
  expect(await ask(sql, 'ndjson')).toBe('{"tree_id":"a","height_m":12.5,"flags":["x","y"],"big":123456789012345678,"d":0.10}\n{"tree_id":"b \\"q\\", |","height_m":null,"flags":[],"big":123456789012345678,"d":0.10}\n');
  expect(JSON.parse(await ask(sql, 'json'))).toHaveLength(2);
  expect(await ask('SELECT tree_id FROM tree ORDER BY 1', 'markdown')).toBe('| tree_id |\n| --- |\n| a |\n| b "q", \\| |\n');
  expect(await ask('SELECT tree_id, height_m FROM tree ORDER BY 1', 'table')).toBe('tree_id   height_m\n--------  --------\na             12.5\nb "q", |\n');
  expect(await ask(`SELECT geometry FROM tree WHERE tree_id = 'a'`, 'csv')).toContain('"POLYGON ((9 19, 11 19, 11 21, 9 21, 9 19))"');
});

test('no row is still a header, and an empty JSON list', async () => {
  expect(await ask('SELECT tree_id FROM tree WHERE false', 'table')).toBe('tree_id\n-------\n');
  expect(JSON.parse(await ask('SELECT tree_id FROM tree WHERE false', 'json'))).toEqual([]);
});

test('a result longer than the buffers arrives whole', async () => {
  const lines = (await ask('SELECT range AS i FROM range(100000)')).split('\r\n');
  expect([lines.length, lines[99_999], lines[100_000]]).toEqual([100_002, '99998', '99999']);
});

test('a file is written whole: text and Parquet', async () => {
  const csv = join(dir, 'out.csv'), parquet = join(dir, 'out.parquet');
  expect(await runQuery({ database, sql: '@stands', format: 'csv', output: csv, timeoutS: 60, memoryMb: 500 })).toEqual({ rows: 1 });
  expect(await readFile(csv, 'utf8')).toMatch(/^stand_id,area_ha,.*\r\ns,1,1,1,/);
  const written = await runQuery({ database, sql: 'SELECT tree_id, height_m FROM tree; -- all', format: 'parquet', output: parquet, timeoutS: 60, memoryMb: 500 });
  expect(written).toEqual({ rows: 2 });
  expect(await select(database, `SELECT count(height_m)::INTEGER AS n FROM '${parquet}'`)).toEqual([{ n: 1 }]);
});

test('a query that fails half way leaves no file', async () => {
  const output = join(dir, 'half.csv');
  await expect(runQuery({ database, sql: `SELECT CASE WHEN range < 90000 THEN '1' ELSE 'x' END::INTEGER FROM range(100000)`, format: 'csv', output, timeoutS: 60, memoryMb: 500 })).rejects.toThrow(/Conversion/);
  expect((await readdir(dir)).filter((name) => name.startsWith('half'))).toEqual([]);
});

test('every named query runs, and a name that there is not lists those that there are', async () => {
  const everything = Object.values(QUERIES).map(({ sql }) => `SELECT count(*) FROM (${sql})`);
  expect(await ask(everything.join(' UNION ALL '))).toMatch(/count_star/);
  expect(() => resolveSql('@stand')).toThrow(/@stands/);
});

const outside = '/tmp/understory-refused';
const REFUSED: [string, (secret: string) => string][] = [
  ['delete rows', () => 'DELETE FROM tree'],
  ['insert rows', () => 'INSERT INTO tree_stand VALUES (1, 2)'],
  ['create a table', () => 'CREATE TABLE x (a INTEGER)'],
  ['create a temporary table', () => 'CREATE TEMP TABLE x (a INTEGER)'],
  ['drop a table', () => 'DROP TABLE tree'],
  ['attach a database', () => `ATTACH '${outside}.duckdb'`],
  ['copy to a file', () => `COPY tree TO '${outside}.csv'`],
  ['export the database', () => `EXPORT DATABASE '${outside}'`],
  ['read a file', (file) => `SELECT * FROM read_csv('${file}')`],
  ['read a file by its name alone', (file) => `SELECT * FROM '${file}'`],
  ['read a file as text', (file) => `SELECT * FROM read_text('${file}')`],
  ['read a file as bytes', (file) => `SELECT * FROM read_blob('${file}')`],
  ['look into folders', () => `SELECT * FROM glob('/etc/*')`],
  ['sniff a file', (file) => `SELECT * FROM sniff_csv('${file}')`],
  ['install an extension', () => 'INSTALL spatial'],
  ['load an extension', () => 'LOAD spatial'],
  ['change a setting', () => 'SET enable_external_access = true'],
  ['reset a setting', () => 'RESET memory_limit'],
  ['use a pragma', () => `PRAGMA memory_limit='9GB'`],
  ['run two statements', () => 'SELECT 1; SELECT 2'],
  ['break out of the copy', () => `SELECT 1) TO '${outside}.csv'; --`],
];

test.each(REFUSED)('a query cannot %s', async (_, sql) => {
  const error = await failure(sql(secret));
  expect(error).toBeInstanceOf(UsageError);
  expect(error.message).toMatch(/query only reads|nothing else|one statement|syntax error/);
  await expect(stat(`${outside}.csv`)).rejects.toThrow();
});

test('SQL that is wrong says where', async () => {
  const error = await failure('SELECT hight_m FROM tree');
  expect(error).toBeInstanceOf(UsageError);
  expect(error.message).toContain('height_m');
});

test('a query that takes too long is stopped', async () => {
  const error = await failure('SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = 7', { timeoutS: 2 });
  expect(error).toBeInstanceOf(UnderstoryError);
  expect(error.message).toContain('stopped after 2 s');
});

test('a database held by a writer is said to be locked, one that is not there to be missing', async () => {
  const writer = await openDuck(database);
  try {
    expect(await failure('SELECT 1')).toBeInstanceOf(LockedError);
  } finally {
    writer.close();
  }
  expect(await failure('SELECT 1', { database: join(dir, 'no.duckdb') })).toBeInstanceOf(IoError);
  await expect(ask('SELECT 1', 'parquet')).rejects.toThrow(/-o/);
});
