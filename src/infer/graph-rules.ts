// infer/graph-rules.ts: whether a loaded network has the inputs and outputs of its card: names, types, ranks, sizes. Pure.
import type { AnyCard } from './card.ts';
import { isTableCard } from './card.ts';
import { outputShapes } from './output-shapes.ts';
import type { TensorInfo } from './session-protocol.ts';

interface WantedInput {
  name: string;
  /** what the card says of it, for messages */
  path: string;
  /** size and the field of the card that gives it; null: any */
  axes: { size: number | null; field: string }[];
}

function wantedInputs(card: AnyCard): WantedInput[] {
  const columns = (path: string, name: string, count: number): WantedInput => ({ name, path, axes: [{ size: null, field: 'rows' }, { size: count, field: 'post.columns' }] });
  if (isTableCard(card)) return [columns('input', card.input.name, card.post.columns.length)];
  const { name, bands, patchPx } = card.input, side = { size: patchPx, field: 'input.patch_px' };
  const image = { name, path: 'input', axes: [{ size: 1, field: 'batch' }, { size: bands.length, field: 'input.bands' }, side, side] };
  return card.task === 'classify' && card.input.table ? [image, columns('input.table', card.input.table.name, card.post.columns.length)] : [image];
}

/** What the graph's inputs and outputs have that the card does not say: a line each for what to change. A free size fits any. */
export function graphProblems(card: AnyCard, inputs: readonly TensorInfo[], outputs: readonly TensorInfo[]): string[] {
  const names = (infos: readonly TensorInfo[]) => infos.map(({ name }) => name).join(', '), wanted = wantedInputs(card), problems: string[] = [];
  for (const { name, path, axes } of wanted) {
    const input = inputs.find((info) => info.name === name);
    if (!input) problems.push(`${path}.name: the graph's inputs are ${names(inputs)}, the card says ${name}`);
    else problems.push(...inputProblems(input, axes, card));
  }
  for (const { name } of inputs) if (wanted.every((input) => input.name !== name) && inputs.length > wanted.length) problems.push(`input.name: the graph's input ${name} is not on the card, and nothing would feed it; make it a constant in the graph`);
  for (const output of card.outputs) {
    const info = outputs.find(({ name }) => name === output.name);
    if (!info) problems.push(`outputs: the graph gives ${names(outputs)}, the card says ${output.name}`);
    else if (info.type === 'no tensor') problems.push(`outputs.${output.name}: the graph gives a sequence or map, not a tensor; export it without (zipmap=False)`);
    else problems.push(...outputAxisProblems(card, output, info));
  }
  return problems;
}

const isFree = (dim: number | string): boolean => typeof dim === 'string' || dim <= 0; // a free size is a name, or -1 where it has none

function inputProblems({ name, type, dims }: TensorInfo, axes: WantedInput['axes'], card: AnyCard): string[] {
  if (type !== 'float32') return [`the graph's input is ${type}; cast it from float32 in the graph`];
  if (dims.length !== axes.length) return [`the graph's input has ${dims.length} axes; ${isTableCard(card) || axes.length === 2 ? 'rows x columns has 2' : 'NCHW has 4'}`];
  return dims.flatMap((dim, axis) => {
    const { size, field } = axes[axis]!;
    if (isFree(dim) || dim === size) return [];
    if (size !== null) return [`${field}: the graph's axis ${axis} is ${dim}, the card says ${size}`];
    return dim === 1 ? [] : [`the graph's input ${name} takes ${dim} rows at a time; export it with a free first axis`];
  });
}

function outputAxisProblems(card: AnyCard, output: AnyCard['outputs'][number], { name, dims }: TensorInfo): string[] {
  const shapes = outputShapes(card, output, 1).filter((shape) => shape.length === dims.length);
  if (dims.length === 0) return []; // no shape is declared: the warm-up sees it
  if (shapes.length === 0) return [`outputs.${name}: the graph's output has ${dims.length} axes, the card promises ${outputShapes(card, output, 1).map((shape) => shape.length).join(' or ')}`];
  const isFit = shapes.some((shape) => shape.every((axis, i) => i === 0 || typeof axis === 'string' || isFree(dims[i]!) || dims[i] === axis));
  return isFit ? [] : [`outputs.${name}: the graph's output is ${dims.join(' x ')}, the card promises ${shapes.map((shape) => shape.join(' x ')).join(' or ')}: correct stride_px, channels or post`];
}
