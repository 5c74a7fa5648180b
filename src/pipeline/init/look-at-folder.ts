// pipeline/init/look-at-folder.ts: the files of a folder and what each may be. IO.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../../files/exists.ts';
import { inParallel } from '../../files/in-parallel.ts';
import { isOfInterest, lookAtFile } from './look-at-file.ts';
import type { Sighting } from './sighting.ts';

export interface FolderSight {
  sightings: Sighting[];
  /** files by folder and ending, as `lidar/*.laz`: whether a pattern would catch more than what was recognised */
  byPattern: Map<string, string[]>;
  /** what was not looked into, in words */
  notes: string[];
}

const MAX_DEPTH = 5, MAX_FILES = 20_000, AT_ONCE = 8;
/** Of a folder's files of one ending this many are looked at; if they are of one kind the others are taken for the same, and the job file says so. */
const LOOKED_AT = 60;
const ALIKE: readonly Sighting['kind'][] = ['lidar', 'chm', 'dtm'];

/** What lies in a folder and below. Results of earlier runs, model folders and hidden folders are not looked into. */
export async function lookAtFolder(dir: string): Promise<FolderSight> {
  const notes: string[] = [], names = await filesBelow(dir, '', 0, notes), byPattern = new Map<string, string[]>();
  for (const name of names) {
    const files = byPattern.get(patternOf(name));
    if (files) files.push(name);
    else byPattern.set(patternOf(name), [name]);
  }
  const sightings: Sighting[] = [];
  for (const [pattern, files] of byPattern) sightings.push(...await lookAtGroup(dir, pattern, files, notes));
  return { sightings, byPattern, notes };
}

/** `lidar/a.laz`: `lidar/*.laz` */
export const patternOf = (name: string): string => `${name.slice(0, name.lastIndexOf('/') + 1)}*${/\.[^./]+$/.exec(name)?.[0] ?? ''}`;

async function lookAtGroup(dir: string, pattern: string, files: readonly string[], notes: string[]): Promise<Sighting[]> {
  const look = (names: readonly string[]) => inParallel(names, AT_ONCE, (name) => lookAtFile(join(dir, name), name));
  const step = Math.max(1, Math.ceil(files.length / LOOKED_AT)), seen = await look(files.filter((_, i) => i % step === 0)), [first] = seen;
  if (step === 1) return seen;
  if (!ALIKE.includes(first!.kind) || seen.some(({ kind }) => kind !== first!.kind)) return look(files);
  notes.push(`${pattern}: ${seen.length} of its ${files.length} files were looked at; the others are taken for the same`);
  return files.map((path) => ({ ...first!, path }));
}

async function filesBelow(dir: string, prefix: string, depth: number, notes: string[]): Promise<string[]> {
  const entries = (await readdir(join(dir, prefix), { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1)), names: string[] = [];
  for (const entry of entries) {
    const name = `${prefix}${entry.name}`;
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    if (entry.isDirectory()) {
      if (await isOurs(join(dir, name))) continue;
      if (depth >= MAX_DEPTH) notes.push(`${name}/ lies deeper than ${MAX_DEPTH} folders and was not looked into`);
      else names.push(...await filesBelow(dir, `${name}/`, depth + 1, notes));
    } else if ((entry.isFile() || entry.isSymbolicLink()) && isOfInterest(entry.name)) names.push(name);
    if (names.length > MAX_FILES) {
      notes.push(`more than ${MAX_FILES} files: those after ${name} were not looked at`);
      break;
    }
  }
  return names;
}

/** The folder of a run's results, or of a model. */
async function isOurs(dir: string): Promise<boolean> {
  for (const name of ['survey.duckdb', 'plan.json', 'card.json']) if (await exists(join(dir, name))) return true;
  return false;
}
