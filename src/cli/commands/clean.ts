// cli/commands/clean.ts: `understory clean JOB [--parts] [--all-parts] [--dry-run]`.
import { relative } from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { EXIT, UsageError } from '../../errors.ts';
import { exists } from '../../files/exists.ts';
import { takeLock } from '../../files/lock.ts';
import type { Litter, LitterKind } from '../../pipeline/clean.ts';
import { findLitter, removeLitter } from '../../pipeline/clean.ts';
import { loadJob } from '../../pipeline/job-file.ts';
import { lockFile } from '../../pipeline/run.ts';
import type { GlobalOptions } from '../options.ts';
import { bytesText, columnsText } from '../text.ts';

interface CleanCommandOptions extends GlobalOptions {
  parts?: boolean;
  allParts?: boolean;
  dryRun?: boolean;
}

const WORDS: Record<LitterKind, string> = { part: 'parts', quarantine: 'quarantine records', leftover: 'leftovers of killed runs', log: 'logs', plan: 'the plan' };

export async function clean(job: string, { parts = false, allParts = false, dryRun = false, json }: CleanCommandOptions): Promise<ExitCode> {
  if (parts && allParts) throw new UsageError('--parts and --all-parts contradict each other; give one');
  const { output } = await loadJob(job);
  const isThere = await exists(output); // the lock would make the folder
  const found = isThere ? await cleanLocked(output, { partsOnly: parts, allParts, dryRun }) : [], bytes = found.reduce((sum, each) => sum + each.bytes, 0);
  if (json) console.log(JSON.stringify({ output, dry_run: dryRun, bytes, removed: found.map(({ kind, path, bytes: size }) => ({ kind, path: relative(output, path), bytes: size })) }));
  else console.log(cleanText(output, found, dryRun));
  return EXIT.ok;
}

async function cleanLocked(output: string, { dryRun, ...what }: { partsOnly: boolean; allParts: boolean; dryRun: boolean }): Promise<Litter[]> {
  const unlock = await takeLock(lockFile(output)); // a run's parts are needed before its plan is done
  try {
    const found = await findLitter(output, { ...what, now: new Date() });
    if (!dryRun) await removeLitter(found);
    return found;
  } finally {
    await unlock();
  }
}

function cleanText(output: string, found: readonly Litter[], dryRun: boolean): string {
  if (found.length === 0) return `${output}: nothing to remove`;
  const rows = (Object.keys(WORDS) as LitterKind[]).flatMap((kind) => {
    const those = found.filter((each) => each.kind === kind);
    return those.length === 0 ? [] : [[String(those.length), WORDS[kind], bytesText(those.reduce((sum, { bytes }) => sum + bytes, 0))]];
  });
  return `${output}: ${dryRun ? 'would remove' : 'removed'} ${bytesText(found.reduce((sum, { bytes }) => sum + bytes, 0))}\n${columnsText(rows, '  ')}`;
}
