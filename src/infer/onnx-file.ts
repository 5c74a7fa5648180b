// infer/onnx-file.ts: the fields of an ONNX file that ONNX Runtime does not tell, or only once it has loaded it: opsets, operators, metadata. Pure.
import { ModelError } from '../errors.ts';

/** An input or output as the file declares it. */
export interface OnnxValue {
  name: string;
  /** element type, onnx.proto3's number: 1 is float32 */
  type: number;
  /** sizes, and names where a size is free ('' where it has none); null where the file says no shape */
  dims: (number | string)[] | null;
}

export interface OnnxFacts {
  irVersion: number;
  /** operator sets by domain; the standard one is '' */
  opsets: Record<string, number>;
  /** `metadata_props`: what exporters and the QGIS Deepness plug-in write */
  metadata: Record<string, string>;
  /** inputs that must be fed: those without an initializer */
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  /** operators in use that are of no standard domain and no function of the file itself, as `domain::operator`, sorted */
  foreignOperators: string[];
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

/** Domains whose operators ONNX Runtime brings. */
const OWN_DOMAINS = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft', 'com.microsoft.nchwc']);

interface Found {
  external: Set<string>;
  operators: Set<string>;
}

function walk(bytes: Uint8Array, kind: Kind, found: Found): void {
  let location = '', external = false;
  if (kind === 'node') {
    const fields = record(bytes), domain = text(fields.get(7) ?? EMPTY);
    if (!OWN_DOMAINS.has(domain)) found.operators.add(`${domain}::${text(fields.get(4) ?? EMPTY)}`);
  }
  for (const { number, value } of fieldsOf(bytes)) {
    const child = CHILDREN[kind][number];
    if (child && typeof value !== 'number') walk(value, child, found);
    if (kind !== 'tensor') continue;
    if (number === DATA_LOCATION && value === EXTERNAL) external = true;
    if (number === EXTERNAL_DATA) {
      external = true;
      const entry = record(value), key = entry.get(1), place = entry.get(2);
      if (key !== undefined && place !== undefined && text(key) === 'location') location = text(place);
    }
  }
  if (external) found.external.add(location || '(no location)');
}

const bytesOf = (value: number | Uint8Array | undefined): Uint8Array => (value instanceof Uint8Array ? value : EMPTY);

/** ValueInfoProto: name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { dim_value = 1, dim_param = 2 } } } } */
function valueOf(bytes: Uint8Array): OnnxValue {
  const value = record(bytes), tensor = record(bytesOf(record(bytesOf(value.get(2))).get(1))), shape = tensor.get(2);
  const dims = shape === undefined ? null : [...fieldsOf(bytesOf(shape))].filter(({ number }) => number === 1).map(({ value: dim }) => {
    const fields = record(dim), size = fields.get(1);
    return typeof size === 'number' ? size : text(fields.get(2) ?? EMPTY);
  });
  return { name: text(value.get(1) ?? EMPTY), type: Number(tensor.get(1) ?? 0), dims };
}

const GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12, TENSOR_NAME = 8;

function valuesOf(graph: Uint8Array): Pick<OnnxFacts, 'inputs' | 'outputs'> {
  const inputs: OnnxValue[] = [], outputs: OnnxValue[] = [], constants = new Set<string>();
  for (const { number, value } of fieldsOf(graph)) {
    if (typeof value === 'number') continue;
    if (number === GRAPH_INITIALIZER) constants.add(text(record(value).get(TENSOR_NAME) ?? EMPTY));
    if (number === GRAPH_INPUT) inputs.push(valueOf(value));
    if (number === GRAPH_OUTPUT) outputs.push(valueOf(value));
  }
  return { inputs: inputs.filter(({ name }) => !constants.has(name)), outputs };
}

// Field numbers of ModelProto.
const IR_VERSION = 1, GRAPH = 7, OPSET_IMPORT = 8, METADATA = 14, FUNCTION = 25;

/**
 * Read an ONNX file's opsets, operators, metadata, inputs, outputs and external data, skipping the weights.
 *
 * @throws {ModelError} when the bytes are no protobuf message of a model; `source` is what the message calls the file
 */
export function readOnnxFacts(bytes: Uint8Array, source: string): OnnxFacts {
  const facts: OnnxFacts = { irVersion: 0, opsets: {}, metadata: {}, inputs: [], outputs: [], foreignOperators: [], externalData: [] };
  const found: Found = { external: new Set(), operators: new Set() }, functions = new Set<string>();
  let hasGraph = false;
  try {
    for (const { number, value } of fieldsOf(bytes)) {
      if (typeof value === 'number') {
        if (number === IR_VERSION) facts.irVersion = value;
        continue;
      }
      const entry = number === OPSET_IMPORT || number === METADATA ? record(value) : null;
      if (number === OPSET_IMPORT) facts.opsets[text(entry!.get(1) ?? EMPTY)] = Number(entry!.get(2) ?? 0);
      if (number === METADATA) facts.metadata[text(entry!.get(1) ?? EMPTY)] = text(entry!.get(2) ?? EMPTY);
      if (number === FUNCTION) {
        const fields = record(value);
        functions.add(`${text(fields.get(10) ?? EMPTY)}::${text(fields.get(1) ?? EMPTY)}`);
        walk(value, 'function', found);
      }
      if (number === GRAPH) {
        walk(value, 'graph', found);
        Object.assign(facts, valuesOf(value));
        hasGraph = true;
      }
    }
  } catch (cause) {
    throw new ModelError(`${source}: is no ONNX file; export it again`, { source }, { cause });
  }
  if (!hasGraph) throw new ModelError(`${source}: holds no graph, so it is no ONNX model; export it again`, { source });
  return { ...facts, foreignOperators: [...found.operators].filter((name) => !functions.has(name)).sort(), externalData: [...found.external].sort() };
}
