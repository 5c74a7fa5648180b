// store/part-tables.ts: the tables of a part as rows. IO.
import type { TableName } from './columns.ts';
import { sharedConnection } from './duck.ts';
import type { Part } from './parts.ts';
import { tableFile } from './parts.ts';
import { readTable } from './table-io.ts';

/** All rows of a table of a part, fields in camelCase. */
export const readPartTable = <T extends object>(part: Part, table: TableName): Promise<T[]> => readPartTables<T>([part], table);

/** All rows of a table of several parts, part by part. */
export const readPartTables = async <T extends object>(parts: readonly Part[], table: TableName): Promise<T[]> =>
  readTable<T>(await sharedConnection(), table, parts.map((part) => part.path(tableFile(table))));
