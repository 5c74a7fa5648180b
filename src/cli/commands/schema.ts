// cli/commands/schema.ts: `understory schema [TABLE|job]`: what tables and columns mean, and the job file's JSON Schema.
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { jobJsonSchema } from '../../pipeline/job-json-schema.ts';
import { nearestHint } from '../../nearest.ts';
import { DATABASE_TABLES, tableOf } from '../../store/columns.ts';
import type { Column } from '../../store/columns.ts';
import { VIEWS } from '../../store/schema.ts';
import type { GlobalOptions } from '../options.ts';
import { columnsText } from '../text.ts';

interface Relation {
  name: string;
  kind: 'table' | 'view';
  meaning: string;
  key: readonly string[];
  columns: readonly Column[];
}

/** Tables, then views, in the order in which a reader meets them. */
function relations(): Relation[] {
  const tables = DATABASE_TABLES.map((name): Relation => {
    const { meaning, primaryKey, columns } = tableOf(name);
    return { name, kind: 'table', meaning, key: primaryKey, columns };
  });
  return [...tables, ...Object.entries(VIEWS).map(([name, { meaning, columns }]): Relation => ({ name, kind: 'view', meaning, key: [], columns }))];
}

export async function schema(name: string | undefined, { json }: GlobalOptions): Promise<ExitCode> {
  if (name === undefined) sayList(relations(), json);
  else if (name === 'job') console.log(JSON.stringify(jobJsonSchema(), null, json ? 0 : 2));
  else sayRelation(name, json);
  return EXIT.ok;
}

function sayList(all: readonly Relation[], json: boolean | undefined): void {
  if (json) return console.log(JSON.stringify(all.map(({ name, kind, meaning, columns }) => ({ name, kind, meaning, columns: columns.length }))));
  console.log(columnsText(all.map(({ name, kind, meaning }) => [name, kind, meaning])));
  console.log('\nThe columns of one: understory schema tree. The JSON Schema of the job file: understory schema job');
}

function sayRelation(name: string, json: boolean | undefined): void {
  const all = relations(), found = all.find((each) => each.name === name);
  if (!found) throw new UsageError(`no table ${name}${nearestHint(name, ['job', ...all.map((each) => each.name)])}`, { path: name });
  if (json) return console.log(JSON.stringify(found));
  const key = found.key.length > 0 ? ` Key: ${found.key.join(', ')}.` : '';
  console.log(`${found.name} (${found.kind}): ${found.meaning}${key}\n`);
  console.log(columnsText([['column', 'type', 'unit', 'null', 'meaning'], ...found.columns.map(({ name: column, type, unit, nullable, meaning }) => [column, type, unit, nullable ? 'yes' : '', meaning])]));
}
