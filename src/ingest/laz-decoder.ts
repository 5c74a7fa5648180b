// ingest/laz-decoder.ts: chunks of compressed points through laz-perf; the only file that imports it. IO (loads its wasm from the package).
import type { LazPerf } from 'laz-perf';
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import { BASE_RECORD_BYTES } from './las-header.ts';
import type { RecordShape } from './las-records.ts';

/** A chunk is 50,000 points in most files, some megabytes; the whole chunk lies in wasm memory, which never shrinks. */
const MAX_CHUNK_BYTES = 512 * 1024 * 1024;

/** The decoder looks some bytes ahead of what it uses. */
const INPUT_PADDING = 64;

let loaded: Promise<LazPerf> | null = null;

/** One instance a process. After an exception inside wasm its memory is in doubt: the next file gets a new one. */
function lazPerf(): Promise<LazPerf> {
  loaded ??= load();
  return loaded;
}

/** Emscripten hooks the process's uncaught exceptions and rejections while it starts; those stay the program's. */
async function load(): Promise<LazPerf> {
  const { createLazPerf } = await import('laz-perf');
  const exceptions = process.listeners('uncaughtException'), rejections = process.listeners('unhandledRejection');
  const module = await createLazPerf();
  for (const hook of process.listeners('uncaughtException')) if (!exceptions.includes(hook)) process.off('uncaughtException', hook);
  for (const hook of process.listeners('unhandledRejection')) if (!rejections.includes(hook)) process.off('unhandledRejection', hook);
  return module;
}

export interface DecodeOptions extends RecordShape {
  /** points in the chunk */
  count: number;
  /** points at a time */
  batch: number;
  /** what errors call the chunk: the file, and where in it */
  source: string;
  place: string;
}

/**
 * Decode a chunk, a batch of records at a time.
 *
 * laz-perf is called once a point (its interface has no call for more): an empty call takes about 0.1 of the 0.6 us that
 * a point takes (`bench/las-decode.ts`). The records land one behind the other in wasm memory and are parsed there in
 * one loop, which does not show beside it.
 *
 * @param decode  gets a batch of uncompressed records; the bytes are overwritten by the next batch
 * @throws {InvalidInput} when the chunk is damaged in a way that shows
 */
export async function* decodeChunk<T>(bytes: Uint8Array, { pointFormat, recordLength, count, batch, source, place }: DecodeOptions, decode: (records: Uint8Array, count: number) => T): AsyncGenerator<T> {
  if (bytes.length > MAX_CHUNK_BYTES) throw new UnsupportedInput(`${source}: ${place} has ${bytes.length} bytes in one chunk; rewrite the file with chunks of 50,000 points`, { source });
  if (pointFormat >= 6) checkLayers(bytes, { pointFormat, recordLength, count, source, place });
  const damaged = (cause: unknown): InvalidInput => {
    loaded = null;
    return new InvalidInput(`${source}: ${place} cannot be decompressed; the file is damaged, copy it again`, { source }, { cause: asError(cause) });
  };
  const wasm = await lazPerf();
  const size = Math.min(batch, count);
  const input = wasm._malloc(bytes.length + INPUT_PADDING), output = wasm._malloc(size * recordLength);
  const decoder = new wasm.ChunkDecoder();
  let broken = false;
  try {
    if (input === 0 || output === 0) throw damaged(new Error('out of memory'));
    wasm.HEAPU8.set(bytes, input);
    wasm.HEAPU8.fill(0, input + bytes.length, input + bytes.length + INPUT_PADDING);
    for (let first = 0; first < count; first += size) {
      const points = Math.min(size, count - first);
      try {
        if (first === 0) decoder.open(pointFormat, recordLength, input);
        for (let i = 0, at = output; i < points; i++, at += recordLength) decoder.getPoint(at);
      } catch (cause) {
        broken = true;
        throw damaged(cause);
      }
      yield decode(wasm.HEAPU8.subarray(output, output + points * recordLength), points); // the heap moves as it grows
    }
  } finally {
    if (!broken) {
      decoder.delete();
      wasm._free(input);
      wasm._free(output);
    }
  }
}

/** wasm throws pointers to its exceptions: a number says nothing to a reader. */
const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(`laz-perf refused it (${String(cause)})`));

/** Layers of a chunk in formats 6-8: nine of the point, then colour, then near infrared; extra bytes have one each. */
const LAYERS: Readonly<Record<number, number>> = { 6: 9, 7: 10, 8: 11 };

/**
 * A chunk of formats 6-8 begins with its first point, its number of points and the size of each layer:
 * hold them against the chunk, since the decoder trusts them.
 */
function checkLayers(bytes: Uint8Array, { pointFormat, recordLength, count, source, place }: Omit<DecodeOptions, 'batch'>): void {
  const layers = LAYERS[pointFormat]! + recordLength - BASE_RECORD_BYTES[pointFormat]!;
  const data = recordLength + 4 + 4 * layers;
  const damaged = (what: string): InvalidInput => new InvalidInput(`${source}: ${place} ${what}; the file is damaged, copy it again`, { source });
  if (bytes.length < data) throw damaged(`has ${bytes.length} bytes, fewer than its own header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const points = view.getUint32(recordLength, true);
  if (points !== count) throw damaged(`says it has ${points} points where ${count} are due`);
  let sum = data;
  for (let i = 0; i < layers; i++) sum += view.getUint32(recordLength + 4 + 4 * i, true);
  if (sum > bytes.length) throw damaged(`promises layers of ${sum} bytes in ${bytes.length}`);
}
