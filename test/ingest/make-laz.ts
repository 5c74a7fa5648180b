// test/ingest/make-laz.ts: write LAZ and COPC files for tests, one point in each chunk. Pure.
//
// No LAZ encoder can be had, and a chunk's first point stands uncompressed: so files with one point a chunk need
// only the chunk table coded, which this file does. Chunks of many points are tested on real files.
import { assembleLas, concat, encodeRecords, recordLengthOf } from './make-las.ts';
import type { LasSpec, VlrSpec } from './make-las.ts';

export interface LazOptions {
  /** default 'fixed' */
  chunks?: 'fixed' | 'variable';
  /** write the table's place at the end of the file, as a writer does that cannot go back */
  streamed?: boolean;
  /** default: 2 for formats 0-3, 3 for 6-8 */
  compressor?: number;
}

export function makeLaz(spec: LasSpec, { chunks = 'fixed', streamed = false, compressor }: LazOptions = {}): Uint8Array {
  const variable = chunks === 'variable';
  const parts = encodeRecords(spec).map((record) => encodeChunk(record, spec));
  const body = (pointOffset: number): Uint8Array => {
    const tableOffset = pointOffset + 8 + parts.reduce((sum, part) => sum + part.length, 0);
    const table = encodeChunkTable(parts.map((part) => ({ count: 1, bytes: part.length })), variable);
    return concat([int64(streamed ? -1 : tableOffset), ...parts, table, ...(streamed ? [int64(tableOffset)] : [])]);
  };
  return assembleLas(spec, { body, compressed: true, firstVlrs: [lazVlr(spec, variable ? 0xffffffff : 1, compressor)] });
}

/** A node of a COPC file; it holds the spec's point of the same index. */
export interface CopcNode {
  key: [number, number, number, number];
  /** index of its page; page 0 is the root page */
  page?: number;
}

export interface CopcSpec extends LasSpec {
  nodes: readonly CopcNode[];
  center: [number, number, number];
  halfsize: number;
}

/** A COPC file whose hierarchy has one page, or a second one (page 1) hung under `pageKey`. */
export function makeCopc(spec: CopcSpec, { pageKey }: { pageKey?: [number, number, number, number] } = {}): Uint8Array {
  const parts = encodeRecords(spec).map((record) => encodeChunk(record, spec));
  const sizes = parts.reduce((sum, part) => sum + part.length, 0);
  const body = (pointOffset: number): Uint8Array =>
    concat([int64(pointOffset + 8 + sizes), ...parts, encodeChunkTable(parts.map((part) => ({ count: 1, bytes: part.length })), true)]);
  const pageOf = (page: number): CopcNode[] => spec.nodes.filter((node) => (node.page ?? 0) === page);
  const rootBytes = 32 * (pageOf(0).length + (pageKey ? 1 : 0));
  const hierarchy = (evlrStart: number, pointOffset: number): VlrSpec[] => {
    const offsets = parts.map((_, i) => pointOffset + 8 + parts.slice(0, i).reduce((sum, part) => sum + part.length, 0));
    const entry = (node: CopcNode): Uint8Array => {
      const i = spec.nodes.indexOf(node);
      return hierarchyEntry(node.key, offsets[i]!, parts[i]!.length, 1);
    };
    const further = pageOf(1).map(entry), link = pageKey ? [hierarchyEntry(pageKey, evlrStart + 60 + rootBytes, 32 * further.length, -1)] : [];
    return [{ userId: 'copc', recordId: 1000, content: concat([...pageOf(0).map(entry), ...link, ...further]) }];
  };
  return assembleLas(spec, {
    body, compressed: true, evlrsAt: hierarchy,
    firstVlrs: [{ userId: 'copc', recordId: 1, content: new Uint8Array(160) }, lazVlr(spec, 0xffffffff)],
    finish: (file, { evlrStart }) => {
      const info = new DataView(file.buffer, file.byteOffset + 375 + 54, 160);
      [...spec.center, spec.halfsize, 1].forEach((value, i) => info.setFloat64(8 * i, value, true));
      info.setBigUint64(40, BigInt(evlrStart + 60), true);
      info.setBigUint64(48, BigInt(rootBytes), true);
    },
  });
}

function hierarchyEntry(key: readonly number[], offset: number, bytes: number, count: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(32));
  key.forEach((value, i) => view.setInt32(4 * i, value, true));
  view.setBigUint64(16, BigInt(offset), true);
  view.setInt32(24, bytes, true);
  view.setInt32(28, count, true);
  return new Uint8Array(view.buffer);
}

function int64(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt(value), true);
  return new Uint8Array(view.buffer);
}

/** Formats 0-3: the record, and the four bytes that the decoder reads ahead. 6-8: the record, the count, empty layers. */
function encodeChunk(record: Uint8Array, { pointFormat = 1 }: LasSpec): Uint8Array {
  if (pointFormat < 6) return concat([record, new Uint8Array(4)]);
  const base = { 6: 30, 7: 36, 8: 38 }[pointFormat]!, layers = { 6: 9, 7: 10, 8: 11 }[pointFormat]! + record.length - base;
  return concat([record, Uint8Array.of(1, 0, 0, 0), new Uint8Array(4 * layers)]);
}

/** [type, size] of the compression items of a point format. */
const ITEMS: Record<number, [number, number][]> = {
  0: [[6, 20]], 1: [[6, 20], [7, 8]], 2: [[6, 20], [8, 6]], 3: [[6, 20], [7, 8], [8, 6]],
  6: [[10, 30]], 7: [[10, 30], [11, 6]], 8: [[10, 30], [12, 8]],
};

function lazVlr(spec: LasSpec, chunkSize: number, compressor?: number): VlrSpec {
  const { pointFormat = 1 } = spec, items = [...ITEMS[pointFormat]!];
  const extra = recordLengthOf(spec) - items.reduce((sum, [, size]) => sum + size, 0);
  if (extra > 0) items.push([pointFormat >= 6 ? 14 : 0, extra]);
  const view = new DataView(new ArrayBuffer(34 + 6 * items.length));
  view.setUint16(0, compressor ?? (pointFormat >= 6 ? 3 : 2), true);
  view.setUint8(4, 3);
  view.setUint32(12, chunkSize, true);
  view.setBigInt64(16, -1n, true);
  view.setBigInt64(24, -1n, true);
  view.setUint16(32, items.length, true);
  items.forEach(([type, size], i) => {
    view.setUint16(34 + 6 * i, type, true);
    view.setUint16(36 + 6 * i, size, true);
    view.setUint16(38 + 6 * i, pointFormat >= 6 ? 3 : 2, true);
  });
  return { userId: 'laszip encoded', recordId: 22204, content: new Uint8Array(view.buffer) };
}

/** A chunk table as LASzip writes it: version 0, number of chunks, coded entries. */
export function encodeChunkTable(chunks: readonly { count: number; bytes: number }[], variable: boolean): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(4, chunks.length, true);
  return concat([head, encodeEntries(chunks, variable)]);
}

export function encodeEntries(chunks: readonly { count: number; bytes: number }[], variable: boolean): Uint8Array {
  const encoder = new IntegerEncoder(2);
  chunks.forEach(({ count, bytes }, i) => {
    if (variable) encoder.put(chunks[i - 1]?.count ?? 0, count, 0);
    encoder.put(chunks[i - 1]?.bytes ?? 0, bytes, 1);
  });
  return encoder.done();
}

class Model {
  counts: number[];
  before: number[] = [];
  total = 0;
  cycle: number;
  left: number;

  constructor(size: number) {
    this.counts = new Array<number>(size).fill(1);
    this.cycle = size;
    this.update();
    this.cycle = this.left = (size + 6) >> 1;
  }

  update(): void {
    this.total += this.cycle;
    if (this.total > 32768) {
      this.counts = this.counts.map((count) => (count + 1) >> 1);
      this.total = this.counts.reduce((a, b) => a + b, 0);
    }
    const scale = Math.floor(0x80000000 / this.total);
    let sum = 0;
    this.before = this.counts.map((count) => {
      const share = Math.floor((scale * sum) / 65536);
      sum += count;
      return share;
    });
    this.cycle = this.left = Math.min((5 * this.cycle) >> 2, (this.counts.length + 6) * 8);
  }
}

const u32 = (value: number): number => value % 2 ** 32;

class IntegerEncoder {
  #out: number[] = [];
  #base = 0;
  #length = 2 ** 32 - 1;
  #sizes: Model[];
  #corrections = Array.from({ length: 32 }, (_, k) => new Model(2 ** Math.min(k, 8)));
  #sign = { zeros: 1, total: 2, share: 4096, cycle: 4, left: 4 };

  constructor(contexts: number) {
    this.#sizes = Array.from({ length: contexts }, () => new Model(33));
  }

  put(previous: number, value: number, context: number): void {
    const c = (value - previous) | 0;
    let k = 0;
    for (let rest = c <= 0 ? -c : c - 1; rest >= 1; rest = Math.floor(rest / 2)) k++;
    this.#symbol(this.#sizes[context]!, k);
    if (k === 0) this.#bit(c);
    if (k === 0 || k === 32) return;
    const place = c < 0 ? c + 2 ** k - 1 : c - 1;
    if (k <= 8) return this.#symbol(this.#corrections[k]!, place);
    this.#symbol(this.#corrections[k]!, Math.floor(place / 2 ** (k - 8)));
    this.#bits(k - 8, place % 2 ** (k - 8));
  }

  #advance(start: number, length: number): void {
    this.#base += start;
    if (this.#base >= 2 ** 32) { // carry
      this.#base -= 2 ** 32;
      let i = this.#out.length - 1;
      for (; this.#out[i] === 255; i--) this.#out[i] = 0;
      this.#out[i]!++;
    }
    this.#length = length;
    while (this.#length < 2 ** 24) {
      this.#out.push(Math.floor(this.#base / 2 ** 24));
      this.#base = u32(this.#base * 256);
      this.#length *= 256;
    }
  }

  #symbol(model: Model, symbol: number): void {
    const unit = Math.floor(this.#length / 32768), start = model.before[symbol]! * unit;
    const end = symbol === model.before.length - 1 ? this.#length : model.before[symbol + 1]! * unit;
    this.#advance(start, end - start);
    model.counts[symbol]!++;
    if (--model.left === 0) model.update();
  }

  #bit(bit: number): void {
    const model = this.#sign, split = model.share * Math.floor(this.#length / 8192);
    if (bit) this.#advance(split, this.#length - split);
    else {
      this.#advance(0, split);
      model.zeros++;
    }
    if (--model.left > 0) return;
    model.total += model.cycle;
    if (model.total > 8192) {
      model.total = (model.total + 1) >> 1;
      model.zeros = (model.zeros + 1) >> 1;
      if (model.zeros === model.total) model.total++;
    }
    model.share = Math.floor((Math.floor(0x80000000 / model.total) * model.zeros) / 2 ** 18);
    model.cycle = model.left = Math.min((5 * model.cycle) >> 2, 64);
  }

  #bits(count: number, value: number): void {
    if (count > 19) {
      this.#bits(16, value % 65536);
      return this.#bits(count - 16, Math.floor(value / 65536));
    }
    const unit = Math.floor(this.#length / 2 ** count);
    this.#advance(value * unit, unit);
  }

  done(): Uint8Array {
    const long = this.#length > 2 ** 25;
    this.#advance(long ? 2 ** 24 : 2 ** 23, long ? 2 ** 23 : 2 ** 15);
    return Uint8Array.from([...this.#out, 0, 0, ...(long ? [0] : [])]);
  }
}
