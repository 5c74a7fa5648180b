// ingest/las-records.ts: point records of formats 0-3 and 6-8, bytes to columns. Pure.
import { BASE_RECORD_BYTES } from './las-header.ts';
import type { RawPoints } from './point-reader.ts';

export const WITHHELD = 1, OVERLAP = 2, SYNTHETIC = 4, KEY_POINT = 8;

/** ASPRS class 12 of formats 0-3: overlap. Formats 6-8 have a bit for it, and reserve the class. */
const LEGACY_OVERLAP_CLASS = 12;

/** Where GPS time stands in a record; formats 0 and 2 have none. */
const TIME_AT: Readonly<Record<number, number>> = { 1: 20, 3: 20, 6: 22, 7: 22, 8: 22 };

/** Flag bits of formats 0-3 (synthetic, key point, withheld, in bits 5-7 of the class byte) as ours. */
const LEGACY_FLAGS = Uint8Array.from({ length: 8 }, (_, b) => (b & 1 ? SYNTHETIC : 0) | (b & 2 ? KEY_POINT : 0) | (b & 4 ? WITHHELD : 0));
/** Flag bits of formats 6-8 (synthetic, key point, withheld, overlap) as ours. */
const FLAGS = Uint8Array.from({ length: 16 }, (_, b) => (b & 1 ? SYNTHETIC : 0) | (b & 2 ? KEY_POINT : 0) | (b & 4 ? WITHHELD : 0) | (b & 8 ? OVERLAP : 0));

export interface RecordShape {
  pointFormat: number;
  /** bytes from one record to the next */
  recordLength: number;
}

export function emptyPoints(count: number): RawPoints {
  return {
    count,
    x: new Int32Array(count), y: new Int32Array(count), z: new Int32Array(count),
    intensity: new Uint16Array(count), returnNumber: new Uint8Array(count), returnCount: new Uint8Array(count),
    classification: new Uint8Array(count), flags: new Uint8Array(count),
    gpsTime: new Float64Array(count), pointSource: new Uint16Array(count),
  };
}

/**
 * Decode uncompressed records.
 *
 * Formats 0-3 keep the class in 5 bits beside three flags, which come apart here; their class 12 stays and
 * also sets the overlap flag. (LAS 1.0 had no flags and 8 bits of class; classes above 31 were not in use.)
 * GPS time is 0 in formats 0 and 2.
 *
 * @param bytes  `count` records of `recordLength` bytes
 */
export function decodeRecords(bytes: Uint8Array, count: number, { pointFormat, recordLength }: RecordShape): RawPoints {
  if (BASE_RECORD_BYTES[pointFormat] === undefined) throw new RangeError(`point format ${pointFormat}`);
  const points = emptyPoints(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, count * recordLength);
  decodePositions(view, points, recordLength);
  if (pointFormat < 6) decodeLegacyFields(view, points, recordLength);
  else decodeFields(view, points, recordLength);
  const timeAt = TIME_AT[pointFormat];
  if (timeAt !== undefined) {
    for (let i = 0, at = timeAt; i < count; i++, at += recordLength) points.gpsTime[i] = view.getFloat64(at, true);
  }
  return points;
}

function decodePositions(view: DataView, { count, x, y, z, intensity }: RawPoints, recordLength: number): void {
  for (let i = 0, at = 0; i < count; i++, at += recordLength) {
    x[i] = view.getInt32(at, true);
    y[i] = view.getInt32(at + 4, true);
    z[i] = view.getInt32(at + 8, true);
    intensity[i] = view.getUint16(at + 12, true);
  }
}

function decodeLegacyFields(view: DataView, points: RawPoints, recordLength: number): void {
  const { count, returnNumber, returnCount, classification, flags, pointSource } = points;
  for (let i = 0, at = 0; i < count; i++, at += recordLength) {
    const returns = view.getUint8(at + 14), classByte = view.getUint8(at + 15), pointClass = classByte & 31;
    returnNumber[i] = returns & 7;
    returnCount[i] = (returns >> 3) & 7;
    classification[i] = pointClass;
    flags[i] = LEGACY_FLAGS[classByte >> 5]! | (pointClass === LEGACY_OVERLAP_CLASS ? OVERLAP : 0);
    pointSource[i] = view.getUint16(at + 18, true);
  }
}

function decodeFields(view: DataView, points: RawPoints, recordLength: number): void {
  const { count, returnNumber, returnCount, classification, flags, pointSource } = points;
  for (let i = 0, at = 0; i < count; i++, at += recordLength) {
    const returns = view.getUint8(at + 14);
    returnNumber[i] = returns & 15;
    returnCount[i] = returns >> 4;
    flags[i] = FLAGS[view.getUint8(at + 15) & 15]!;
    classification[i] = view.getUint8(at + 16);
    pointSource[i] = view.getUint16(at + 20, true);
  }
}
