// store/query.ts: SQL of users: read-only for real, in a child process with limits of memory and time. IO.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { IoError, LockedError, UnderstoryError, UsageError } from '../errors.ts';
import { writeAtomically, writeChunksAtomically } from '../files/atomic.ts';
import { ROW_FORMATS } from './formats.ts';
import type { QueryAnswer, QueryRequest } from './query-child.ts';
import { QUERIES } from './sql/queries.ts';

export interface QueryOptions {
  database: string;
  /** one SELECT, or @NAME */
  sql: string;
  /** table, csv, json, ndjson, markdown, or parquet (with `output` only) */
  format: string;
  /** a file, written atomically; default: `stream` */
  output?: string;
  timeoutS: number;
  memoryMb: number;
  /** default: stdout */
  stream?: Writable;
}

/** The SQL of `@name`, or the text itself. @throws {UsageError} for a name that there is not */
export function resolveSql(sql: string): string {
  if (!sql.startsWith('@')) return sql;
  const query = QUERIES[sql.slice(1)];
  if (query) return query.sql;
  throw new UsageError(`no query ${sql}; there are ${Object.keys(QUERIES).map((name) => `@${name}`).join(', ')}`);
}

function checkFormat({ format, output }: QueryOptions): void {
  if (format === 'parquet' && output === undefined) throw new UsageError('parquet is no text; name a file with -o');
  if (format !== 'parquet' && !ROW_FORMATS.has(format)) throw new UsageError(`no format ${format}; use ${[...ROW_FORMATS.keys()].join(', ')} or parquet`);
}

const CHILD = fileURLToPath(new URL(`./query-child.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
const ERRORS = { usage: UsageError, locked: LockedError, io: IoError, failed: UnderstoryError };

/** The child's answer, or what became of it. */
function answerOf(child: ChildProcess, { database, timeoutS }: QueryOptions): Promise<{ rows: number }> {
  return new Promise((resolve, reject) => {
    let answer: QueryAnswer | undefined, late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutS * 1000);
    child.once('message', (message: QueryAnswer) => { answer = message; });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (late) reject(new UnderstoryError(`the query was stopped after ${timeoutS} s; select less, or allow more time`, { source: database }));
      else if (answer === undefined) reject(new UnderstoryError(`the query's process ended early (${signal ?? `exit ${code}`}); select less, or allow more memory`, { source: database }));
      else if ('error' in answer) reject(new ERRORS[answer.error.kind](answer.error.message, { source: database }));
      else resolve(answer);
    });
  });
}

/**
 * Text from the child to a stream, waiting where the reader is slow. A reader that has gone away (`| head`) ends it; stdout
 * says so by an error alone: it is never destroyed.
 *
 * @returns false when the reader had enough
 */
async function pipeTo(child: ChildProcess, stream: Writable): Promise<boolean> {
  let gone = false;
  const leave = (): void => { gone = true; };
  stream.on('error', leave);
  try {
    for await (const chunk of child.stdout!) {
      if (gone || stream.destroyed || !stream.writable) return false;
      if (!stream.write(chunk)) await new Promise((resolve) => { stream.once('drain', resolve).once('close', resolve).once('error', resolve); });
    }
    return !gone;
  } finally {
    stream.off('error', leave);
  }
}

/** Run one request in a child; `take` consumes its stdout, and returns false where nobody wants the rest. */
async function inChild(options: QueryOptions, request: QueryRequest, take: (child: ChildProcess, answer: Promise<{ rows: number }>) => Promise<unknown>): Promise<{ rows: number }> {
  const child = fork(CHILD, [], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [], serialization: 'json' });
  const answer = answerOf(child, options);
  answer.catch(() => {}); // awaited below, after the text
  child.send(request);
  try {
    return (await take(child, answer)) === false ? { rows: 0 } : await answer;
  } finally {
    child.kill('SIGKILL');
  }
}

/** The child's text, failing at its end when the query failed, so that no half file is renamed into place. */
async function* textOf(child: ChildProcess, answer: Promise<unknown>): AsyncGenerator<Uint8Array> {
  yield* child.stdout!;
  await answer;
}

/**
 * Run a user's query on a survey's database and write its rows to stdout or a file, streaming.
 * The database is opened READ_ONLY, no other file can be reached, settings are locked, and the child is killed at the time limit.
 *
 * @returns the number of rows
 * @throws {UsageError} for SQL that is wrong, writes, or reaches for a file; {LockedError} while a writer holds the database;
 *   {UnderstoryError} at the limit of time or memory
 */
export async function runQuery(options: QueryOptions): Promise<{ rows: number }> {
  checkFormat(options);
  const { database, format, output, memoryMb, stream = process.stdout } = options;
  const sql = resolveSql(options.sql);
  const spillDirectory = await mkdtemp(join(tmpdir(), 'understory-query-'));
  const request: QueryRequest = { database, sql, format, memoryMb, spillDirectory };
  try {
    if (output === undefined) return await inChild(options, request, (child) => pipeTo(child, stream));
    if (format === 'parquet') {
      return await writeAtomically(output, (temporary) => inChild(options, { ...request, output: temporary }, async (child) => { child.stdout!.resume(); }));
    }
    return await inChild(options, request, (child, answer) => writeChunksAtomically(output, textOf(child, answer)));
  } finally {
    await rm(spillDirectory, { recursive: true, force: true });
  }
}
