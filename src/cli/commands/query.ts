// cli/commands/query.ts: `understory query TARGET SQL|@NAME`.
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { runQuery } from '../../store/query.ts';
import type { GlobalOptions } from '../options.ts';
import { findTarget } from '../target.ts';

interface QueryCommandOptions extends GlobalOptions {
  format?: string;
  output?: string;
  timeout: string;
  memory: string;
}

/** Formats by the ending of the file that is written. */
const ENDINGS = new Map([['csv', 'csv'], ['json', 'json'], ['ndjson', 'ndjson'], ['md', 'markdown'], ['parquet', 'parquet']]);

export async function query(target: string, sql: string, { format, output, timeout, memory, json }: QueryCommandOptions): Promise<ExitCode> {
  const { database } = await findTarget(target);
  const { rows } = await runQuery({
    database, sql, format: format ?? formatOf(output) ?? (json ? 'json' : 'table'), timeoutS: positive(timeout, '--timeout'), memoryMb: positive(memory, '--memory'),
    ...(output === undefined ? {} : { output }),
  });
  if (output !== undefined && json) console.log(JSON.stringify({ output, rows }));
  else if (output !== undefined) console.error(`${output}: ${rows} rows`);
  return EXIT.ok;
}

const formatOf = (output: string | undefined): string | undefined => ENDINGS.get(/\.([^./]+)$/.exec(output ?? '')?.[1]?.toLowerCase() ?? '');

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new UsageError(`${option} ${text}: give a positive number`);
  return value;
}
