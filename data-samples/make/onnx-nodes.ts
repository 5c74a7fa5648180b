// make/onnx-nodes.ts: short names for the parts of an ONNX graph. Pure.
import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;
const { FLOAT, INT64 } = onnx.TensorProto.DataType, { INTS, INT } = onnx.AttributeProto.AttributeType;
export type Node = InstanceType<typeof onnx.NodeProto>;
export type Constant = InstanceType<typeof onnx.TensorProto>;
export type Value = InstanceType<typeof onnx.ValueInfoProto>;
type Attribute = InstanceType<typeof onnx.AttributeProto>;

export const ints = (name: string, values: number[]): Attribute => new onnx.AttributeProto({ name, type: INTS, ints: values });
export const int = (name: string, value: number): Attribute => new onnx.AttributeProto({ name, type: INT, i: value });

/** An operator; its first output names it. */
export const node = (opType: string, input: string[], output: string[], attribute: Attribute[] = []): Node =>
  new onnx.NodeProto({ opType, name: output[0]!, input, output, attribute });

export const scalar = (name: string, value: number): Constant => new onnx.TensorProto({ name, dataType: FLOAT, dims: [], floatData: [value] });
export const floats = (name: string, values: number[], dims: number[] = [values.length]): Constant => new onnx.TensorProto({ name, dataType: FLOAT, dims, floatData: values });
export const int64s = (name: string, values: number[]): Constant => new onnx.TensorProto({ name, dataType: INT64, dims: [values.length], int64Data: values });

/** An input or output of float32: a size by name is free. */
export const value = (name: string, sizes: (number | string)[]): Value =>
  new onnx.ValueInfoProto({ name, type: { tensorType: { elemType: FLOAT, shape: { dim: sizes.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })) } } } });

export interface Graph {
  inputs: Value[];
  outputs: Value[];
  nodes: Node[];
  constants?: Constant[];
  opset?: number;
  /** keys and values of `metadata_props` */
  metadata?: Record<string, string>;
}

/** The bytes of model.onnx. */
export function modelBytes(name: string, { inputs, outputs, nodes, constants = [], opset = 17, metadata = {} }: Graph): Uint8Array {
  const graph = new onnx.GraphProto({ name, node: nodes, initializer: constants, input: inputs, output: outputs });
  const metadataProps = Object.entries(metadata).map(([key, text]) => ({ key, value: text }));
  const model = new onnx.ModelProto({ irVersion: 8, producerName: 'understory', opsetImport: [{ domain: '', version: opset }], graph, metadataProps });
  return onnx.ModelProto.encode(model).finish();
}

/** Constants and a node that take channel `band` of `image`: `name` is 1 x 1 x H x W. */
export const bandOf = (name: string, band: number): { nodes: Node[]; constants: Constant[] } => ({
  nodes: [node('Slice', ['image', `${name}_from`, `${name}_to`, `${name}_axis`], [name])],
  constants: [int64s(`${name}_from`, [band]), int64s(`${name}_to`, [band + 1]), int64s(`${name}_axis`, [1])],
});
