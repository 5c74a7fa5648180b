// ingest/vector-dbf.ts: attributes of a Shapefile (dBASE III+ table), row by row, and the encoding of its texts. IO.
// Own code: see vector-shapefile.ts.
import { isUtf8 } from 'node:buffer';
import { InvalidInput } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { readAhead } from './vector-format.ts';

interface Field {
  name: string;
  type: string;
  start: number;
  length: number;
}

export interface DbfTable {
  rows: number;
  /** the row of an index from 0; null for one that is marked as deleted */
  row(index: number): Promise<Record<string, unknown> | null>;
}

/** ESRI's language driver ids and their code pages, where no .cpg stands beside the table. */
const DRIVER_PAGES = new Map([[0x01, 437], [0x02, 850], [0x03, 1252], [0x26, 866], [0x57, 1252], [0x58, 1252], [0x59, 1252], [0x64, 852], [0x65, 866], [0x7d, 1255], [0x7e, 1256],
  [0x13, 932], [0x7b, 932], [0x4d, 936], [0x7a, 936], [0x4e, 949], [0x79, 949], [0x4f, 950], [0x78, 950], [0x50, 874], [0x7c, 874],
  [0xc8, 1250], [0xc9, 1251], [0xca, 1254], [0xcb, 1253], [0xcc, 1257]]);
const PAGE_LABELS = new Map([[866, 'ibm866'], [874, 'windows-874'], [932, 'shift_jis'], [936, 'gbk'], [949, 'euc-kr'], [950, 'big5'], [65001, 'utf-8'], [20866, 'koi8-r']]);

/** The web's name of an encoding that a .cpg names (`UTF-8`, `1252`, `ANSI 1252`, `ISO 8859-1`, `88591`); null for one that is not known. */
export function encodingOf(text: string): string | null {
  const word = text.trim().toLowerCase(), iso = /8859[-_ ]?(\d{1,2})$/.exec(word)?.[1], page = Number(/(?:^|\D)(\d{3,5})$/.exec(word)?.[1]);
  const label = iso !== undefined ? `iso-8859-${iso}` : page >= 1250 && page <= 1258 ? `windows-${page}` : PAGE_LABELS.get(page) ?? word.replace(/^utf_?8$/, 'utf-8');
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

/**
 * Open the table.
 *
 * @param cpg     text of the .cpg file, null without one
 * @param onNote  told once where the encoding is stated nowhere and matters, and of fields of a type that is left out
 * @throws {InvalidInput} when it is no dBASE table or is cut short; while rows are read, for a text that is not in the stated encoding
 */
export async function openDbf(source: ByteSource, cpg: string | null, onNote: (note: string) => void): Promise<DbfTable> {
  const fault = (what: string): InvalidInput => new InvalidInput(`${source.name}: ${what}; copy all files of the layer again`, { source: source.name });
  if (source.size < 33) throw fault('is no table of attributes: it has no header');
  const head = await source.read(0, 32), view = new DataView(head.buffer, head.byteOffset, 32);
  const rows = view.getUint32(4, true), headerLength = view.getUint16(8, true), recordLength = view.getUint16(10, true);
  if (headerLength < 33 || headerLength > source.size || recordLength < 1) throw fault('is no table of attributes: its header is damaged');
  if (headerLength + rows * recordLength > source.size) throw fault(`states ${rows} rows, but ends before`);
  const decode = decoderOf(source.name, cpg, head[29]!, onNote);
  const fields = fieldsOf(await source.read(32, headerLength - 32), decode);
  if ((fields.at(-1)?.start ?? 1) + (fields.at(-1)?.length ?? 0) > recordLength) throw fault('has fields beyond its rows');
  const unread = fields.filter(({ type }) => !(type in READERS));
  if (unread.length > 0) onNote(`${source.name}: left out ${unread.map(({ name, type }) => `${name} (type ${type})`).join(', ')}: only texts, numbers, dates and logical fields are read`);
  const read = readAhead(source);
  return {
    rows,
    async row(index) {
      const record = await read(headerLength + index * recordLength, recordLength);
      if (record[0] === 0x2a) return null;
      const out: Record<string, unknown> = {};
      for (const { name, type, start, length } of fields) {
        const reader = READERS[type];
        if (reader) out[name] = reader(record.subarray(start, start + length), (bytes) => decode(bytes, `row ${index + 1}, field ${name}`));
      }
      return out;
    },
  };
}

function fieldsOf(bytes: Uint8Array, decode: Decode): Field[] {
  const fields: Field[] = [];
  for (let at = 0, start = 1; at + 32 <= bytes.length && bytes[at] !== 0x0d; at += 32) {
    const name = bytes.subarray(at, at + 11), end = name.indexOf(0), length = bytes[at + 16]!;
    fields.push({ name: decode(end < 0 ? name : name.subarray(0, end), 'a field name').trim(), type: String.fromCharCode(bytes[at + 11]!), start, length });
    start += length;
  }
  return fields;
}

type Decode = (bytes: Uint8Array, where: string) => string;

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes).replaceAll('\0', ' ').trim();

/** Empty is null, in each type: dBASE has no other word for a missing value. */
const READERS: Record<string, (bytes: Uint8Array, decode: (bytes: Uint8Array) => string) => unknown> = {
  C: (bytes, decode) => decode(bytes).replace(/[\0 ]+$/, '') || null,
  N: numberOf,
  F: numberOf,
  D: (bytes) => {
    const text = ascii(bytes);
    return /^\d{8}$/.test(text) && text !== '00000000' ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : null;
  },
  L: (bytes) => ({ t: true, y: true, f: false, n: false })[ascii(bytes).toLowerCase()] ?? null,
};

/** Stars stand for a number too wide for its field; a whole number beyond 2^53 stays a text. */
function numberOf(bytes: Uint8Array): unknown {
  const text = ascii(bytes), value = Number(text);
  if (text === '' || !Number.isFinite(value)) return null;
  return /^[+-]?\d+$/.test(text) && !Number.isSafeInteger(value) ? text : value;
}

/** Texts by the .cpg, else by the language driver; where neither says it, UTF-8 if the bytes are that, else windows-1252, and a note. */
function decoderOf(name: string, cpg: string | null, driver: number, onNote: (note: string) => void): Decode {
  const stated = cpg !== null && cpg.trim() !== '' ? cpg.trim() : DRIVER_PAGES.get(driver)?.toString() ?? null;
  const label = stated === null ? null : encodingOf(stated), decoder = new TextDecoder(label ?? 'windows-1252');
  let told = false;
  return (bytes, where) => {
    if (bytes.every((byte) => byte < 0x80)) return String.fromCharCode(...bytes);
    if (stated !== null && label === null) throw new InvalidInput(`${name}: ${where} is in the encoding '${stated}', which is not read; convert the layer with ogr2ogr -lco ENCODING=UTF-8`, { source: name });
    if (stated === null) {
      const utf8 = isUtf8(bytes);
      if (!told) onNote(`${name}: states no encoding; read as ${utf8 ? 'UTF-8' : 'windows-1252'}: write the name of the right one into a .cpg file beside it`);
      told = true;
      return utf8 ? new TextDecoder().decode(bytes) : decoder.decode(bytes);
    }
    const text = decoder.decode(bytes).replace(/[\0 ]+$/, '').replace(/\ufffd+$/, ''); // a text cut at the field's width may end within a letter
    if (text.includes('\ufffd')) throw new InvalidInput(`${name}: ${where} is not in the encoding '${stated}' that the layer states; correct the .cpg file beside it`, { source: name });
    return text;
  };
}
