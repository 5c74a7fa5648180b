// ingest/las-header.ts: the public header block of LAS 1.0 to 1.4. Pure, on bytes.
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import type { PointFileHeader } from './point-reader.ts';

/** The longest header block (LAS 1.4); older ones are 227 bytes (1.0-1.2) or 235 (1.3). */
export const MAX_HEADER_BYTES = 375;
const MIN_HEADER_BYTES = 227;

/** Bytes of a record before extra bytes, by point format. */
export const BASE_RECORD_BYTES: Readonly<Record<number, number>> = { 0: 20, 1: 28, 2: 26, 3: 34, 6: 30, 7: 36, 8: 38 };

/** Where the parts of a LAS file lie, bytes from its start. */
export interface LasLayout {
  headerSize: number;
  pointOffset: number;
  vlrCount: number;
  /** 0 where there are none */
  evlrStart: number;
  evlrCount: number;
  compressed: boolean;
  /** global encoding, bit 4: the CRS is stated as WKT */
  wktFlag: boolean;
}

export type LasHeaderBlock = Omit<PointFileHeader, 'format' | 'crs' | 'extraBytes'> & { layout: LasLayout };

const CONVERT = 'convert it to LAS 1.2 format 1 or LAS 1.4 format 6, e.g. las2las -set_point_type 1';

/**
 * Parse the public header block.
 *
 * @param bytes     the first `MAX_HEADER_BYTES` of the file, or all of a shorter one
 * @param fileSize  bytes in the whole file, against which offsets and counts are held
 * @throws {UnsupportedInput} for other versions than 1.0-1.4 and point formats other than 0-3 and 6-8
 * @throws {InvalidInput} for what is no LAS file, or promises what the file cannot hold
 */
export function parseHeaderBlock(bytes: Uint8Array, fileSize: number, source: string): LasHeaderBlock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = checkKind(view, source);
  const rawFormat = view.getUint8(104);
  const layout = parseLayout(view, version, rawFormat);
  const pointFormat = rawFormat & 0x3f;
  const recordLength = view.getUint16(105, true);
  const pointCount = readPointCount(view, version, source);
  checkRecords({ pointFormat, recordLength, version, source });
  checkLayout(layout, { fileSize, pointCount, recordLength, source });
  const triple = (at: number, step: number): [number, number, number] =>
    [view.getFloat64(at, true), view.getFloat64(at + step, true), view.getFloat64(at + 2 * step, true)];
  const block: LasHeaderBlock = {
    version, pointFormat, pointCount, recordLength, layout,
    scale: triple(131, 8), offset: triple(155, 8), max: triple(179, 16), min: triple(187, 16),
    createdDay: view.getUint16(90, true), createdYear: view.getUint16(92, true),
    system: fixedText(bytes, 26, 32), software: fixedText(bytes, 58, 32),
  };
  checkNumbers(block, source);
  return block;
}

function checkKind(view: DataView, source: string): string {
  const isLas = view.byteLength >= 4 && view.getUint32(0, false) === 0x4c415346; // "LASF"
  if (!isLas) throw new InvalidInput(`${source}: is no LAS, LAZ or COPC file (it does not begin with "LASF"); remove it from the job's files, or convert it`, { source });
  if (view.byteLength < MIN_HEADER_BYTES) throw new InvalidInput(`${source}: ends inside its header, at byte ${view.byteLength}; the file is cut short, copy it again`, { source });
  const major = view.getUint8(24), minor = view.getUint8(25), version = `${major}.${minor}`;
  if (major !== 1 || minor > 4) throw new UnsupportedInput(`${source}: is LAS ${version}; versions 1.0 to 1.4 are read: convert it, e.g. las2las -set_version 1.4`, { source, version });
  if (minor === 4 && view.byteLength < MAX_HEADER_BYTES) throw new InvalidInput(`${source}: ends inside its header, at byte ${view.byteLength}; the file is cut short, copy it again`, { source });
  return version;
}

function parseLayout(view: DataView, version: string, rawFormat: number): LasLayout {
  const extended = version === '1.4';
  return {
    headerSize: view.getUint16(94, true),
    pointOffset: view.getUint32(96, true),
    vlrCount: view.getUint32(100, true),
    evlrStart: extended ? Number(view.getBigUint64(235, true)) : 0,
    evlrCount: extended ? view.getUint32(243, true) : 0,
    compressed: (rawFormat & 0xc0) !== 0,
    wktFlag: (view.getUint16(6, true) & 0x10) !== 0,
  };
}

/** 1.4 counts in 64 bits; the 32-bit count there is a courtesy that may be 0. Some 1.4 writers fill only the old one. */
function readPointCount(view: DataView, version: string, source: string): number {
  const legacy = view.getUint32(107, true);
  if (version !== '1.4') return legacy;
  const count = view.getBigUint64(247, true);
  if (count === 0n) return legacy;
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw new InvalidInput(`${source}: its header promises ${count} points, which no file holds; the header is damaged, copy the file again`, { source });
  return Number(count);
}

function checkRecords({ pointFormat, recordLength, version, source }: { pointFormat: number; recordLength: number; version: string; source: string }): void {
  const base = BASE_RECORD_BYTES[pointFormat];
  if (base === undefined) {
    const what = [4, 5, 9, 10].includes(pointFormat) ? 'with waveforms ' : '';
    throw new UnsupportedInput(`${source}: has point format ${pointFormat} ${what}(LAS ${version}); formats 0-3 and 6-8 are read: ${CONVERT}`, { source, pointFormat });
  }
  if (recordLength < base) throw new InvalidInput(`${source}: says that a record has ${recordLength} bytes, but point format ${pointFormat} needs ${base}; the header is damaged`, { source });
}

function checkLayout(layout: LasLayout, { fileSize, pointCount, recordLength, source }: { fileSize: number; pointCount: number; recordLength: number; source: string }): void {
  const { headerSize, pointOffset, vlrCount, evlrStart, evlrCount, compressed } = layout;
  const fail = (what: string): never => {
    throw new InvalidInput(`${source}: ${what}; the header is damaged or the file is cut short, copy it again`, { source });
  };
  if (headerSize < MIN_HEADER_BYTES || headerSize > pointOffset) fail(`says that its header has ${headerSize} bytes and that points start at byte ${pointOffset}`);
  if (pointOffset > fileSize) fail(`says that points start at byte ${pointOffset}, but ends at byte ${fileSize}`);
  if (vlrCount * 54 > pointOffset - headerSize) fail(`promises ${vlrCount} variable length records, for which there is no room before the points`);
  if (evlrCount > 0 && (evlrStart < pointOffset || evlrStart + 60 * evlrCount > fileSize)) fail(`promises ${evlrCount} extended records at byte ${evlrStart}, but ends at byte ${fileSize}`);
  const room = Math.floor((fileSize - pointOffset) / recordLength);
  if (!compressed && pointCount > room) fail(`promises ${pointCount} points, but has room for ${room}`);
}

function checkNumbers({ scale, offset, min, max, pointCount }: LasHeaderBlock, source: string): void {
  if (!scale.every((s) => Number.isFinite(s) && s > 0)) throw new InvalidInput(`${source}: its scale is ${scale.join(', ')}, so its coordinates mean nothing; write the header again with the scale of the survey`, { source });
  if (!offset.every(Number.isFinite)) throw new InvalidInput(`${source}: its offset is ${offset.join(', ')}, so its coordinates mean nothing; write the header again`, { source });
  if (pointCount > 0 && ![...min, ...max].every(Number.isFinite)) throw new InvalidInput(`${source}: its bounds are ${[...min, ...max].join(', ')}; write the header again, e.g. lasinfo -repair_bb`, { source });
}

/** Text in a field of fixed width, up to its first NUL, without trailing blanks. */
export function fixedText(bytes: Uint8Array, start: number, length: number): string {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder('latin1').decode(end < 0 ? field : field.subarray(0, end)).trimEnd();
}
