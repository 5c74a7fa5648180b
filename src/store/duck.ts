// store/duck.ts: DuckDB opened with our settings: no extension from a network, bounded memory. IO.
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { IoError, LockedError, messageOf } from '../errors.ts';

export type { DuckDBConnection } from '@duckdb/node-api';

export interface DuckOptions {
  /** in a worker 1 */
  threads?: number;
  memoryMb?: number;
  /** where DuckDB spills; default: it may not spill for a database in memory, beside the file otherwise */
  temporaryDirectory?: string;
  readOnly?: boolean;
  /** True: no file but the database and `allowedPaths` can be reached, and settings cannot be changed any more. */
  sealed?: boolean;
  allowedPaths?: readonly string[];
}

/** An open database: one instance, one connection. */
export interface Duck {
  connection: DuckDBConnection;
  close(): void;
}

function settingsOf(options: DuckOptions): Record<string, string> {
  return {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'true',
    // a file of an older storage version forgets the CRS of its GEOMETRY columns, without a word
    storage_compatibility_version: 'v1.5.0',
    threads: String(options.threads ?? 1),
    ...(options.memoryMb === undefined ? {} : { memory_limit: `${options.memoryMb}MB` }),
    ...(options.temporaryDirectory === undefined ? {} : { temp_directory: options.temporaryDirectory }),
    ...(options.readOnly ? { access_mode: 'READ_ONLY' } : {}),
  };
}

const listLiteral = (paths: readonly string[]): string => `[${paths.map((path) => `'${path.replaceAll("'", "''")}'`).join(', ')}]`;

/** Shut every door to files but those named, then lock the settings: the order matters. */
async function seal(connection: DuckDBConnection, allowedPaths: readonly string[]): Promise<void> {
  if (allowedPaths.length > 0) await connection.run(`SET allowed_paths = ${listLiteral(allowedPaths)}`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

function openingError(path: string, cause: unknown): Error {
  const text = messageOf(cause);
  if (/lock on file|being used by another process/i.test(text)) {
    return new LockedError(`${path}: another process has the database open for writing; wait until its run has ended, then try again`, { source: path }, { cause });
  }
  if (/does not exist|no such file/i.test(text)) return new IoError(`${path}: no such database; run the job first`, { source: path }, { cause });
  return new IoError(`${path}: cannot be opened as a DuckDB database: ${text.split('\n')[0]}`, { source: path });
}

/**
 * Open a database on a file, or in memory.
 *
 * @param path  a file, or ':memory:'
 * @throws {LockedError} when another process writes to the file
 * @throws {IoError} when it cannot be opened
 */
export async function openDuck(path = ':memory:', options: DuckOptions = {}): Promise<Duck> {
  const instance = await DuckDBInstance.create(path, settingsOf(options)).catch((cause: unknown) => {
    throw openingError(path, cause);
  });
  const connection = await instance.connect();
  if (options.sealed) await seal(connection, options.allowedPaths ?? []);
  return {
    connection,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

let shared: Promise<Duck> | undefined;

/** The process's database in memory, one thread: for reading and writing parts. */
export async function sharedConnection(): Promise<DuckDBConnection> {
  shared ??= openDuck(':memory:', { threads: 1, memoryMb: 1000 });
  return (await shared).connection;
}
