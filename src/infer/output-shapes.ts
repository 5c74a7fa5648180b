// infer/output-shapes.ts: the shape that each output of a network must have, by the task of its card. Pure.
import type { AnyCard, CardOf, CardOutput, ModelCard } from './card.ts';
import { isTableCard } from './card.ts';

/** One axis: its size, or its name where any size will do. */
type Axis = number | string;

/** True for outputs that are maps on the pixels of a patch. */
const isMap = (card: ModelCard, variable: string): boolean =>
  card.task === 'density' || card.task === 'regress-raster' || (card.task === 'segment' && card.post.objects === 'climb') || (card.task === 'detect' && card.post.format === 'centre-size' && variable !== 'labels');

/**
 * Shapes that an output may have: any one of them.
 *
 * @param rows  patches in the batch, or rows of the table
 */
export function outputShapes(card: AnyCard, { variable, channels, stridePx }: CardOutput, rows: number): Axis[][] {
  if (isTableCard(card)) return channels === 1 ? [[rows, 1], [rows]] : [[rows, channels]];
  const side = card.input.patchPx / stridePx;
  if (isMap(card, variable)) return [[rows, channels, side, side]];
  if (card.task === 'classify') return [[rows, channels]];
  if (card.task === 'segment') return variable === 'scores' ? [[1, 'N'], ['N']] : [[1, 'N', side, side], ['N', 1, side, side], ['N', side, side]];
  return card.task === 'detect' ? detectShapes(card, variable) : [];
}

function detectShapes({ post, input }: CardOf<'detect'>, variable: string): Axis[][] {
  if (post.format === 'yolo') {
    const values = 4 + (post.objectness === 'none' ? 0 : 1) + (post.classes?.length ?? 1);
    return [post.axis === 'boxes-first' ? [1, 'N', values] : [1, values, 'N']];
  }
  if (post.format === 'retinanet') {
    const { strides_px, sizes_px, ratios } = post.anchors;
    const anchors = strides_px.reduce((sum, stride, level) => sum + Math.ceil(input.patchPx / stride) ** 2 * sizes_px[level]!.length * ratios.length, 0);
    return [[1, anchors, variable === 'deltas' ? 4 : 'classes']];
  }
  return variable === 'boxes' ? [[1, 'N', 4], ['N', 4]] : [[1, 'N'], ['N']];
}

const fits = (shape: readonly Axis[], dims: readonly number[]): boolean => shape.length === dims.length && shape.every((axis, i) => typeof axis === 'string' || axis === dims[i]);
const said = (axes: readonly (number | string)[]): string => axes.join(' x ') || 'a single number';

/** What is wrong with the shape of an output, and what the card promises; null where it is right. */
export function shapeProblem(card: AnyCard, output: CardOutput, dims: readonly number[], rows = 1): string | null {
  const shapes = outputShapes(card, output, rows);
  if (shapes.some((shape) => fits(shape, dims))) return null;
  return `output ${output.name} is ${said(dims)}, the card promises ${shapes.map(said).join(' or ')}: correct ${isTableCard(card) ? 'channels' : 'patch_px, stride_px, channels, post'} or the graph`;
}

/** True where the outputs have the patches of a batch as their first axis: patches may then be run several at a time. */
export const isBatchable = (card: AnyCard): boolean => card.outputs.every((output) => outputShapes(card, output, 2).every(([rows]) => rows === 2));
