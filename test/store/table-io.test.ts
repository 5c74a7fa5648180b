import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InvalidInput, IoError } from '../../src/errors.ts';
import { DATABASE_TABLES, TABLES, camelName, fieldName, snakeName, tableOf, type TableName } from '../../src/store/columns.ts';
import { sharedConnection } from '../../src/store/duck.ts';
import { readTable, writeTable } from '../../src/store/table-io.ts';
import { decimalText, scaledDecimal } from '../../src/store/values.ts';
import type { Stand, StandPart } from '../../src/types.ts';
import { square, standPartRow, treeRow, type TreeRow } from './rows.ts';

let dir: string, files = 0;
beforeAll(async () => { dir = await mkdtemp(join(tmpdir(), 'understory-io-')); });
afterAll(async () => { await rm(dir, { recursive: true }); });

async function roundTrip<T extends object>(name: TableName, rows: readonly T[]): Promise<T[]> {
  const path = join(dir, `${name}-${files++}.parquet`), connection = await sharedConnection();
  await writeTable(connection, name, rows, path);
  return readTable<T>(connection, name, path);
}

test('every column has one field in code, and the field leads back to the column', () => {
  for (const name of Object.keys(TABLES) as TableName[]) {
    const { columns, primaryKey } = tableOf(name);
    expect(new Set(columns.map((column) => column.name)).size, name).toBe(columns.length);
    expect(new Set(columns.map(fieldName)).size, name).toBe(columns.length);
    for (const column of columns) {
      expect(snakeName(camelName(column.name))).toBe(column.name);
      expect(column.meaning, `${name}.${column.name}`).not.toBe('');
      if (/_m2$/.test(column.name)) expect(column.unit).toBe('m2');
    }
    for (const key of primaryKey) expect(columns.some((column) => column.name === key && !column.nullable), `${name}.${key}`).toBe(true);
  }
  expect(camelName('dbh_cm_lo')).toBe('dbhCmLo');
  expect(camelName('crown_area_m2')).toBe('crownAreaM2');
  expect(camelName('f_zq95')).toBe('fZq95');
  expect(DATABASE_TABLES).not.toContain('crown');
});

test('a tree comes back from Parquet as it went in: missing figures, flags and crown with a hole included', async () => {
  const ring = square(0, 0, 4)[0]!, hole = [...square(1, 1, 1)[0]!].reverse();
  const rows: TreeRow[] = [
    treeRow({ treeId: 's:lidar:1_2', polygon: [ring, hole], flags: ['near_void', "o'clock"] }),
    treeRow({ treeId: 's:chm:3_4', heightM: null, dbhCm: 0, polygon: null, xM: -0.1 - 0.2 }),
  ];
  expect(await roundTrip('tree', rows)).toEqual(rows);
});

test('a stand keeps the attributes of its layer and its separate pieces', async () => {
  const rows: (Stand & { areaHa: number })[] = [{ standId: 'é "1"', attributes: { species: 'spruce', year: 1980, none: null, list: [1] }, polygons: [square(0, 0, 1), square(5, 5, 1)], areaHa: 0.0002 }];
  expect(await roundTrip('stand', rows)).toEqual(rows);
});

test('a share of a stand keeps its decimals to the last place', async () => {
  const rows: StandPart[] = [
    standPartRow({ standId: 'a', validM2: 0.1 + 0.2, stems: '123456789012345678.000000001', agbKg: '-0.5' }),
  ];
  expect(await roundTrip('stand_part', rows)).toEqual([{ ...rows[0], validM2: 0.3 }]);
});

test('a decimal text is read exactly or not at all', () => {
  fc.assert(fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (value) => {
    expect(scaledDecimal(decimalText(value, 9), 9)).toBe(value);
  }), { seed: 5 });
  expect(scaledDecimal('0.1000', 1)).toBe(1n);
  expect(scaledDecimal('0.12', 1)).toBeUndefined();
  expect(scaledDecimal('1e3', 1)).toBeUndefined();
});

test('files of several tiles are read in the order given, and a box takes the trees of its half-open area only', async () => {
  const connection = await sharedConnection(), paths = [join(dir, 'east.parquet'), join(dir, 'west.parquet')];
  await writeTable(connection, 'tree', [treeRow({ treeId: 'e', xM: 10, yM: 0 })], paths[0]!);
  await writeTable(connection, 'tree', [treeRow({ treeId: 'w', xM: 0, yM: 0 }), treeRow({ treeId: 'n', xM: 0, yM: 10 })], paths[1]!);
  const ids = async (where?: { x0: number; y0: number; x1: number; y1: number }) =>
    (await readTable<TreeRow>(connection, 'tree', paths, where ? { where } : {})).map((row) => row.treeId);
  expect(await ids()).toEqual(['e', 'w', 'n']);
  expect(await ids({ x0: 0, y0: 0, x1: 10, y1: 10 })).toEqual(['w']);
});

test('an empty table is a file with columns and no row; no file at all is no row', async () => {
  expect(await roundTrip('tree', [])).toEqual([]);
  expect(await readTable(await sharedConnection(), 'tree', [])).toEqual([]);
});

test('more rows than DuckDB takes at once keep their order', async () => {
  const rows = Array.from({ length: 5000 }, (_, i) => ({ firstRow: 7 - i, firstCol: 0, standId: `s${i % 3}`, pixels: i }));
  expect(await roundTrip('opening_stand', rows)).toEqual(rows);
});

test('NaN, a missing value, a mistyped field and a rounded sum are refused with the table and the column', async () => {
  const failing = async (name: TableName, row: object) => roundTrip(name, [row]).then(() => '', (error: unknown) => {
    expect(error).toBeInstanceOf(InvalidInput);
    return (error as InvalidInput).message;
  });
  expect(await failing('tree', treeRow({ treeId: 't', heightM: NaN }))).toContain('NaN does not fit column height_m');
  expect(await failing('tree', { ...treeRow({ treeId: 't' }), status: null })).toContain('status is missing');
  expect(await failing('tree', { ...treeRow({ treeId: 't' }), heigthM: 3 })).toContain('no column for the field heigthM');
  expect(await failing('stand_part', standPartRow({ standId: 'a', stems: '0.0000000001' }))).toContain('stems');
});

test('a file that is not there is an IO error that names it', async () => {
  await expect(readTable(await sharedConnection(), 'tree', join(dir, 'nowhere.parquet'))).rejects.toThrow(IoError);
});
