// pipeline/cut-short.ts: the header of a LiDAR file that is damaged behind it: where its void lies. IO.
import { InvalidInput, IoError } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { readLasFile } from '../ingest/las-file.ts';
import type { PointFileHeader } from '../ingest/point-reader.ts';

/**
 * What the header says of a file that cannot be opened, as if the file went on for as long as the header promises; null where the
 * header itself cannot be read. The file stays in the plan, so that its area is a void in every tile that needs it; its bucket
 * fails with the reason.
 */
export async function headerOfCutShort(source: ByteSource): Promise<PointFileHeader | null> {
  try {
    return (await readLasFile({ ...source, size: Number.MAX_SAFE_INTEGER })).header;
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof IoError) return null;
    throw error;
  }
}
