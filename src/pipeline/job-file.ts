// pipeline/job-file.ts: reads a job file: YAML, schema, patterns of inputs. Errors name the line, the path and the nearest key. IO.
import { glob, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { LineCounter, isMap, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import type { Job } from './job-schema.ts';
import { JobSchema } from './job-schema.ts';

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
    throw new UsageError(`${path}: no job file there; \`understory sample DIR\` writes one to start from`, { source: path }, { cause });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const [broken] = document.errors;
  if (broken) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new UsageError(`${path}:${line}: not valid YAML: ${lowerFirst(broken.message)}`, { source: path, line });
  }
  const parsed = JobSchema.safeParse(document.toJS());
  if (!parsed.success) throw usageError(path, parsed.error.issues, document, lines);
  const dir = dirname(resolve(path));
  const loaded = { path: resolve(path), dir, output: resolve(dir, parsed.data.output), job: parsed.data, at: (key: string) => `${path}:${lineOf(document, lines, pathOfKey(key))}` };
  await assertAllowed(loaded, loaded.output, 'output');
  return loaded;
}

const pathOfKey = (key: string): PropertyKey[] => key.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));

/** Every fault of the job file on its own line: file:line: path: what is wrong. */
function usageError(path: string, issues: readonly z.core.$ZodIssue[], document: Document, lines: LineCounter): UsageError {
  const faults = issues.flatMap((issue) => faultsOf(issue)).map(({ at, message }) => {
    const line = lineOf(document, lines, at);
    return { line, path: at.join('.'), text: `${path}:${line}: ${at.length > 0 ? `${at.join('.')}: ` : ''}${message}` };
  });
  const [first] = faults;
  return new UsageError(faults.map(({ text }) => text).join('\n'), { source: path, line: first?.line ?? 1, path: first?.path ?? '' });
}

function faultsOf(issue: z.core.$ZodIssue): { at: PropertyKey[]; message: string }[] {
  if (issue.code !== 'unrecognized_keys') return [{ at: issue.path, message: lowerFirst(issue.message) }];
  const known = knownKeys(issue.path);
  return issue.keys.map((key) => ({ at: [...issue.path, key], message: `unknown key${nearestHint(key, known)}` }));
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** Keys that the schema knows at a path, over all alternatives of a union. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schemas: JsonSchema[] = [z.toJSONSchema(JobSchema, { io: 'input' }) as JsonSchema];
  for (const step of path) {
    schemas = schemas.flatMap(alternatives).flatMap((schema) =>
      typeof step === 'number' ? [schema.items] : [schema.properties?.[String(step)] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined)],
    ).filter((schema) => schema !== undefined);
  }
  return schemas.flatMap(alternatives).flatMap((schema) => Object.keys(schema.properties ?? {}));
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

const alternatives = (schema: JsonSchema): JsonSchema[] => [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];

/** "; did you mean `size_m`?" for the nearest word, or the words there are. */
export function nearestHint(word: string, known: readonly string[]): string {
  const ranked = [...new Set(known)].map((candidate) => ({ candidate, edits: editDistance(word, candidate) })).sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  if (!best) return '';
  return best.edits <= Math.max(2, Math.ceil(word.length / 3)) ? `; did you mean ${best.candidate}?` : `; known here: ${ranked.map(({ candidate }) => candidate).sort().join(', ')}`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

/** Line of the deepest node on a path that the file has. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const last = path[depth - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => String(key) === String(last));
      const range = (pair?.key as { range?: [number, number, number] } | undefined)?.range;
      if (range) return lines.linePos(range[0]).line;
    }
    const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
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
