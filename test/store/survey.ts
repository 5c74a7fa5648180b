// test/store/survey.ts: a small survey of parts on disk, merged into a database.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuck, sharedConnection, type DuckDBConnection } from '../../src/store/duck.ts';
import { buildDatabase, type MergeOptions, type MergeSource, type MergeTile } from '../../src/store/merge.ts';
import { writeTable } from '../../src/store/table-io.ts';
import type { TableName } from '../../src/store/columns.ts';
import { square } from './rows.ts';

export type TileRows = Partial<Record<TableName, readonly object[]>>;

export const temporaryDir = () => mkdtemp(join(tmpdir(), 'understory-store-'));
export const removeDir = (dir: string) => rm(dir, { recursive: true, force: true });

export const standRow = (standId: string, areaHa: number, attributes: Record<string, unknown> = {}) =>
  ({ standId, areaHa, attributes, polygons: [square(0, 0, 100 * Math.sqrt(areaHa))] });

export const runRow = {
  runId: '20260101T000000Z-00000000', survey: 's', crs: 'EPSG:32611', startedAt: '2026-01-01T00:00:00Z', version: '0.1.0',
  configHash: 'c', tileSizeM: 500, cellSizeM: 20, chmResolutionM: 0.5, job: { survey: 's' },
};

export const modelRow = (fields: object) =>
  ({ model: 'stems', cardName: 'c', version: '1.0.0', task: 'density', isPrimary: true, licence: 'MIT', sha256: 'h', provider: 'cpu', card: {}, match: null, domain: {}, warnings: [], ...fields });

let parts = 0;

/** Write the tables of tiles as parts do. */
export async function writeTiles(dir: string, tiles: Record<string, TileRows>): Promise<MergeTile[]> {
  const connection = await sharedConnection(), written: MergeTile[] = [];
  for (const [tile, rows] of Object.entries(tiles)) {
    const tables: MergeTile['tables'] = {};
    for (const [name, list] of Object.entries(rows) as [TableName, readonly object[]][]) {
      const path = join(dir, `part-${parts++}-${name}.parquet`);
      await writeTable(connection, name, list, path);
      tables[name] = [path];
    }
    written.push({ tile, tables });
  }
  return written;
}

/** Merge tiles and survey rows into `<dir>/survey.duckdb`. */
export async function mergeSurvey(dir: string, tiles: Record<string, TileRows>, rows: MergeSource['rows'] = {}, options: MergeOptions = {}) {
  const path = join(dir, 'survey.duckdb');
  const hashes = await buildDatabase(path, { tiles: await writeTiles(dir, tiles), rows }, options);
  return { path, hashes };
}

/** Run something on a connection that only reads. */
export async function reading<T>(path: string, read: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const duck = await openDuck(path, { readOnly: true });
  try {
    return await read(duck.connection);
  } finally {
    duck.close();
  }
}

/** Rows of a query as records; DECIMAL and BIGINT as text and bigint. */
export const select = (path: string, sql: string) =>
  reading(path, async (connection) => (await connection.runAndReadAll(sql)).getRowObjectsJS());
