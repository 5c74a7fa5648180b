// errors.ts: the error classes. A message says what is wrong, where, and what to do; fields carry the same for machines.

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  voids: 3,
  gate: 4,
  locked: 5,
  engine: 6,
  io: 74,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Where an error arose: a file, a tile, a line and path of the job file ... */
export interface ErrorPlace {
  source?: string;
  tile?: string;
  line?: number;
  path?: string;
  [field: string]: unknown;
}

/** The root of the errors that Understory raises on purpose; `exitCode` is what the command line ends with. */
export class UnderstoryError extends Error {
  readonly exitCode: ExitCode = EXIT.failed;
  readonly place: ErrorPlace;

  constructor(message: string, place: ErrorPlace = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.place = place;
  }
}

/** An input file or record that cannot be used as it is. The file is quarantined; the others go on. */
export class InvalidInput extends UnderstoryError {}

/** A readable file of a kind that is not supported (a point format, a codec): says which, and what to convert it to. */
export class UnsupportedInput extends InvalidInput {}

/** A wrong command line or job file. */
export class UsageError extends UnderstoryError {
  override readonly exitCode = EXIT.usage;
}

/** Another run holds the survey. */
export class LockedError extends UnderstoryError {
  override readonly exitCode = EXIT.locked;
}

/** A model that may not run on this data, or whose output breaks its card. */
export class ModelError extends UnderstoryError {}

/** The disk is full, a file vanished, a read was short. */
export class IoError extends UnderstoryError {
  override readonly exitCode = EXIT.io;
}

/** The message chain of an error, outermost first, without stacks. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${messageOf(error.cause)}`;
}
