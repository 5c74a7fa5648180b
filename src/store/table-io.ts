// store/table-io.ts: rows of a table to and from Parquet, with the types of columns.ts. IO.
import { DuckDBDataChunk, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import { InvalidInput, IoError, messageOf } from '../errors.ts';
import type { Box } from '../types.ts';
import { tableOf, type TableName } from './columns.ts';
import { fieldName, quoteName, quoteText, sqlType, type Column, type Table } from './columns/define.ts';
import { codecOf, toDuck } from './values.ts';

const CHUNK_ROWS = 2048;
let staged = 0;

type Fields = Readonly<Record<string, unknown>>;
const asFields = (row: object): Fields => row as Fields;

/** A mistyped field would be a column of NULL, so it is an error. Only the first row is looked at: rows of one table have one shape. */
function refuseUnknownFields(name: TableName, table: Table, row: object | undefined): void {
  if (!row) return;
  const known = new Set(table.columns.map(fieldName));
  const unknown = Object.keys(row).filter((field) => !known.has(field));
  if (unknown.length > 0) {
    throw new InvalidInput(`table ${name}: no column for the field ${unknown.join(', ')}; the fields are ${[...known].join(', ')}`, { table: name, fields: unknown });
  }
}

function chunkOf(name: TableName, columns: readonly Column[], rows: readonly object[], from: number): DuckDBDataChunk {
  const count = Math.min(CHUNK_ROWS, rows.length - from);
  const chunk = DuckDBDataChunk.create(columns.map((column) => codecOf(column.type).type), count);
  const values = new Array<DuckDBValue>(count);
  columns.forEach((column, index) => {
    const field = fieldName(column);
    for (let i = 0; i < count; i++) values[i] = toDuck(name, column, from + i, asFields(rows[from + i]!)[field]);
    chunk.setColumnValues(index, values);
  });
  return chunk;
}

/** The one value that a column has in all rows, as SQL: it travels once instead of row by row, which is most columns of a tile. */
function constantOf(name: TableName, column: Column, rows: readonly object[]): string | undefined {
  const field = fieldName(column), first = asFields(rows[0]!)[field] ?? null;
  const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
  const same = column.type === 'VARCHAR[]' && isEmptyList(first) ? isEmptyList : (value: unknown): boolean => Object.is(value ?? null, first);
  if (typeof first === 'object' && first !== null && same !== isEmptyList) return undefined;
  if (!rows.every((row) => same(asFields(row)[field]))) return undefined;
  toDuck(name, column, 0, first);
  const literal = first === null ? 'NULL' : isEmptyList(first) ? '[]' : quoteText(column.type === 'JSON' ? JSON.stringify(first) : String(first));
  return `${literal}::${sqlType(column.type, 'part')}`;
}

/** Rows in a temporary table with the types of a part (geometry as WKB), and the expressions that give its columns in order. */
export interface Stage {
  table: string;
  expressions: string[];
  drop(): Promise<unknown>;
}

/** Put rows into a temporary table; columns of one value stay expressions. The caller drops it. */
export async function stageRows(connection: DuckDBConnection, name: TableName, rows: readonly object[]): Promise<Stage> {
  const table = tableOf(name), stage = `stage_${name}_${staged++}`;
  refuseUnknownFields(name, table, rows[0]);
  const constants = table.columns.map((column, index) => (index === 0 || rows.length === 0 ? undefined : constantOf(name, column, rows)));
  const varying = table.columns.filter((_, index) => constants[index] === undefined);
  const columns = varying.map((column) => `${quoteName(column.name)} ${sqlType(column.type, 'part')}`);
  await connection.run(`CREATE TEMP TABLE ${quoteName(stage)} (${columns.join(', ')})`);
  const appender = await connection.createAppender(stage, 'main', 'temp');
  try {
    for (let from = 0; from < rows.length; from += CHUNK_ROWS) appender.appendDataChunk(chunkOf(name, varying, rows, from));
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
  const expressions = table.columns.map((column, index) => constants[index] ?? quoteName(column.name));
  return { table: quoteName(stage), expressions, drop: () => connection.run(`DROP TABLE ${quoteName(stage)}`) };
}

/**
 * Write rows as one Parquet file (zstd), in their order.
 *
 * @param rows  records whose fields are the camelCase of the columns; shapes as `polygon` or `polygons`; missing is null
 * @param path  a path that is not yet in use, inside a temporary folder
 * @throws {InvalidInput} for a field without column, a missing value, NaN, or a value of another type
 */
export async function writeTable(connection: DuckDBConnection, name: TableName, rows: readonly object[], path: string): Promise<void> {
  const stage = await stageRows(connection, name, rows);
  const select = stage.expressions.map((expression, index) => `${expression} AS ${quoteName(tableOf(name).columns[index]!.name)}`);
  try {
    await connection.run(`COPY (SELECT ${select.join(', ')} FROM ${stage.table}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`);
  } catch (cause) {
    throw new IoError(`${path}: the table ${name} cannot be written: ${messageOf(cause)}`, { source: path }, { cause });
  } finally {
    await stage.drop();
  }
}

export interface ReadTableOptions {
  /** rows whose x_m, y_m lie in this half-open box */
  where?: Box;
  /** names of the columns to read; default: all */
  only?: readonly string[];
}

function boxCondition(name: TableName, box: Box): string {
  const names = new Set(tableOf(name).columns.map((column) => column.name));
  if (!names.has('x_m') || !names.has('y_m')) throw new InvalidInput(`table ${name} has no x_m, y_m to select by a box; read it whole`, { table: name });
  return `WHERE x_m >= ${box.x0} AND x_m < ${box.x1} AND y_m >= ${box.y0} AND y_m < ${box.y1}`;
}

function rowsOfChunk(chunk: DuckDBDataChunk, columns: readonly Column[], fields: readonly string[]): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = Array.from({ length: chunk.rowCount }, () => ({}));
  columns.forEach((column, index) => {
    const { fromDuck } = codecOf(column.type), field = fields[index]!;
    const values = chunk.getColumnValues(index);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      rows[i]![field] = value === null ? null : fromDuck(value);
    }
  });
  return rows;
}

/**
 * Read the rows of one or more Parquet files that `writeTable` wrote, file by file in the order given, about 2,000 rows at a time.
 *
 * @typeParam T  the record that was written
 * @throws {IoError} when a file is missing or is no such table
 */
export async function* streamTable<T extends object>(
  connection: DuckDBConnection, name: TableName, paths: readonly string[], options: ReadTableOptions = {},
): AsyncGenerator<T[]> {
  if (paths.length === 0) return;
  const columns = tableOf(name).columns.filter((column) => options.only === undefined || options.only.includes(column.name)), fields = columns.map(fieldName);
  const sql = `SELECT ${columns.map((column) => quoteName(column.name)).join(', ')}
    FROM read_parquet([${paths.map(quoteText).join(', ')}]) ${options.where ? boxCondition(name, options.where) : ''}`;
  try {
    const result = await connection.run(sql);
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) yield rowsOfChunk(chunk, columns, fields) as T[];
  } catch (cause) {
    throw new IoError(`the table ${name} cannot be read from ${paths.length === 1 ? paths[0] : `${paths.length} files`}: ${messageOf(cause)}`, { source: paths[0]! }, { cause });
  }
}

/** As `streamTable`, all rows at once. */
export async function readTable<T extends object>(
  connection: DuckDBConnection, name: TableName, paths: string | readonly string[], options: ReadTableOptions = {},
): Promise<T[]> {
  return (await Array.fromAsync(streamTable<T>(connection, name, typeof paths === 'string' ? [paths] : paths, options))).flat();
}
