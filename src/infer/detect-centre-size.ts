// infer/detect-centre-size.ts: a map of centres, and of the sizes of the boxes about them. Pure.
import { contains, indexIn } from '../geo/lattice.ts';
import type { Raster } from '../types.ts';
import { activated } from './activation.ts';
import type { PatchBox } from './boxes.ts';
import type { CardOf } from './card.ts';
import { isSeen, roleIndex, roleTensor, usable } from './detect-view.ts';
import type { DecodeCall } from './detect-view.ts';
import { densityPeaks } from './density-map.ts';
import { outputMask } from './output.ts';
import { outputLattice, outputWindow } from './patches.ts';

type CentrePost = Extract<CardOf<'detect'>['post'], { format: 'centre-size' }>;

/**
 * Decode `heat` (a probability a pixel), `size` and perhaps `offset`.
 *
 * A centre is a valid pixel of at least `score_threshold` that no valid pixel within `peak_radius_m` exceeds; of equal ones the earlier in
 * (row, col). It belongs to the patch whose trusted centre holds its pixel, which sees all of those neighbours as long as its margin is at
 * least `peak_radius_m`. The box: `wh`: of that size about the middle of the pixel; `ltrb`: reaching that far from it; where there is
 * an `offset`, (dx, dy) in pixels of the map from the pixel's upper left stands for its middle (CenterNet's convention). `size_factor` scales a box about its own middle.
 *
 * Dropped are boxes whose middle lies farther than half of `max_box_m` from the centre, along either axis: so the middle of a box that belongs to a
 * block is never farther than that from its core (`boxReachM`).
 *
 * @returns boxes of centres inside the trusted centre, pixels of the patch
 * @throws {ModelError} when a value that would be used is bad
 */
export function decodeCentreSize(call: DecodeCall): PatchBox[] {
  const { card, lattice, view: { patch, mask } } = call, { post } = card;
  if (post.format !== 'centre-size') return [];
  const { stridePx } = card.outputs[roleIndex(card, 'heat')]!, window = outputWindow(patch.window, stridePx), centre = outputWindow(patch.centre, stridePx);
  const heat: Raster = { lattice: outputLattice(lattice, stridePx), window, data: planesOf(call, 'heat')[0]!, mask: outputMask(mask, patch.window.width, stridePx) };
  for (let i = 0; i < heat.data.length; i++) if (heat.mask[i]) usable(heat.data[i]!, call, 'heat', i);
  const sizes = planesOf(call, 'size'), offsets = planesOf(call, 'offset'), px = pixelsPer(post, stridePx, lattice.resM), most = post.max_box_m / lattice.resM / 2, found: PatchBox[] = [];
  for (const { col, row, value } of densityPeaks(heat, { peakThreshold: post.score_threshold, peakRadiusM: post.peak_radius_m })) {
    if (!contains(centre, col, row)) continue;
    const at = indexIn(window, col, row), [dx = 0.5, dy = 0.5] = offsets.map((plane) => usable(plane[at]!, call, 'offset', at));
    const size = sizes.map((plane) => usable(plane[at]!, call, 'size', at) * px), left = col - window.col, top = row - window.row;
    const box = boxAbout((left + dx) * stridePx, (top + dy) * stridePx, size, post.size_factor);
    const isFar = Math.max(Math.abs((box.x0 + box.x1) / 2 - (left + 0.5) * stridePx), Math.abs((box.y0 + box.y1) / 2 - (top + 0.5) * stridePx)) > most;
    if (!isFar && box.x1 > box.x0 && box.y1 > box.y0 && isSeen(call.view, box.x0, box.y0, box.x1, box.y1)) found.push({ ...box, score: value, classIndex: 0 });
  }
  return found;
}

/** The channels of an output of a role after activation and factor: `heat` has the one that the card names; none where there is no such output. */
function planesOf(call: DecodeCall, role: 'heat' | 'size' | 'offset'): Float32Array[] {
  const output = call.card.outputs[roleIndex(call.card, role)];
  if (!output) return [];
  const { data } = roleTensor(call, role), channels = role === 'heat' ? [output.channel] : Array.from({ length: output.channels }, (_, channel) => channel);
  return channels.map((channel) => activated(data, { ...output, channel }));
}

/** Pixels of the image in a unit of the sizes. */
const pixelsPer = ({ size_unit }: CentrePost, stridePx: number, resM: number): number => (size_unit === 'px' ? 1 : size_unit === 'cells' ? stridePx : 1 / resM);

/** A box by its width and height, or by its reach to the left, top, right and bottom; scaled about its middle. */
function boxAbout(x: number, y: number, size: readonly number[], factor: number): { x0: number; y0: number; x1: number; y1: number } {
  const [left = 0, top = 0, right = 0, bottom = 0] = size.length === 2 ? [size[0]! / 2, size[1]! / 2, size[0]! / 2, size[1]! / 2] : size;
  const middleX = x + (right - left) / 2, middleY = y + (bottom - top) / 2, halfWidth = ((left + right) / 2) * factor, halfHeight = ((top + bottom) / 2) * factor;
  return { x0: middleX - halfWidth, y0: middleY - halfHeight, x1: middleX + halfWidth, y1: middleY + halfHeight };
}
