// store/query-child.ts: runs one query of a user in a process of its own, which the parent may kill. IO.
import { once } from 'node:events';
import { StatementType, type DuckDBConnection } from '@duckdb/node-api';
import { UnderstoryError, UsageError, messageOf } from '../errors.ts';
import { quoteText } from './columns/define.ts';
import { openDuck } from './duck.ts';
import { ROW_FORMATS } from './formats.ts';

export interface QueryRequest {
  database: string;
  sql: string;
  format: string;
  /** a temporary path, for parquet only */
  output?: string;
  memoryMb: number;
  spillDirectory: string;
}

export type QueryAnswer = { rows: number } | { error: { kind: 'usage' | 'locked' | 'io' | 'failed'; message: string } };

const FLUSH_CHARS = 1 << 16;

/** @throws {UsageError} for anything but exactly one statement that reads */
async function checkStatement(connection: DuckDBConnection, sql: string): Promise<void> {
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw new UsageError(`query runs one statement, found ${statements.count}; run them one by one`);
  const prepared = await statements.prepare(0), type = prepared.statementType;
  prepared.destroySync();
  if (type === StatementType.SELECT || type === StatementType.EXPLAIN) return;
  throw new UsageError(`query only reads: ${StatementType[type] ?? 'this statement'} is refused; use SELECT, or export to write files`);
}

async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

async function streamText(connection: DuckDBConnection, sql: string, formatName: string): Promise<number> {
  const make = ROW_FORMATS.get(formatName);
  if (!make) throw new UsageError(`no format ${formatName}; use ${[...ROW_FORMATS.keys()].join(', ')} or parquet`);
  const format = make(), result = await connection.stream(sql);
  let text = format.head(result.deduplicatedColumnNames()), rows = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    rows += chunk.rowCount;
    for (const row of chunk.getRows()) {
      text += format.row(row);
      if (text.length < FLUSH_CHARS) continue;
      await write(text);
      text = '';
    }
  }
  await write(text + format.tail());
  return rows;
}

/** The user's text goes in as a literal for `query()`, which takes one SELECT: it cannot break out of the COPY. */
async function copyParquet(connection: DuckDBConnection, sql: string, output: string): Promise<number> {
  const result = await connection.run(`COPY (FROM query(${quoteText(sql)})) TO ${quoteText(output)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`);
  return result.rowsChanged;
}

async function answer(request: QueryRequest): Promise<QueryAnswer> {
  const duck = await openDuck(request.database, {
    readOnly: true, sealed: true, threads: 2, memoryMb: request.memoryMb, temporaryDirectory: request.spillDirectory,
    allowedPaths: request.output === undefined ? [] : [request.output],
  });
  try {
    await checkStatement(duck.connection, request.sql);
    const rows = request.output === undefined
      ? await streamText(duck.connection, request.sql, request.format)
      : await copyParquet(duck.connection, request.sql, request.output);
    return { rows };
  } finally {
    duck.close();
  }
}

function refusal(error: unknown): QueryAnswer {
  const message = messageOf(error);
  if (error instanceof UnderstoryError) {
    const kind = error.name === 'LockedError' ? 'locked' : error.name === 'IoError' ? 'io' : 'usage';
    return { error: { kind, message } };
  }
  if (/^Out of Memory/i.test(message)) return { error: { kind: 'failed', message: `${message}\nselect fewer rows or columns, or allow more memory` } };
  if (/read-only mode/i.test(message)) return { error: { kind: 'usage', message: `query only reads: ${message}` } };
  if (/^(Permission|Invalid Configuration) Error|external access|has been locked/i.test(message)) {
    return { error: { kind: 'usage', message: `query reads the survey's database and nothing else: ${message}` } };
  }
  return { error: { kind: /^IO Error/i.test(message) ? 'io' : 'usage', message } };
}

process.once('message', (request: QueryRequest) => {
  void answer(request).catch(refusal).then((reply) => {
    process.stdout.write('', () => process.send!(reply, () => process.disconnect()));
  });
});
