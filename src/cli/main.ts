// cli/main.ts: runs the command line, and says how it ended. IO.
import { CommanderError } from 'commander';
import type { ExitCode } from '../errors.ts';
import { EXIT } from '../errors.ts';
import { errorRecord, exitCodeOf, sayError } from './fail.ts';
import { makeProgram } from './program.ts';

/** Known before the command line is parsed, since what is wrong with it must come out as asked for too. */
const json = process.argv.includes('--json');
let commanderText = '';

const program = makeProgram((text) => {
  commanderText += text;
  if (!json) process.stderr.write(text);
});

// A reader that has seen enough (`| head`) closes the pipe: no fault, and a run goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE') throw error; });
process.exitCode = await main(process.argv);

async function main(argv: string[]): Promise<ExitCode> {
  try {
    await program.parseAsync(argv);
    return (process.exitCode ?? EXIT.ok) as ExitCode;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok; // --help and --version
    const said = /^error: (.*)/s.exec(commanderText.trim())?.[1] ?? 'no command given; see understory --help';
    if (json) console.log(JSON.stringify({ error: said, exit_code: EXIT.usage }));
    return EXIT.usage; // without --json commander has said it
  }
  if (json) console.log(JSON.stringify(errorRecord(error)));
  else sayError(error, { verbose: process.argv.includes('--verbose') });
  return exitCodeOf(error);
}
