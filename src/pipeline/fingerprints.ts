// pipeline/fingerprints.ts: what identifies an input file in keys: its fingerprint, and what --verify learned of it. IO.
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { writeFileAtomically } from '../files/atomic.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { contentKey, fingerprint, hashFile } from '../files/hash.ts';

/** What is remembered of the files that share a fingerprint. */
interface Known {
  /** sha256 of the whole file that was verified first: the fingerprint alone stands for it */
  first: string;
  /** sha256 by path, relative to the job file, as last verified */
  files: Record<string, string>;
}

export interface Fingerprints {
  /** The identity of a file: its fingerprint, or another when its bytes changed between the pieces that a fingerprint reads. */
  of(source: ByteSource): Promise<string>;
  /** Keep what was learned: later runs go on with it, whether they verify or not. */
  save(): Promise<void>;
}

const recordFile = (output: string): string => join(output, 'parts', 'fingerprints.json');

/**
 * Identities of a survey's inputs. Without `verify` files are read in pieces; with it they are read whole and compared with what
 * was remembered for the fingerprint, so an unchanged file keeps its identity and nothing is computed again.
 * The memory lies in parts/: whoever deletes the parts has nothing left that could be wrong.
 *
 * @param dir  the job file's folder: paths are remembered relative to it, so that a survey can be moved
 */
export async function openFingerprints(output: string, dir: string, { verify = false } = {}): Promise<Fingerprints> {
  const known = await readKnown(output);
  return {
    async of(source) {
      const pieces = await fingerprint(source), name = relative(dir, source.name).split('\\').join('/');
      if (verify) remember(known, pieces, name, await hashFile(source));
      const record = known.get(pieces), whole = record?.files[name];
      return record === undefined || whole === undefined || whole === record.first ? pieces : contentKey([pieces, whole]);
    },
    save: async () => {
      if (verify) await writeFileAtomically(recordFile(output), `${JSON.stringify(Object.fromEntries([...known].sort(([a], [b]) => (a < b ? -1 : 1))), null, 1)}\n`);
    },
  };
}

function remember(known: Map<string, Known>, pieces: string, name: string, whole: string): void {
  const record = known.get(pieces) ?? { first: whole, files: {} };
  record.files[name] = whole;
  known.set(pieces, record);
}

async function readKnown(output: string): Promise<Map<string, Known>> {
  const text = await readFile(recordFile(output), 'utf8').catch(() => null);
  return new Map(text === null ? [] : Object.entries(JSON.parse(text) as Record<string, Known>));
}
