// store/canonical.ts: a hash of a table's content that depends neither on order nor on tiling. IO.
import { DATABASE_TABLES, tableOf, type TableName } from './columns.ts';
import { isGeometry, quoteName, type Column } from './columns/define.ts';
import type { DuckDBConnection } from './duck.ts';
import { VIEWS, type ViewName } from './schema.ts';

/** `sum` is sum(hash(columns)::HUGEINT) as text; hashes of two DuckDB versions are not comparable. */
export interface CanonicalHash {
  rows: number;
  sum: string;
  duckdb: string;
}

/** DuckDB hashes NULL and the empty list alike, so lists go as JSON; geometry goes as WKB. */
function hashed(column: Column): string {
  const name = quoteName(column.name);
  if (isGeometry(column.type)) return `ST_AsWKB(${name})`;
  if (column.type === 'VARCHAR[]' || column.type === 'JSON') return `CAST(to_json(${name}) AS VARCHAR)`;
  return name;
}

const isView = (name: string): name is ViewName => name in VIEWS;

function columnsOf(name: TableName | ViewName): readonly Column[] {
  if (isView(name)) return VIEWS[name].columns;
  const { columns, notHashed = [] } = tableOf(name);
  return columns.filter((column) => !notHashed.includes(column.name));
}

/**
 * Hash a table or view: row count and sum of row hashes, without the columns that name the run or the tile.
 * Bounded memory whatever the number of rows; equal rows in another order give the same hash.
 */
export async function canonicalHash(connection: DuckDBConnection, name: TableName | ViewName): Promise<CanonicalHash> {
  const columns = columnsOf(name).map(hashed).join(', ');
  const read = await connection.runAndReadAll(`SELECT count(*), coalesce(sum(hash(${columns})::HUGEINT), 0)::VARCHAR, version() FROM ${quoteName(name)}`);
  const [rows, sum, duckdb] = read.getRowsJS()[0]!;
  return { rows: Number(rows), sum: String(sum), duckdb: String(duckdb) };
}

/** Tables and views whose hashes must be equal whatever the tiling. */
export const CANONICAL: readonly (TableName | ViewName)[] = [
  ...DATABASE_TABLES.filter((name) => tableOf(name).canonical),
  ...(Object.keys(VIEWS) as ViewName[]).filter((name) => VIEWS[name].canonical),
];

/** The hash of every canonical table and view, by name. */
export async function canonicalHashes(connection: DuckDBConnection): Promise<Record<string, CanonicalHash>> {
  const hashes: Record<string, CanonicalHash> = {};
  for (const name of CANONICAL) hashes[name] = await canonicalHash(connection, name);
  return hashes;
}
