// data-samples/make/onnx.ts: tiny networks with known answers, and their cards. Run it to write data-samples/models. IO in `main`.
import { join } from 'node:path';
import { writeFileAtomically } from '../../src/files/atomic.ts';
import { sha256 } from '../../src/files/hash.ts';
import type { Constant, Node } from './onnx-nodes.ts';
import { int, int64s, ints, modelBytes, node, scalar, value } from './onnx-nodes.ts';
import { taskModels } from './onnx-tasks.ts';

/** Stems per unit of mean red in a 4 x 4 cell: a power of two, so that a map of uint8 pixels is exact in float32. */
export const STEMS_PER_RED = 2 ** -12;

/** The bytes of a network that turns `image` (1 x 4 x H x W: red, green, blue, nir) into `density` (1 x 1 x H/4 x W/4). */
export const densityGraph = (name: string, nodes: Node[], constants: Constant[]): Uint8Array =>
  modelBytes(name, { inputs: [value('image', [1, 4, 'H', 'W'])], outputs: [value('density', [1, 1, 'h', 'w'])], nodes, constants });

const redBand = node('Slice', ['image', 'first', 'second', 'channels'], ['red']);
const redBounds = [int64s('first', [0]), int64s('second', [1]), int64s('channels', [1])];
const cells = (from: string) => node('AveragePool', [from], ['mean'], [ints('kernel_shape', [4, 4]), ints('strides', [4, 4])]);
const timesStems = node('Mul', ['mean', 'stems'], ['density']);

/** Density = mean of the red band over 4 x 4 pixels x STEMS_PER_RED; it looks at nothing beyond its cell. */
export const redDensity = (): Uint8Array => densityGraph('red-density', [redBand, cells('red'), timesStems], [...redBounds, scalar('stems', STEMS_PER_RED)]);

/** As red-density, of the red band smoothed by a box of 31 x 31 pixels (zeros beyond the edge): it looks 15 pixels around. */
export function boxDensity(): Uint8Array {
  const box = node('AveragePool', ['red'], ['smooth'], [ints('kernel_shape', [31, 31]), ints('strides', [1, 1]), ints('pads', [15, 15, 15, 15]), int('count_include_pad', 1)]);
  return densityGraph('box-density', [redBand, box, cells('smooth'), timesStems], [...redBounds, scalar('stems', STEMS_PER_RED)]);
}

/** A network that gives NaN where the red cell is 0 (0 / 0) and 1 elsewhere: for tests of refusals. */
export const nanDensity = (): Uint8Array => densityGraph('nan-density', [redBand, cells('red'), node('Div', ['mean', 'mean'], ['density'])], redBounds);

/** A record as `card.json` has it: fits 0.5 m red, green, blue, nir of uint8. */
export function sampleCard(name: string, model: Uint8Array, { patchPx, marginPx, what }: { patchPx: number; marginPx: number; what: string }) {
  return {
    name, version: '1.0.0', task: 'density', licence: 'Apache-2.0', sha256: sha256(model),
    input: {
      name: 'image', layout: 'NCHW', bands: ['red', 'green', 'blue', 'nir'], optional_bands: ['nir'], fill: 0, scale: 1, mean: [], std: [],
      gsd_m: 0.5, gsd_range_m: [0.4, 0.75], patch_px: patchPx, margin_px: marginPx, stride_px: 4,
    },
    outputs: [{ name: 'density', variable: 'stems', unit: 'stems/px', stride_px: 4, activation: 'none', range: [0, 1] }],
    post: { peak_threshold: 0.02, peak_radius_m: 4, localisation_error_m: 1 },
    tolerance: 1e-6,
    training: [{ data: `none: a formula. ${what}`, licence: 'Apache-2.0', region: 'none' }],
    scores: [],
  };
}

/** The sample models by name: bytes of model.onnx and text of card.json. */
export function sampleModels(): Record<string, { model: Uint8Array; card: string }> {
  const entry = (name: string, model: Uint8Array, options: { patchPx: number; marginPx: number; what: string }) =>
    [name, { model, card: `${JSON.stringify(sampleCard(name, model, options), null, 2)}\n` }] as const;
  return Object.fromEntries([
    entry('red-density', redDensity(), { patchPx: 128, marginPx: 16, what: 'Stems = mean red of 4 x 4 pixels / 4096: a known answer for tests, no count of trees' }),
    ...taskModels(),
    entry('box-density', boxDensity(), { patchPx: 128, marginPx: 16, what: 'As red-density after a 31 x 31 box filter: shows seams where a margin is too small' }),
  ]);
}

async function main(folder: string): Promise<void> {
  for (const [name, { model, card }] of Object.entries(sampleModels())) {
    await writeFileAtomically(join(folder, name, 'model.onnx'), model);
    await writeFileAtomically(join(folder, name, 'card.json'), card);
  }
}

if (import.meta.main) await main(join(import.meta.dirname, '..', 'models'));
