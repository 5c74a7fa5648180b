// cli/doctor/machine.ts: Node, processor, memory and disk, as understory meets them. IO.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { bytesText } from '../text.ts';
import type { Finding } from './finding.ts';
import { fault, ok, warning } from './finding.ts';

/** The job file's default of run.memory_gb, and what a worker takes at its peak (bench/RESULTS.md: 1.3 to 1.6 GB with two). */
const WANTED_MEMORY = 4e9;
const WANTED_DISK = 5e9;

export function nodeFinding(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return ok('Node.js', version);
  return fault('Node.js', version, 'understory needs 22.18 or newer; in a checkout start it with npx understory, which brings its own');
}

/** Vector instructions that ONNX Runtime and DuckDB use where they are there. */
const FEATURES = ['sse4_2', 'avx2', 'avx512f', 'avx512_vnni', 'amx_tile', 'asimd', 'sve'];

export async function processorFinding(): Promise<Finding> {
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => ''), flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1]?.trim().split(/\s+/));
  const features = FEATURES.filter((name) => flags.has(name)), cores = availableParallelism();
  const found = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${process.arch}, ${cores} core(s)${features.length > 0 ? `, ${features.join(' ')}` : ''}`;
  if (process.arch === 'x64' && flags.size > 0 && !flags.has('avx2')) return warning('processor', found, 'without AVX2 networks run several times slower on the CPU');
  return ok('processor', found);
}

/** What a container may use, or null where nothing limits it. */
async function containerLimit(): Promise<number | null> {
  for (const path of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    const limit = Number(await readFile(path, 'utf8').catch(() => NaN));
    if (limit > 0 && limit < totalmem()) return limit;
  }
  return null;
}

export async function memoryFinding(): Promise<Finding> {
  const limit = await containerLimit(), total = limit ?? totalmem();
  const found = `${bytesText(total)}${limit === null ? `, ${bytesText(freemem())} free` : ' allowed to this container'}`;
  return total >= WANTED_MEMORY ? ok('memory', found) : warning('memory', found, 'set run.memory_gb below it and run.workers: 1; a worker takes up to about 0.8 GB');
}

/** The nearest folder that is there: results may not have theirs yet. */
async function existing(path: string): Promise<string> {
  const parent = dirname(path);
  return parent === path || await stat(path).then((info) => info.isDirectory(), () => false) ? path : existing(parent);
}

export async function diskFinding(dir: string): Promise<Finding> {
  const at = await existing(resolve(dir)), name = `disk at ${dir}`, { bavail, bsize } = await statfs(at), free = bavail * bsize, found = `${bytesText(free)} free`;
  if (!await access(at, constants.W_OK).then(() => true, () => false)) return fault(name, `${at} cannot be written to`, 'name a folder of your own as output in the job file');
  return free >= WANTED_DISK ? ok(name, found) : warning(name, found, 'understory check JOB says what a run needs; free some room, or name another disk as output');
}

/** Programs that understory never calls; with what they are good for. */
const TOOLS: readonly [command: string, argument: string, use: string][] = [
  ['gdalinfo', '--version', 'to convert rasters that are refused (gdal-bin)'],
  ['ogr2ogr', '--version', 'to convert vector layers that are refused (gdal-bin)'],
  ['duckdb', '--version', 'to open survey.duckdb outside of understory'],
  ['jupyter', '--version', 'to work through notebooks/'],
];

export const toolFindings = (): Promise<Finding[]> => Promise.all(TOOLS.map(async ([command, argument, use]) => {
  const said = await promisify(execFile)(command, [argument], { encoding: 'utf8', timeout: 20_000 }).then(({ stdout }) => stdout.split('\n').find((line) => /\d/.test(line))?.trim() ?? '', () => null);
  return said === null ? ok(command, `not there; optional, ${use}`) : ok(command, said);
}));
