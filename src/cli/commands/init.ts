// cli/commands/init.ts: `understory init [DIR]`: a job file for a folder of data.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { EXIT, UnderstoryError, UsageError, messageOf } from '../../errors.ts';
import { writeFileAtomically } from '../../files/atomic.ts';
import { exists } from '../../files/exists.ts';
import { isEnough, jobText, surveyName } from '../../pipeline/init-job.ts';
import type { JobText } from '../../pipeline/init-job.ts';
import type { Choice } from '../../pipeline/init/choose.ts';
import { choose } from '../../pipeline/init/choose.ts';
import { lookAtFolder } from '../../pipeline/init/look-at-folder.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import { readSurvey } from '../../pipeline/read-survey.ts';
import type { GlobalOptions } from '../options.ts';

export async function init(dir: string | undefined, { json }: GlobalOptions): Promise<ExitCode> {
  const folder = dir ?? '.', job = join(folder, 'job.yaml');
  if (!await stat(folder).then((info) => info.isDirectory(), () => false)) throw new UsageError(`${folder}: no folder there; name the one that holds the data`, { source: folder });
  if (await exists(job)) throw new UsageError(`${job}: is there already and stays as it is; rename it to have another written, or look at it with understory check ${job}`, { source: job });
  const { notes, ...seen } = await lookAtFolder(folder), choice = choose({ ...seen, notes });
  if (!isEnough(choice)) throw new UsageError(nothingText(folder, choice), { source: folder });
  const text: JobText = { survey: surveyName(basename(resolve(folder))), choice, notes, missing: null };
  await writeFileAtomically(job, jobText(text));
  const missing = await problemOf(job);
  if (missing !== null) await writeFileAtomically(job, jobText({ ...text, missing }));
  if (json) console.log(JSON.stringify({ job, runs: missing === null, missing, inputs: taken(choice), unused: choice.unused }));
  else console.log(doneText(job, choice, missing));
  return EXIT.ok;
}

/** What `check` would stop at, or null. Nothing is left in the results' folder. */
async function problemOf(job: string): Promise<string | null> {
  const scratch = await mkdtemp(join(tmpdir(), 'understory-init-'));
  try {
    await readSurvey({ ...await loadJob(job), output: scratch });
    return null;
  } catch (error) {
    if (error instanceof UnderstoryError) return relativeTo(job, messageOf(error));
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Paths as the job file names them; without its line numbers, which change with what is written above. */
function relativeTo(job: string, text: string): string {
  const path = resolve(job), dir = dirname(path);
  for (const name of new Set([path, job])) text = text.replaceAll(new RegExp(`${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(:\\d+)?: `, 'g'), '').replaceAll(name, 'job.yaml');
  return text.replaceAll(`${dir}/`, '').replaceAll(dir, 'this folder');
}

function taken({ lidar, chm, dtm, images, stands, area, masks, plots, plotTrees }: Choice): Record<string, string[]> {
  const files = (groups: readonly { files: string[] }[]) => groups.flatMap((group) => group.files), paths = (...all: ({ path: string } | null)[]) => all.flatMap((each) => (each ? [each.path] : []));
  const inputs = { lidar: files(lidar), chm: files(chm), dtm: files(dtm), images: files(images), stands: paths(stands), area: paths(area), mask: paths(...masks), plots: paths(plots, plots && plotTrees) };
  return Object.fromEntries(Object.entries(inputs).filter(([, found]) => found.length > 0));
}

function doneText(job: string, choice: Choice, missing: string | null): string {
  const found = Object.entries(taken(choice)).map(([name, files]) => `  ${name.padEnd(7)} ${files.slice(0, 4).join(', ')}${files.length > 4 ? ` and ${files.length - 4} more` : ''}`);
  const left = choice.unused.length + choice.alternatives.length;
  return [
    `${job} is written; it says why each file is taken for what it is.`, ...found, ...(left > 0 ? [`  ${left} file(s) or group(s) seen and not used: the reasons are at its end`] : []),
    missing === null ? `Next: understory check ${job}, then understory run ${job}` : `It does not run yet. To fill in:\n  ${missing.replaceAll('\n', '\n  ')}\nThen: understory check ${job}`,
  ].join('\n');
}

function nothingText(folder: string, { unused, alternatives }: Choice): string {
  const seen = [...unused.map(({ path, reason }) => `  ${path}: ${reason}`), ...alternatives.map(({ line, reason }) => `  ${line}: ${reason}`)];
  const what = `${folder}: no point cloud (LAS, LAZ, COPC), canopy-height raster or orthophoto (GeoTIFF) that could be used; copy the data there or name another folder, or try understory sample DIR`;
  return seen.length === 0 ? what : `${what}. Seen and not used:\n${seen.slice(0, 20).join('\n')}${seen.length > 20 ? `\n  and ${seen.length - 20} more` : ''}`;
}
