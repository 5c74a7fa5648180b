// cli/program.ts: the command line's tree: names, arguments, options and help. Help, completion and docs/commands.md all come from it.
import { Argument, Command, Option } from 'commander';
import type { ExitCode } from '../errors.ts';
import { LAYERS } from '../export/layers.ts';
import { QUERIES } from '../store/sql/queries.ts';
import { VERSION } from '../version.ts';

type Handler = (...args: never[]) => Promise<ExitCode>;

/** As `store/formats.ts` has them, which would load DuckDB. */
export const FORMATS = ['table', 'csv', 'json', 'ndjson', 'markdown', 'parquet'] as const;

/** What `model` does. */
export const MODEL_ACTIONS = ['list', 'check', 'bench'] as const;
export type ModelAction = (typeof MODEL_ACTIONS)[number];

/** Shells that `completion` writes for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const EXIT_CODES = `
Exit codes: 0 ok, 1 failed, 2 wrong command line or job file, 3 completed with voids or files left out, 4 quality gate not met,
5 locked by another run, 6 engine unreachable, 74 disk or I/O, 130 interrupted. Of several jobs: the worst.
Data on stdout, progress on stderr. JOB is a job file (YAML); TARGET is a job file, a run's folder or its .duckdb.`;

/** @param writeErr  gets what commander says of a wrong command line */
export function makeProgram(writeErr: (text: string) => void = (text) => process.stderr.write(text)): Command {
  const program = new Command('understory')
    .description('Forest inventory from LiDAR, canopy-height rasters and orthophotos: trees, cells and stands in DuckDB.')
    .version(VERSION)
    .option('--json', 'machine-readable output on stdout')
    .option('--verbose', 'stack traces and debug messages')
    .enablePositionalOptions()
    .configureOutput({ writeErr })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', EXIT_CODES);
  addStarting(program);
  addNightly(program);
  addDaily(program);
  addEvaluation(program);
  addModels(program);
  addEngines(program);
  for (const command of program.commands) command.showHelpAfterError(`Usage: understory ${command.name()} ${command.usage()}\nMore: understory ${command.name()} --help`);
  return program.showHelpAfterError('The commands: understory --help');
}

/** Run a command's handler, loaded when it is called, and keep its exit code. */
const act = (load: () => Promise<Handler>) => async function (this: Command, ...args: unknown[]): Promise<void> {
  const handler = await load() as (...args: unknown[]) => Promise<ExitCode>;
  const positional = args.slice(0, -2);
  process.exitCode = await handler(...positional, { ...this.parent?.opts(), ...this.opts() });
};

const adder = (program: Command, group: string) => (usage: string, description: string): Command => {
  program.commandsGroup(group);
  return program.command(usage).description(description).option('--json', 'machine-readable output on stdout').option('--verbose', 'stack traces');
};

function addStarting(program: Command): void {
  const command = adder(program, 'To start:');
  command('init [dir]', 'look at a folder of data and write a job file that runs on it; never overwrites')
    .action(act(() => import('./commands/init.ts').then((m) => m.init)));
  command('sample <dir>', 'write a small synthetic survey with a job file, to try everything on')
    .option('--recipe <name>', 'another survey of data-samples/make: plantation, mixed-conifer, understorey, large:4x4 ...')
    .action(act(() => import('./commands/sample.ts').then((m) => m.sample)));
  command('check <job>', 'read a job file and the headers of its inputs; print the whole job, what was found, and what a run would take')
    .action(act(() => import('./commands/check.ts').then((m) => m.check)));
  command('doctor [dir]', 'what this machine has and lacks: Node, memory, disk at dir, DuckDB, ONNX Runtime and the providers that really work')
    .action(act(() => import('./commands/doctor.ts').then((m) => m.doctor)));
  command('schema [table]', 'tables and views of the inventory; with a name its columns; `schema job`: the JSON Schema of the job file')
    .action(act(() => import('./commands/schema.ts').then((m) => m.schema)));
  command('completion', 'completion for a shell, to be sourced by it')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', '\nbash:  source <(understory completion bash)\nzsh:   source <(understory completion zsh)      after compinit\nfish:  understory completion fish > ~/.config/fish/completions/understory.fish')
    .action(act(() => import('./commands/completion.ts').then((m) => m.completion)));
}

function addNightly(program: Command): void {
  const command = adder(program, 'Every night:');
  command('plan <job>', 'say what a run would compute, and why')
    .option('--verify', 'read inputs whole: find changes where fingerprints do not look')
    .action(act(() => import('./commands/plan.ts').then((m) => m.plan)));
  command('run <job...>', 'bring surveys up to date: compute what is due, merge, export')
    .option('--require-gpu', 'fail rather than run a model on the CPU')
    .option('--verify', 'read inputs whole: find changes where fingerprints do not look')
    .action(act(() => import('./commands/run.ts').then((m) => m.run)));
  command('status <job>', 'what is done, due and failed, and what the last run made')
    .action(act(() => import('./commands/status.ts').then((m) => m.status)));
  command('clean <job>', 'remove parts, quarantine records, leftovers and old logs that the last plan does not need; never the inventory, rasters or exports')
    .option('--parts', 'only parts and leftovers: keep quarantine and logs')
    .option('--all-parts', 'remove all the machinery (parts, quarantine, log, plan.json): the next run computes everything anew')
    .option('--dry-run', 'say what would go, remove nothing')
    .action(act(() => import('./commands/clean.ts').then((m) => m.clean)));
}

function addDaily(program: Command): void {
  const command = adder(program, 'By day:'), names = Object.entries(QUERIES).map(([name, { meaning }]) => `  @${name.padEnd(14)} ${meaning}`);
  command('query <target> <sql>', 'read-only SQL on an inventory; @stands, @trees ... are ready-made')
    .addOption(new Option('--format <name>', 'how rows are printed').choices(FORMATS))
    .option('-o, --output <file>', 'write to a file; parquet needs one')
    .option('--timeout <seconds>', 'give up after', '60')
    .option('--memory <mb>', 'memory limit of the query', '1024')
    .addHelpText('after', `\nReady-made queries:\n${names.join('\n')}`)
    .action(act(() => import('./commands/query.ts').then((m) => m.query)));
  command('export <target> <layer>', `write a layer for GIS tools: ${Object.keys(LAYERS).join(', ')}; the ending names the format`)
    .requiredOption('-o, --output <file>', 'the file to write: .geojson or .csv')
    .option('--crs <epsg:n>', 'coordinates in another CRS, as EPSG:2226; for .csv: GeoJSON is always in WGS 84')
    .option('--simplify <m>', 'fewer corners in outlines: none moves farther than this')
    .option('--where <sql>', 'only the rows for which this holds')
    .option('--canonical', 'ordered by key, without the columns that name the run or the tile: equal surveys give equal files')
    .action(act(() => import('./commands/export.ts').then((m) => m.exportTarget)));
}

function addEvaluation(program: Command): void {
  const command = adder(program, 'By day:');
  command('evaluate <target>', 'how well an inventory agrees with mapped trees or plots, or a model (in the place of TARGET) with pictures: recall, precision, bias and RMSE with intervals')
    .option('--reference <file>', 'CSV of mapped trees (x, y, height_m ...) or of plots (plot_id, x, y, radius_m ...); with --of points, polygons or a mask; with --pictures the folder of their references')
    .option('--plots <file>', 'plots beside a reference of trees')
    .option('--trees <file>', 'trees of the plots beside a reference of plots')
    .option('--area <file>', 'polygons within which the reference is complete')
    .option('--crs <epsg:n>', 'of x, y in the reference; default: the survey\'s')
    .option('--of <model>', 'the image trees of this model alone, against points (CSV of x, y) or crowns (polygons); its map, against a drawn mask (GeoTIFF)')
    .option('--pictures <dir>', 'score a model on pictures with references beside them: NAME.tif with NAME.csv (col,row or xmin,ymin,xmax,ymax), NAME.mask.png or NAME.txt; or folders named by class')
    .option('--split <name>', 'with --pictures: a folder within, or the column split of its index.csv')
    .option('--radius <m>', 'points: farthest that two of one tree may lie apart; several with commas (default: 6,2.4)')
    .option('--gsd <m>', 'pictures: side of a pixel, where the files do not say; default: the model\'s')
    .option('--bands <list>', 'pictures: what their bands are, as red,green,blue,nir')
    .option('--match <file>', 'pictures: a radiometric match (of fit JOB radiometry), or `fit`: made from the pictures')
    .option('--min-dbh <cm>', 'plot figures: count stems from this diameter on, on both sides')
    .addOption(new Option('--format <name>', 'how scores are printed').choices(['table', 'csv', 'json', 'markdown']))
    .option('-o, --output <file>', 'write to a file: .csv, .json or .md')
    .action(act(() => import('./commands/evaluate.ts').then((m) => m.evaluate)));
  command('fit <job> <what>', 'fit what a run takes as given to the job\'s own data: height-diameter (to its plots) or radiometry (its images to a model\'s training)')
    .requiredOption('-o, --output <file>', 'the JSON file to write; name it in the job file as allometry.dbh or as match: of a model')
    .option('--model <name>', 'radiometry: of the job\'s models; default: the only one that can be matched')
    .addOption(new Option('--method <name>', 'radiometry: by mean and standard deviation, or by the whole histogram').choices(['mean-sd', 'histogram']).default('mean-sd'))
    .action(act(() => import('./commands/fit.ts').then((m) => m.fit)));
}

function addModels(program: Command): void {
  const command = adder(program, 'By day:');
  command('model', 'models: list them, check one, time one')
    .addArgument(new Argument('<what>', 'list: those that come with the program and lie beside you; check: whether one would run; bench: how fast').choices(MODEL_ACTIONS)).argument('[model]', 'a name, a folder with a card, or an ONNX file')
    .option('--providers <list>', 'execution providers to try, with commas between', 'cpu')
    .option('--require-gpu', 'fail rather than take the CPU')
    .option('--seconds <s>', 'bench: how long', '6')
    .action(act(() => import('./commands/model.ts').then((m) => m.model)));
}

function addEngines(program: Command): void {
  const command = adder(program, 'What engines call:');
  command('work', 'run tasks of a plan')
    .requiredOption('--plan <file>', 'plan.json')
    .option('--task <key>', 'one task')
    .option('--step <step>', 'the tasks of a step, as 12.canopy.1')
    .option('--chunk <i/n>', 'with --step: the i-th of n equal shares')
    .option('--require-gpu', 'fail rather than run a model on the CPU')
    .action(act(() => import('./commands/work.ts').then((m) => m.work)));
  command('merge', 'build the inventory from the parts of a plan')
    .requiredOption('--plan <file>', 'plan.json')
    .action(act(() => import('./commands/merge.ts').then((m) => m.merge)));
}
