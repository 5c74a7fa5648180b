// store/part-tables.ts: the tables of a part as rows. IO.
import type { TableName } from './columns.ts';
import { sharedConnection } from './duck.ts';
import type { Part } from './parts.ts';
import { tableFile } from './parts.ts';
import { readTable } from './table-io.ts';

/** All rows of a table of a part, fields in camelCase. */
export const readPartTable = async <T extends object>(part: Part, table: TableName): Promise<T[]> =>
  readTable<T>(await sharedConnection(), table, [part.path(tableFile(table))]);
