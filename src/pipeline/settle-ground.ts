// pipeline/settle-ground.ts: what `ground: auto` comes to: class 2 where the files carry it, else SMRF; one method for the survey. IO.
import { InvalidInput, IoError } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { openPointFile } from '../ingest/point-reader.ts';
import type { Job } from './job-schema.ts';
import type { LidarFile, Survey } from './survey.ts';

export interface GroundChoice {
  method: Survey['groundMethod'];
  /** what was looked at, in words; null where the job names the method */
  note: string | null;
}

/** Share of the survey's returns that may be read before the buckets do: a file is decoded once, but for this. */
const MAX_SAMPLED_SHARE = 0.03;
const GROUND = 2;

/**
 * Look for class 2 in the first returns of the files, by name, until it is found or 3 % of the survey's returns have been seen
 * (at least the first chunk of the first file). A survey whose ground returns all come late in their files is taken for
 * unclassified: its buckets count class 2, and the run says so. To be free of the order of returns, name the method.
 */
export async function settleGround({ ground, inputs }: Job, files: readonly LidarFile[]): Promise<GroundChoice> {
  if (ground.method !== 'auto') return { method: ground.method, note: null };
  if (inputs.lidar === undefined) return { method: 'classified', note: null };
  if (inputs.lidar.z === 'height') return { method: 'classified', note: null };
  const budget = MAX_SAMPLED_SHARE * files.reduce((sum, { pointCount }) => sum + pointCount, 0);
  let seen = 0;
  for (const { path } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    if (seen > 0 && seen >= budget) break;
    const { hasGround, returns } = await firstReturns(path);
    if (hasGround) return { method: 'classified', note: 'ground: returns of class 2' };
    seen += returns;
  }
  return { method: 'smrf', note: `ground: SMRF, since none of the ${seen} returns looked at is of class 2` };
}

async function firstReturns(path: string): Promise<{ hasGround: boolean; returns: number }> {
  const source = await openFile(path);
  try {
    for await (const { classification, count } of (await openPointFile(source)).chunks()) return { hasGround: classification.includes(GROUND), returns: count };
    return { hasGround: false, returns: 0 };
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof IoError) return { hasGround: false, returns: 0 }; // its bucket will say what is wrong
    throw error;
  } finally {
    await source.close();
  }
}
