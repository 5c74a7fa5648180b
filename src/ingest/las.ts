// ingest/las.ts: plain LAS, in blocks of records. IO.
import type { ByteSource } from '../files/byte-source.ts';
import { decodeExtraBytes } from './las-extra-bytes.ts';
import type { LasFile } from './las-file.ts';
import { decodeRecords } from './las-records.ts';
import type { ChunkOptions, RawPoints } from './point-reader.ts';
import type { PointFormat } from './point-registry.ts';

/** Records decoded at a time: some megabytes, enough that the cost of a read does not count. */
export const BATCH = 50_000;

export const las: PointFormat = {
  name: 'las',
  async open(source, file) {
    return { header: file.header, chunks: (options = {}) => readBatches(source, file, options) };
  },
};

async function* readBatches(source: ByteSource, file: LasFile, options: ChunkOptions): AsyncGenerator<RawPoints> {
  const { pointCount, recordLength } = file.header;
  for (let first = 0; first < pointCount; first += BATCH) {
    const count = Math.min(BATCH, pointCount - first);
    const bytes = await source.read(file.layout.pointOffset + first * recordLength, count * recordLength);
    yield decodeBatch(bytes, count, file, options);
  }
}

/** Uncompressed records to columns, with the extra bytes that were asked for. */
export function decodeBatch(bytes: Uint8Array, count: number, { header, extraFields }: LasFile, { extraBytes = [] }: ChunkOptions): RawPoints {
  const points = decodeRecords(bytes, count, header);
  if (extraBytes.length > 0) points.extra = decodeExtraBytes(bytes, count, header, extraFields, extraBytes);
  return points;
}
