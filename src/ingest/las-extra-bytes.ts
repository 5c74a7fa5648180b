// ingest/las-extra-bytes.ts: the extra bytes of a point record: their names and types, and their values. Pure.
import { InvalidInput } from '../errors.ts';
import { fixedText } from './las-header.ts';
import type { RecordShape } from './las-records.ts';

/** One field behind the standard ones of a point record. */
export interface ExtraField {
  name: string;
  type: string;
  /** bytes from the start of the record */
  at: number;
  bytes: number;
  scale: number;
  offset: number;
  /** raw value that stands for "none", before scale and offset; null where the file names none */
  noData: number | null;
}

type Get = (view: DataView, at: number) => number;

/** The scalar types by number - 1, as the specification lists them. */
const SCALARS: readonly { type: string; bytes: number; get: Get }[] = [
  { type: 'uint8', bytes: 1, get: (v, at) => v.getUint8(at) },
  { type: 'int8', bytes: 1, get: (v, at) => v.getInt8(at) },
  { type: 'uint16', bytes: 2, get: (v, at) => v.getUint16(at, true) },
  { type: 'int16', bytes: 2, get: (v, at) => v.getInt16(at, true) },
  { type: 'uint32', bytes: 4, get: (v, at) => v.getUint32(at, true) },
  { type: 'int32', bytes: 4, get: (v, at) => v.getInt32(at, true) },
  { type: 'uint64', bytes: 8, get: (v, at) => Number(v.getBigUint64(at, true)) },
  { type: 'int64', bytes: 8, get: (v, at) => Number(v.getBigInt64(at, true)) },
  { type: 'float32', bytes: 4, get: (v, at) => v.getFloat32(at, true) },
  { type: 'float64', bytes: 8, get: (v, at) => v.getFloat64(at, true) },
];

const DESCRIPTOR = 192;

/**
 * Parse the Extra Bytes records (LASF_Spec 4); several follow each other in the point record.
 * Types 11 to 30 are the deprecated pairs and triples; 0 is undocumented bytes.
 *
 * @param baseBytes     bytes of the standard fields, before the first extra one
 * @param recordLength  a field that would reach beyond it is left out: the file does not have it
 */
export function parseExtraBytes(contents: readonly Uint8Array[], baseBytes: number, recordLength: number): ExtraField[] {
  const fields: ExtraField[] = [];
  let at = baseBytes;
  for (const content of contents) {
    for (let start = 0; start + DESCRIPTOR <= content.length; start += DESCRIPTOR) {
      const field = parseDescriptor(content.subarray(start, start + DESCRIPTOR), at);
      at += field.bytes;
      if (at <= recordLength) fields.push(field);
    }
  }
  return fields;
}

function parseDescriptor(bytes: Uint8Array, at: number): ExtraField {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code = view.getUint8(2), options = view.getUint8(3), name = fixedText(bytes, 4, 32);
  if (code < 1 || code > 30) return { name, type: `bytes[${options}]`, at, bytes: options, scale: 1, offset: 0, noData: null };
  const scalar = SCALARS[(code - 1) % 10]!, members = Math.ceil(code / 10);
  return {
    name, at,
    type: members === 1 ? scalar.type : `${scalar.type}[${members}]`,
    bytes: scalar.bytes * members,
    scale: options & 8 ? view.getFloat64(112, true) : 1,
    offset: options & 16 ? view.getFloat64(136, true) : 0,
    noData: options & 1 ? noDataOf(view, code) : null,
  };
}

/** No-data, min and max are stored widened to 8 bytes: unsigned, signed or double after the field's own kind. */
function noDataOf(view: DataView, code: number): number {
  const scalar = (code - 1) % 10;
  if (scalar >= 8) return view.getFloat64(40, true);
  return scalar % 2 === 0 ? Number(view.getBigUint64(40, true)) : Number(view.getBigInt64(40, true));
}

/**
 * Decode the named extra bytes of a block of records: value x scale + offset, NaN for no data.
 *
 * @returns one array of `count` values a name; 64-bit integers beyond 2^53 lose their last bits
 * @throws {InvalidInput} for a name that the file does not have, or a field that is no single number
 */
export function decodeExtraBytes(bytes: Uint8Array, count: number, { recordLength }: Pick<RecordShape, 'recordLength'>, fields: readonly ExtraField[], names: readonly string[]): Record<string, Float64Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, count * recordLength);
  const decode = (name: string): Float64Array => {
    const { at, scale, offset, noData, get } = scalarField(fields, name);
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const raw = get(view, at + i * recordLength);
      values[i] = raw === noData ? NaN : raw * scale + offset;
    }
    return values;
  };
  return Object.fromEntries(names.map((name) => [name, decode(name)]));
}

function scalarField(fields: readonly ExtraField[], name: string): ExtraField & { get: Get } {
  const field = fields.find((f) => f.name === name);
  const scalar = SCALARS.find((s) => s.type === field?.type);
  if (field && scalar) return { ...field, get: scalar.get };
  const has = fields.length === 0 ? 'it has none' : `it has ${fields.map((f) => `${f.name} (${f.type})`).join(', ')}`;
  throw new InvalidInput(`extra bytes "${name}" cannot be read as numbers from this file; ${has}`, { path: name });
}
