// pipeline/job-file.ts: reads a job file: YAML, schema, patterns of inputs. Errors name the line, the path and the nearest key. IO.
import { glob, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import type { JobFault } from './job-faults.ts';
import { jobFaults } from './job-faults.ts';
import type { Job } from './job-schema.ts';
import { JobSchema } from './job-schema.ts';
import { parseJobYaml } from './job-yaml.ts';

/** A job as read: its file, its folder, the whole job with defaults, and the absolute folder of its results. */
export interface LoadedJob {
  path: string;
  dir: string;
  output: string;
  job: Job;
  /** where a key stands, for messages: `job.yaml:7` */
  at(key: string): string;
}

/**
 * Read and check a job file.
 *
 * @throws {UsageError} naming the line and the key at fault, and the nearest known key for an unknown one
 */
export async function loadJob(path: string): Promise<LoadedJob> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EISDIR') throw new UsageError(`${path}: a folder; name the job file in it`, { source: path }, { cause });
    throw new UsageError(`${path}: no job file there; \`understory init DIR\` writes one for a folder of data, \`understory sample DIR\` a survey to try`, { source: path }, cause.code === 'ENOENT' ? {} : { cause });
  });
  const { data, lineOf } = parseJobYaml(path, text), parsed = JobSchema.safeParse(data);
  if (!parsed.success) throw usageError(path, jobFaults(parsed.error.issues, data), lineOf);
  const dir = dirname(resolve(path));
  const loaded = { path: resolve(path), dir, output: resolve(dir, parsed.data.output), job: parsed.data, at: (key: string) => `${path}:${lineOf(pathOfKey(key))}` };
  await assertAllowed(loaded, loaded.output, 'output');
  return loaded;
}

const pathOfKey = (key: string): PropertyKey[] => key.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));

/** Every fault of the job file on its own line: file:line: path: what is wrong. */
function usageError(path: string, faults: readonly JobFault[], lineOf: (path: readonly PropertyKey[]) => number): UsageError {
  const lines = faults.map(({ at, message }) => {
    const line = lineOf(at);
    return { line, path: at.join('.'), text: `${path}:${line}: ${at.length > 0 ? `${at.join('.')}: ` : ''}${message}` };
  });
  const [first] = lines.sort((a, b) => a.line - b.line);
  return new UsageError(lines.map(({ text }) => text).join('\n'), { source: path, line: first?.line ?? 1, path: first?.path ?? '' });
}

/**
 * The files that a list of paths and patterns names, absolute, sorted, each once.
 *
 * @throws {UsageError} when a pattern matches nothing or leads outside the job's folder and its roots
 */
export async function matchFiles(loaded: LoadedJob, patterns: readonly string[], key: string): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const matches = await matchesOf(loaded.dir, pattern);
    if (matches.length === 0) throw new UsageError(`${loaded.at(key)}: ${key}: ${pattern} matches no file in ${loaded.dir}; patterns are relative to the job file`, { source: loaded.path, path: key });
    for (const match of matches) {
      await assertAllowed(loaded, match, key);
      found.add(match);
    }
  }
  return [...found].sort();
}

/** The files that one pattern names, absolute: a path that there is stands for itself, whatever characters it holds; a pattern as lidar/* meets folders too. */
async function matchesOf(dir: string, pattern: string): Promise<string[]> {
  const itself = resolve(dir, pattern);
  if (await isFile(itself, false)) return [itself];
  const files: string[] = [];
  // the folder is no part of the pattern: its name may hold [ or *
  for await (const match of glob(pattern, { cwd: dir })) if (await isFile(resolve(dir, match), true)) files.push(resolve(dir, match));
  return files;
}

/** @param unseen  the answer for what cannot be looked at: a match is kept, so that who reads it says why not */
const isFile = (path: string, unseen: boolean): Promise<boolean> => stat(path).then((info) => info.isFile(), () => unseen);

/** @throws {UsageError} when a path, links followed, leaves the job's folder and its roots */
async function assertAllowed(loaded: LoadedJob, path: string, key: string): Promise<void> {
  const folders = [loaded.dir, ...loaded.job.roots.map((root) => resolve(loaded.dir, root))];
  const real = await realpathOfExisting(path);
  for (const folder of folders) if (isInside(await realpathOfExisting(folder), real)) return;
  throw new UsageError(`${loaded.at(key)}: ${key}: ${path} lies outside the job's folder; add a folder that holds it to \`roots:\``, { source: loaded.path, path: key });
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!way.startsWith('..') && !isAbsolute(way));
}

async function realpathOfExisting(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : resolve(await realpathOfExisting(parent), relative(parent, path));
  }
}
