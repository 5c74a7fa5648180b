// cli/main.ts: the command line: names, options and help; each command is one file.
import { Command, CommanderError, Option } from 'commander';
import type { ExitCode } from '../errors.ts';
import { EXIT } from '../errors.ts';
import { VERSION } from '../version.ts';
import { errorRecord, exitCodeOf, sayError } from './fail.ts';

/** Known before the command line is parsed, since what is wrong with it must come out as asked for too. */
const json = process.argv.includes('--json');
let commanderText = '';

const program = new Command('understory')
  .description('Forest inventory from LiDAR and orthophotos: trees, cells and stands in DuckDB.')
  .version(VERSION)
  .option('--json', 'machine-readable output on stdout')
  .option('--verbose', 'stack traces and debug messages')
  .enablePositionalOptions()
  .configureOutput({
    writeErr: (text) => {
      commanderText += text;
      if (!json) process.stderr.write(text);
    },
  })
  .showSuggestionAfterError()
  .exitOverride();

type Handler = (...args: never[]) => Promise<ExitCode>;

/** Run a command's handler, loaded when it is called, and keep its exit code. */
const act = (load: () => Promise<Handler>) => async function (this: Command, ...args: unknown[]): Promise<void> {
  const handler = await load() as (...args: unknown[]) => Promise<ExitCode>;
  const positional = args.slice(0, -2);
  process.exitCode = await handler(...positional, { ...program.opts(), ...this.opts() });
};

function command(usage: string, description: string): Command {
  return program.command(usage).description(description).option('--json', 'machine-readable output on stdout').option('--verbose', 'stack traces');
}

command('sample <dir>', 'write a small synthetic survey with a job file, to try everything on')
  .option('--recipe <name>', 'another survey of data-samples/make: plantation, mixed-conifer, understorey, large:4x4 ...')
  .action(act(() => import('./commands/sample.ts').then((m) => m.sample)));
command('check <job>', 'read a job file and the headers of its inputs; print the whole job, and what was found')
  .action(act(() => import('./commands/check.ts').then((m) => m.check)));
command('plan <job>', 'say what a run would compute, and why')
  .option('--verify', 'read inputs whole: find changes where fingerprints do not look')
  .action(act(() => import('./commands/plan.ts').then((m) => m.plan)));
command('run <job...>', 'bring surveys up to date: compute what is due, merge, export')
  .option('--require-gpu', 'fail rather than run a model on the CPU')
  .option('--verify', 'read inputs whole: find changes where fingerprints do not look')
  .action(act(() => import('./commands/run.ts').then((m) => m.run)));
command('status <job>', 'what is done, due and failed, and what the last run made')
  .action(act(() => import('./commands/status.ts').then((m) => m.status)));
command('query <target> <sql>', 'read-only SQL on an inventory; @stands, @trees ... are ready-made')
  .addOption(new Option('--format <name>', 'how rows are printed').choices(['table', 'csv', 'json', 'ndjson', 'markdown', 'parquet']))
  .option('-o, --output <file>', 'write to a file; parquet needs one')
  .option('--timeout <seconds>', 'give up after', '60')
  .option('--memory <mb>', 'memory limit of the query', '1024')
  .action(act(() => import('./commands/query.ts').then((m) => m.query)));
command('export <target> <layer>', 'write a layer for GIS tools: trees, crowns, stands, cells, gaps, voids; the ending names the format')
  .requiredOption('-o, --output <file>', 'the file to write: .geojson or .csv')
  .option('--simplify <m>', 'fewer corners in outlines: none moves farther than this')
  .option('--where <sql>', 'only the rows for which this holds')
  .option('--canonical', 'ordered by key, without the columns that name the run or the tile: equal surveys give equal files')
  .action(act(() => import('./commands/export.ts').then((m) => m.exportTarget)));
command('work', 'run tasks of a plan: what engines call')
  .requiredOption('--plan <file>', 'plan.json')
  .option('--task <key>', 'one task')
  .option('--step <step>', 'the tasks of a step, as 12.canopy.1')
  .option('--chunk <i/n>', 'with --step: the i-th of n equal shares')
  .option('--require-gpu', 'fail rather than run a model on the CPU')
  .action(act(() => import('./commands/work.ts').then((m) => m.work)));
command('merge', 'build the inventory from the parts of a plan: what engines call')
  .requiredOption('--plan <file>', 'plan.json')
  .action(act(() => import('./commands/merge.ts').then((m) => m.merge)));

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
