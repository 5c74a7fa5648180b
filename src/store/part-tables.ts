// store/part-tables.ts: the tables of a part as rows. IO.
import type { TableName } from './columns.ts';
import { sharedConnection } from './duck.ts';
import type { Part } from './parts.ts';
import { tableFile } from './parts.ts';
import { readTable, streamTable } from './table-io.ts';

/** All rows of a table of a part, fields in camelCase. */
export const readPartTable = <T extends object>(part: Part, table: TableName): Promise<T[]> => readPartTables<T>([part], table);

/** All rows of a table of several parts, part by part. @param only names of the columns to read; default: all */
export const readPartTables = async <T extends object>(parts: readonly Part[], table: TableName, only?: readonly string[]): Promise<T[]> =>
  readTable<T>(await sharedConnection(), table, parts.map((part) => part.path(tableFile(table))), only === undefined ? {} : { only });

/** The same rows, about 2,000 at a time. */
export async function* streamPartTables<T extends object>(parts: readonly Part[], table: TableName): AsyncGenerator<T[]> {
  yield* streamTable<T>(await sharedConnection(), table, parts.map((part) => part.path(tableFile(table))));
}
