// store/schema.ts: the database's tables and views with a comment on each of them and on every column. DDL from columns.ts.
import { DATABASE_TABLES, tableOf } from './columns.ts';
import { quoteName, quoteText, sqlType, type Column, type Table } from './columns/define.ts';
import { standMetrics, surveyMetrics, type View } from './columns/views.ts';
import type { DuckDBConnection } from './duck.ts';
import { METRIC_VIEWS } from './sql/metrics.ts';

export const VIEWS = { stand_metrics: standMetrics, survey_metrics: surveyMetrics } as const satisfies Record<string, View>;
export type ViewName = keyof typeof VIEWS;

/** The GEOMETRY type with its CRS as PROJJSON, or without where it is not known. */
export const geometryType = (crsProjjson: string | null): string => (crsProjjson === null ? 'GEOMETRY' : `GEOMETRY(${quoteText(crsProjjson)})`);

/** What a comment or a dictionary says about a column: meaning and unit. */
export const commentOf = (column: Column): string => (column.unit === '' ? column.meaning : `${column.meaning} [${column.unit}]`);

function createTable(name: string, table: Table, geometry: string): string {
  const columns = table.columns.map((column) =>
    `${quoteName(column.name)} ${sqlType(column.type, 'database', geometry)}${column.nullable ? '' : ' NOT NULL'}`);
  const key = table.enforced ? [`PRIMARY KEY (${table.primaryKey.map(quoteName).join(', ')})`] : [];
  return `CREATE TABLE ${quoteName(name)} (${[...columns, ...key].join(', ')})`;
}

const comments = (kind: 'TABLE' | 'VIEW', name: string, meaning: string, columns: readonly Column[], note: string): string[] => [
  `COMMENT ON ${kind} ${quoteName(name)} IS ${quoteText(note === '' ? meaning : `${meaning} ${note}`)}`,
  ...columns.map((column) => `COMMENT ON COLUMN ${quoteName(name)}.${quoteName(column.name)} IS ${quoteText(commentOf(column))}`),
];

/**
 * Create every table and view of the inventory in an empty database.
 *
 * @param note  added to the comment of every table and view: what the whole survey lacks (a quarantined file ...); '' for nothing
 */
export async function createSchema(connection: DuckDBConnection, { crsProjjson = null, note = '' }: { crsProjjson?: string | null; note?: string } = {}): Promise<void> {
  const statements = DATABASE_TABLES.flatMap((name) => {
    const table = tableOf(name);
    return [createTable(name, table, geometryType(crsProjjson)), ...comments('TABLE', name, table.meaning, table.columns, note)];
  });
  for (const [name, view] of Object.entries(VIEWS)) {
    statements.push(`CREATE VIEW ${quoteName(name)} AS ${METRIC_VIEWS[name as ViewName]}`, ...comments('VIEW', name, view.meaning, view.columns, note));
  }
  await connection.run(['BEGIN', ...statements, 'COMMIT'].join(';\n')); // one transaction: a hundred are slow on a disk
}
