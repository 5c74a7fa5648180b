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

export async function query(target: string, sql: string, { format, output, timeout, memory, json }: QueryCommandOptions): Promise<ExitCode> {
  const { database } = await findTarget(target);
  await runQuery({
    database, sql, format: format ?? (json ? 'json' : output?.endsWith('.parquet') ? 'parquet' : 'table'), timeoutS: positive(timeout, '--timeout'), memoryMb: positive(memory, '--memory'),
    ...(output === undefined ? {} : { output }),
  });
  return EXIT.ok;
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`${option} ${text}: give a positive number`);
  return value;
}
