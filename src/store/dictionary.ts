// store/dictionary.ts: the dictionary of tables as Markdown, from columns.ts. Pure.
import { DATABASE_TABLES, tableOf } from './columns.ts';
import type { Column } from './columns/define.ts';
import { VIEWS, type ViewName } from './schema.ts';
import { METRIC_VIEWS } from './sql/metrics.ts';
import { QUERIES } from './sql/queries.ts';

const INTRODUCTION = `# Tables

Generated from \`src/store/columns.ts\` by \`docs/make-tables.ts\`; do not edit.

Every table of \`survey.duckdb\`, with units and meanings; the same text is the comment on each column (\`understory query TARGET @columns\`).
Names are snake_case with the unit. Missing is NULL, never 0 and never NaN. Times are UTC. Geometry is in the CRS of the survey, lon and lat are WGS 84.
*Canonical* tables are the same whatever the tiling, workers and order of the run; their hash is in \`run.json\`.
`;

const escaped = (text: string): string => text.replaceAll('|', '\\|');

function columnRows(columns: readonly Column[], notHashed: readonly string[] = []): string {
  const rows = columns.map(({ name, type, unit, nullable, meaning }) => {
    const outside = notHashed.includes(name) ? '; not in the canonical hash' : '';
    return `| \`${name}\` | ${/POLYGON/.test(type) ? `GEOMETRY (${type.toLowerCase()})` : type} | ${escaped(unit)} | ${nullable ? 'yes' : ''} | ${escaped(meaning)}${outside} |`;
  });
  return ['| column | type | unit | NULL | meaning |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

const keyText = (key: readonly string[]): string => (key.length === 0 ? 'No key.' : `Key: ${key.map((name) => `\`${name}\``).join(', ')}.`);

/** docs/tables.md: every table, view, column and named query. */
export function dictionary(): string {
  const tables = DATABASE_TABLES.map((name) => {
    const { meaning, primaryKey, canonical, columns, notHashed } = tableOf(name);
    return `## ${name}\n\n${meaning} ${keyText(primaryKey)}${canonical ? ' Canonical.' : ''}\n\n${columnRows(columns, notHashed)}\n`;
  });
  const views = Object.entries(VIEWS).map(([name, { meaning, columns }]) =>
    `## ${name} (view)\n\n${meaning} Canonical.\n\n${columnRows(columns)}\n\nHow each figure is made:\n\n\`\`\`sql\n${METRIC_VIEWS[name as ViewName]}\n\`\`\`\n`);
  const queries = Object.entries(QUERIES).map(([name, { meaning }]) => `| \`@${name}\` | ${escaped(meaning)} |`);
  return [INTRODUCTION, ...tables, ...views, `## Named queries\n\n| name | gives |\n| --- | --- |\n${queries.join('\n')}\n`].join('\n');
}
