// infer/output.ts: a network's output, checked before use and cut to its trusted centre. Pure.
import { ModelError } from '../errors.ts';
import type { Raster, Window } from '../types.ts';
import { activated } from './activation.ts';
import type { AnyCard, ModelCard } from './card.ts';
import { shapeProblem } from './output-shapes.ts';
import type { Tensor } from './session.ts';

/**
 * Valid output pixels: those whose own input pixels, `stridePx` x `stridePx` of them, are all valid.
 *
 * @param mask    of the input window, `width` wide, row-major
 * @param width   of the input window, a multiple of `stridePx`, as is its height
 */
export function outputMask(mask: Uint8Array, width: number, stridePx: number): Uint8Array {
  const outWidth = width / stridePx, outHeight = mask.length / width / stridePx;
  const out = new Uint8Array(outWidth * outHeight).fill(1);
  for (let i = 0; i < mask.length; i++) {
    if (mask[i]) continue;
    const row = Math.floor(i / width), col = i - row * width;
    out[Math.floor(row / stridePx) * outWidth + Math.floor(col / stridePx)] = 0;
  }
  return out;
}

/** True for a number inside a range of the card, or outside by no more than its tolerance: what other machines may differ by. False for NaN. */
export const isWithin = (value: number, [low, high]: readonly [number, number], tolerance: number): boolean => value >= low - tolerance && value <= high + tolerance;

/** The tensor of one output, of the shape that the card promises. @throws {ModelError} naming the output and the patch */
export function outputTensor(card: AnyCard, tensors: Record<string, Tensor>, index: number, patch: string): Tensor {
  const output = card.outputs[index]!, tensor = tensors[output.name];
  if (!tensor) throw new ModelError(`model ${card.name}: gave no output ${output.name}; it gives ${Object.keys(tensors).join(', ')}: correct outputs on the card`, { source: card.name, patch });
  const problem = shapeProblem(card, output, tensor.dims);
  if (problem === null) return tensor;
  throw new ModelError(`model ${card.name}, patch ${patch}: ${problem}`, { source: card.name, patch, dims: tensor.dims });
}

/**
 * The map of one output of a patch: its channel on the card, after the activation.
 *
 * @returns float32, row-major, patch_px / stride_px on a side
 * @throws {ModelError} as `outputTensor`
 */
export const outputMap = (card: ModelCard, tensors: Record<string, Tensor>, index: number, patch: string): Float32Array =>
  activated(outputTensor(card, tensors, index, patch).data, card.outputs[index]!);

/**
 * Copy the trusted centre of a patch's output into a block's raster, with its mask. A void keeps its 0 but is masked: no density of zero.
 *
 * @param values  `outputMap` of the patch, row-major over `patch`
 * @param valid   `outputMask` of the patch's input
 * @param patch   output pixels of the patch;  `centre`: those that count, inside `out.window`
 * @throws {ModelError} for a value that would be used and is NaN, infinite or outside the card's range (by more than its tolerance)
 */
export function copyCentre(out: Raster, values: Float32Array, valid: Uint8Array, patch: Window, centre: Window, card: ModelCard, index: number, name: string): void {
  const { range } = card.outputs[index]!, { tolerance } = card;
  for (let row = centre.row; row < centre.row + centre.height; row++) {
    let from = (row - patch.row) * patch.width + centre.col - patch.col;
    let to = (row - out.window.row) * out.window.width + centre.col - out.window.col;
    for (let i = 0; i < centre.width; i++, from++, to++) {
      if (!valid[from]) continue;
      const value = values[from]!;
      if (!isWithin(value, range, tolerance)) throw badValue(card, index, name, value, centre.col + i, row);
      out.data[to] = value;
      out.mask[to] = 1;
    }
  }
}

function badValue(card: ModelCard, index: number, patch: string, value: number, col: number, row: number): ModelError {
  const { name, range, unit } = card.outputs[index]!;
  const what = Number.isFinite(value) ? `${value} ${unit} is outside the card's range [${range.join(', ')}]` : `a value is ${value}`;
  return new ModelError(
    `model ${card.name}, patch ${patch}: output ${name} at its pixel ${col},${row}: ${what}; check scale, mean, std and the bands of the image, or the range on the card`,
    { source: card.name, patch, output: name, value, col, row },
  );
}
