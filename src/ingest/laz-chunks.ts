// ingest/laz-chunks.ts: the compression record and the chunk table of a LAZ file. Pure but for `readChunks`, which reads them.
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { IntegerDecoder } from './arithmetic-decoder.ts';
import type { LasFile } from './las-file.ts';
import { readRecords } from './las-vlr.ts';

/** Points that are compressed together; a chunk is decoded from its own bytes. */
export interface Chunk {
  /** bytes from the start of the file */
  offset: number;
  bytes: number;
  count: number;
}

/** The record "laszip encoded" 22204. */
export interface LazRecord {
  compressor: number;
  coder: number;
  /** points in each chunk but the last; null where the chunk table says it chunk by chunk */
  chunkSize: number | null;
  items: { type: number; size: number; version: number }[];
}

const REWRITE = 'rewrite it, e.g. las2las -i FILE -o NEW.laz';

export function parseLazRecord(content: Uint8Array, source: string): LazRecord {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const itemCount = content.length >= 34 ? view.getUint16(32, true) : 0;
  if (itemCount === 0 || content.length < 34 + 6 * itemCount) throw new InvalidInput(`${source}: its compression record is cut short; the file is damaged, copy it again`, { source });
  const chunkSize = view.getUint32(12, true);
  return {
    compressor: view.getUint16(0, true),
    coder: view.getUint16(2, true),
    chunkSize: chunkSize === 0 || chunkSize === 0xffffffff ? null : chunkSize, // some COPC writers put 0
    items: Array.from({ length: itemCount }, (_, i) => {
      const at = 34 + 6 * i;
      return { type: view.getUint16(at, true), size: view.getUint16(at + 2, true), version: view.getUint16(at + 4, true) };
    }),
  };
}

const CHUNKED = 2, LAYERED = 3;
/** Item types in the order that the decoder takes for granted, by point format, extra bytes last where there are any. */
const BYTES = 0, BYTES14 = 14;
const ITEMS: Readonly<Record<number, number[]>> = { 0: [6], 1: [6, 7], 2: [6, 8], 3: [6, 7, 8], 6: [10], 7: [10, 11], 8: [10, 12] };

/**
 * Check that points so compressed can be decoded.
 * @throws {UnsupportedInput} for pointwise compression (LASzip 1), and for items of other kinds or versions
 */
export function checkLazRecord({ compressor, coder, items }: LazRecord, { pointFormat, recordLength }: { pointFormat: number; recordLength: number }, source: string): void {
  const unsupported = (what: string): never => {
    throw new UnsupportedInput(`${source}: ${what}; ${REWRITE} with LASzip 2 or newer`, { source, compressor });
  };
  if (compressor === 1) unsupported('is compressed point by point, as LASzip 1 did');
  const layered = pointFormat >= 6;
  if (compressor !== (layered ? LAYERED : CHUNKED) || coder !== 0) unsupported(`has compressor ${compressor} with coder ${coder} for point format ${pointFormat}`);
  const types = items.map((item) => item.type), expected = ITEMS[pointFormat]!;
  const extra = types.length === expected.length + 1 && types.at(-1) === (layered ? BYTES14 : BYTES);
  if (!expected.every((type, i) => types[i] === type) || (types.length !== expected.length && !extra)) unsupported(`is compressed as items ${types.join(', ')}, not as those of point format ${pointFormat}`);
  const version = layered ? 3 : 2;
  if (!items.every((item) => item.version === version)) unsupported(`has items of version ${items.map((item) => item.version).join(', ')} instead of ${version}`);
  const size = items.reduce((sum, item) => sum + item.size, 0);
  if (size !== recordLength) throw new InvalidInput(`${source}: its compression record adds up to ${size} bytes a point, its header says ${recordLength}; the file is damaged, copy it again`, { source });
}

/** Read and check the compression record. @throws as `checkLazRecord` */
export async function readLazRecord(source: ByteSource, { records, header }: LasFile): Promise<LazRecord> {
  const [content] = await readRecords(source, records, 'laszip encoded', 22204);
  if (!content) throw new InvalidInput(`${source.name}: is compressed, but its record "laszip encoded" is missing; ${REWRITE}`, { source: source.name });
  const record = parseLazRecord(content, source.name);
  checkLazRecord(record, header, source.name);
  return record;
}

/**
 * Decode the entries of a chunk table: differences from the entry before, arithmetic-coded,
 * counts in context 0 (variable chunks only), bytes in context 1.
 *
 * @param bytes  what follows the table's version and number of chunks
 * @returns null when the bytes end too early
 */
export function decodeChunkTable(bytes: Uint8Array, chunkCount: number, variable: boolean): { counts: Float64Array | null; sizes: Float64Array } | null {
  const decoder = new IntegerDecoder(bytes, 2);
  const counts = variable ? new Float64Array(chunkCount) : null, sizes = new Float64Array(chunkCount);
  for (let i = 0; i < chunkCount; i++) {
    if (counts) counts[i] = decoder.next(i > 0 ? counts[i - 1]! : 0, 0);
    sizes[i] = decoder.next(i > 0 ? sizes[i - 1]! : 0, 1);
    if (decoder.overrun) return null;
  }
  return { counts, sizes };
}

/** A table entry takes at most 2 numbers of about 7 bytes each. */
const MAX_ENTRY_BYTES = 16;
/** Read at first: the whole table of a file of some 10 M points. */
const TABLE_START = 4096;
/**
 * The best that the coder can do is about 0.003 bits a point (3,000 points a byte), for points all equal.
 * A chunk that promises more is damage, and decoding it could go on for hours.
 */
const MAX_POINTS_PER_BYTE = 8192;

/**
 * Read the chunk table of a LAZ file, fixed or variable chunks, and hold it against the header.
 * @throws {InvalidInput} when it is missing, or does not fit the file or its number of points
 */
export async function readChunks(source: ByteSource, { header, layout }: LasFile, { chunkSize }: LazRecord): Promise<Chunk[]> {
  if (header.pointCount === 0) return [];
  const damaged = (what: string): InvalidInput =>
    new InvalidInput(`${source.name}: ${what}; the file is cut short or was never finished: copy it again, or ${REWRITE}`, { source: source.name });
  const first = layout.pointOffset + 8;
  if (first + 8 > source.size) throw damaged('ends before its points');
  const tableOffset = await findTable(source, layout.pointOffset);
  if (tableOffset < first || tableOffset + 8 > source.size) throw damaged(`has no chunk table at byte ${tableOffset}, where it says`);

  const start = await source.read(tableOffset, Math.min(source.size - tableOffset, TABLE_START));
  const chunkCount = viewOf(start).getUint32(4, true);
  const most = chunkSize === null ? Math.floor((tableOffset - first) / header.recordLength) : Math.ceil(header.pointCount / chunkSize);
  if (chunkCount > most || (chunkSize !== null && chunkCount !== most) || chunkCount * header.recordLength > tableOffset - first) {
    throw damaged(`has a table of ${chunkCount} chunks, which does not fit its ${header.pointCount} points`);
  }
  const length = Math.min(source.size - tableOffset, 24 + MAX_ENTRY_BYTES * chunkCount);
  const bytes = length <= start.length ? start : await source.read(tableOffset, length);
  const table = decodeChunkTable(bytes.subarray(8), chunkCount, chunkSize === null);
  if (!table) throw damaged('ends inside its chunk table');
  return placeChunks(table, { first, end: tableOffset, chunkSize, pointCount: header.pointCount, recordLength: header.recordLength, damaged });
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The table's place stands before the points, or in the last 8 bytes if the writer could not go back (-1). */
async function findTable(source: ByteSource, pointOffset: number): Promise<number> {
  const place = viewOf(await source.read(pointOffset, 8)).getBigInt64(0, true);
  return Number(place === -1n ? viewOf(await source.read(source.size - 8, 8)).getBigInt64(0, true) : place);
}

interface Placing { first: number; end: number; chunkSize: number | null; pointCount: number; recordLength: number; damaged: (what: string) => InvalidInput }

function placeChunks({ counts, sizes }: { counts: Float64Array | null; sizes: Float64Array }, { first, end, chunkSize, pointCount, recordLength, damaged }: Placing): Chunk[] {
  const chunks: Chunk[] = [];
  let offset = first, left = pointCount;
  for (let i = 0; i < sizes.length; i++) {
    const bytes = sizes[i]!, count = counts ? counts[i]! : Math.min(chunkSize!, left);
    left -= count;
    if (!chunkHolds(bytes, count, recordLength) || offset + bytes > end || left < 0) throw damaged(`has a chunk table whose entry ${i + 1} (${count} points in ${bytes} bytes) does not fit`);
    if (count > 0) chunks.push({ offset, bytes, count });
    offset += bytes;
  }
  if (left !== 0) throw damaged(`has a chunk table of ${pointCount - left} points, but promises ${pointCount}`);
  return chunks;
}

/** False where a chunk of so many bytes cannot hold so many points. The first point stands uncompressed. */
export const chunkHolds = (bytes: number, count: number, recordLength: number): boolean =>
  count === 0 || (bytes >= recordLength && count <= bytes * MAX_POINTS_PER_BYTE);
