// ingest/laz.ts: LAZ, chunk by chunk as its chunk table lists them. IO.
import type { ByteSource } from '../files/byte-source.ts';
import { BATCH, decodeBatch } from './las.ts';
import type { LasFile } from './las-file.ts';
import { readChunks, readLazRecord } from './laz-chunks.ts';
import type { Chunk } from './laz-chunks.ts';
import { decodeChunk } from './laz-decoder.ts';
import type { ChunkOptions, RawPoints } from './point-reader.ts';
import type { PointFormat } from './point-registry.ts';

export const laz: PointFormat = {
  name: 'laz',
  async open(source, file) {
    const chunks = await readChunks(source, file, await readLazRecord(source, file));
    return { header: file.header, chunks: (options = {}) => decodeChunks(source, file, chunks, options) };
  },
};

/** Decode chunks in the order given; memory holds one compressed chunk and one batch of points. */
export async function* decodeChunks(source: ByteSource, file: LasFile, chunks: readonly Chunk[], options: ChunkOptions): AsyncGenerator<RawPoints> {
  const { pointFormat, recordLength } = file.header;
  for (const { offset, bytes, count } of chunks) {
    const compressed = await source.read(offset, bytes);
    const shape = { pointFormat, recordLength, count, batch: BATCH, source: source.name, place: `the chunk at byte ${offset}` };
    yield* decodeChunk(compressed, shape, (records, n) => decodeBatch(records, n, file, options));
  }
}
