// infer/onnx-file.ts: the few fields of an ONNX file that ONNX Runtime does not tell: opsets, metadata, external data. Pure.
import { ModelError } from '../errors.ts';

export interface OnnxFacts {
  /** operator sets by domain; the standard one is '' */
  opsets: Record<string, number>;
  /** `metadata_props`: what exporters and the QGIS Deepness plug-in write */
  metadata: Record<string, string>;
  /** locations of tensors kept outside the file, sorted, each once */
  externalData: string[];
}

interface Field {
  number: number;
  /** varint, or the bytes of a length-delimited field */
  value: number | Uint8Array;
}

function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0, factor = 1;
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('the file ends inside a number');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('the file ends inside a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint(), number = Math.floor(tag / 8), wire = tag % 8;
    if (wire === 0) yield { number, value: varint() };
    else if (wire === 2) yield { number, value: take(varint()) };
    else if (wire === 1) take(8);
    else if (wire === 5) take(4);
    else throw new RangeError(`unknown wire type ${wire}`);
  }
}

const text = (value: number | Uint8Array): string => (typeof value === 'number' ? String(value) : new TextDecoder().decode(value));

/** First values of the fields of a small message, by field number. */
const record = (bytes: number | Uint8Array): Map<number, number | Uint8Array> =>
  new Map(typeof bytes === 'number' ? [] : [...fieldsOf(bytes)].reverse().map(({ number, value }) => [number, value]));

// Field numbers of onnx.proto3. The messages that can hold a tensor, and under which numbers.
type Kind = 'graph' | 'node' | 'attribute' | 'tensor' | 'sparse' | 'function';
const CHILDREN: Record<Kind, Record<number, Kind>> = {
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  function: { 7: 'node', 11: 'attribute' },
  tensor: {},
};
const EMPTY = new Uint8Array(0);
const EXTERNAL_DATA = 13, DATA_LOCATION = 14, EXTERNAL = 1;

function collectExternal(bytes: Uint8Array, kind: Kind, found: Set<string>): void {
  let location = '', external = false;
  for (const { number, value } of fieldsOf(bytes)) {
    const child = CHILDREN[kind][number];
    if (child && typeof value !== 'number') collectExternal(value, child, found);
    if (kind !== 'tensor') continue;
    if (number === DATA_LOCATION && value === EXTERNAL) external = true;
    if (number === EXTERNAL_DATA) {
      external = true;
      const entry = record(value), key = entry.get(1), place = entry.get(2);
      if (key !== undefined && place !== undefined && text(key) === 'location') location = text(place);
    }
  }
  if (external) found.add(location || '(no location)');
}

/**
 * Read an ONNX file's opsets, metadata and external data, skipping the weights.
 *
 * @throws {ModelError} when the bytes are no protobuf message of a model; `source` is what the message calls the file
 */
export function readOnnxFacts(bytes: Uint8Array, source: string): OnnxFacts {
  const opsets: Record<string, number> = {}, metadata: Record<string, string> = {}, external = new Set<string>();
  let hasGraph = false;
  try {
    for (const { number, value } of fieldsOf(bytes)) {
      if (typeof value === 'number') continue;
      const [first, second] = number === 8 || number === 14 ? [record(value).get(1), record(value).get(2)] : [];
      if (number === 8) opsets[text(first ?? EMPTY)] = Number(second ?? 0);
      if (number === 14) metadata[text(first ?? EMPTY)] = text(second ?? EMPTY);
      if (number === 7) collectExternal(value, 'graph', external);
      if (number === 25) collectExternal(value, 'function', external);
      hasGraph ||= number === 7;
    }
  } catch (cause) {
    throw new ModelError(`${source}: is no ONNX file; export it again`, { source }, { cause });
  }
  if (!hasGraph) throw new ModelError(`${source}: holds no graph, so it is no ONNX model; export it again`, { source });
  return { opsets, metadata, externalData: [...external].sort() };
}
