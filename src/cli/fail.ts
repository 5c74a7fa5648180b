// cli/fail.ts: how an error leaves the program: its exit code, and what is said of it on stderr or, with --json, on stdout. IO.
import type { ErrorPlace, ExitCode } from '../errors.ts';
import { EXIT, UnderstoryError, messageOf } from '../errors.ts';
import { FatalTaskError, isFatal } from '../pipeline/engines/engine.ts';

/** What `--json` prints of an error. */
export interface ErrorRecord {
  error: string;
  exit_code: ExitCode;
  place?: ErrorPlace;
}

/** Errors of the system carry its code: ENOSPC, EACCES ... A full disk that DuckDB met has only its text. */
const isSystemError = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';

/** The exit code of DESIGN section 7 for an error: typed ones bring theirs, those of the disk are IO, the rest is our fault. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof FatalTaskError || isFatal(error)) return EXIT.io;
  if (error instanceof UnderstoryError) return error.exitCode;
  return isSystemError(error) ? EXIT.io : EXIT.failed;
}

export function errorRecord(error: unknown): ErrorRecord {
  return { error: messageOf(error), exit_code: exitCodeOf(error), ...(error instanceof UnderstoryError && Object.keys(error.place).length > 0 ? { place: error.place } : {}) };
}

/** Say on stderr what is wrong; the stack only when asked for, or when nobody but us can mend it. */
export function sayError(error: unknown, { verbose = false }: { verbose?: boolean | undefined } = {}): void {
  console.error(`error: ${messageOf(error)}`);
  if (verbose && error instanceof Error) console.error(error.stack);
  else if (exitCodeOf(error) === EXIT.failed && !(error instanceof UnderstoryError)) console.error('This is a fault of understory itself; run again with --verbose and report what it prints.');
}
