// ingest/las-vlr.ts: find the variable length records of a LAS file, and read the few that matter. IO.
import type { ByteSource } from '../files/byte-source.ts';
import { InvalidInput } from '../errors.ts';
import { fixedText } from './las-header.ts';
import type { LasLayout } from './las-header.ts';

/** A variable length record (VLR) or extended one (EVLR): where its content lies. */
export interface VariableRecord {
  userId: string;
  recordId: number;
  /** bytes from the start of the file */
  offset: number;
  length: number;
}

const VLR_HEADER = 54, EVLR_HEADER = 60;
const WINDOW = 64 * 1024;
/** More records than any writer makes; walking on would take minutes on a damaged header. */
const MAX_RECORDS = 20_000;
/** A WKT or a table of keys is some kilobytes; a claim of more than this is damage. */
const MAX_CONTENT = 16 * 1024 * 1024;

/**
 * List all VLRs, then all EVLRs, in file order; contents are not read.
 * @throws {InvalidInput} when a record reaches beyond its part of the file
 */
export async function listVariableRecords(source: ByteSource, layout: LasLayout): Promise<VariableRecord[]> {
  const vlrs = await walk(source, { start: layout.headerSize, end: layout.pointOffset, count: layout.vlrCount, header: VLR_HEADER });
  const evlrs = await walk(source, { start: layout.evlrStart, end: source.size, count: layout.evlrCount, header: EVLR_HEADER });
  return [...vlrs, ...evlrs];
}

interface Walk { start: number; end: number; count: number; header: number }

async function walk(source: ByteSource, { start, end, count, header }: Walk): Promise<VariableRecord[]> {
  if (count > MAX_RECORDS) throw new InvalidInput(`${source.name}: promises ${count} variable length records, more than ${MAX_RECORDS}; the header is damaged, copy the file again`, { source: source.name });
  const records: VariableRecord[] = [];
  let position = start, bufferStart = 0;
  let buffer: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < count; i++) {
    if (position + header > end) throw beyond(source.name, i, count, end);
    if (position < bufferStart || position + header > bufferStart + buffer.length) {
      buffer = await source.read(position, Math.min(WINDOW, end - position));
      bufferStart = position;
    }
    const record = parseRecordHeader(buffer.subarray(position - bufferStart), position, header);
    if (record.offset + record.length > end) throw beyond(source.name, i, count, end);
    records.push(record);
    position = record.offset + record.length;
  }
  return records;
}

function parseRecordHeader(bytes: Uint8Array, position: number, header: number): VariableRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = header === VLR_HEADER ? view.getUint16(20, true) : Number(view.getBigUint64(20, true));
  return { userId: fixedText(bytes, 2, 16), recordId: view.getUint16(18, true), offset: position + header, length };
}

const beyond = (source: string, index: number, count: number, end: number): InvalidInput =>
  new InvalidInput(`${source}: variable length record ${index + 1} of ${count} reaches beyond byte ${end}, where its part of the file ends; the header is damaged or the file is cut short, copy it again`, { source });

/** The content of one record. @throws {InvalidInput} when it claims more than 16 MiB */
export async function readContent(source: ByteSource, record: VariableRecord): Promise<Uint8Array> {
  if (record.length > MAX_CONTENT) throw new InvalidInput(`${source.name}: record ${record.userId} ${record.recordId} claims ${record.length} bytes; the file is damaged, copy it again`, { source: source.name });
  return source.read(record.offset, record.length);
}

/** The contents of all records of one kind, in file order. */
export async function readRecords(source: ByteSource, records: readonly VariableRecord[], userId: string, recordId: number): Promise<Uint8Array[]> {
  const contents: Uint8Array[] = [];
  for (const record of records) {
    if (record.userId === userId && record.recordId === recordId) contents.push(await readContent(source, record));
  }
  return contents;
}
