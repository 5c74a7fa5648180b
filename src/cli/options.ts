// cli/options.ts: options that every command takes.

/** Given before or after the command's name. */
export interface GlobalOptions {
  json?: boolean;
  verbose?: boolean;
}
