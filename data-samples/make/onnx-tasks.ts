// make/onnx-tasks.ts: a tiny network with a known answer for each task but density, and their cards. Pure.
import { sha256 } from '../../src/files/hash.ts';
import type { Constant, Node } from './onnx-nodes.ts';
import { bandOf, floats, int, int64s, ints, modelBytes, node, scalar, value } from './onnx-nodes.ts';

/** Patch of the sample models, pixels of 0.5 m: 64 m, of which the inner 48 m count. */
const PATCH_PX = 128, MARGIN_PX = 16, GSD_M = 0.5;
/** Detectors on raw heads look at cells of 8 pixels. */
export const CELL_PX = 8;

const image = value('image', [1, 4, 'H', 'W']), fixedImage = value('image', [1, 4, PATCH_PX, PATCH_PX]);
const red = bandOf('red', 0), green = bandOf('green', 1), nir = bandOf('nir', 3);
const byte = scalar('byte', 255);

/** Probability = red / 255. */
export const redProbability = (): Uint8Array =>
  modelBytes('red-probability', { inputs: [image], outputs: [value('probability', [1, 1, 'H', 'W'])], nodes: [...red.nodes, node('Div', ['red', 'byte'], ['probability'])], constants: [...red.constants, byte] });

/** Factors of band-height: height_m = RED red + NIR nir + 1.5, sd = SD red; powers of two, so that float32 is exact. */
export const HEIGHT = { red: 2 ** -3, nir: 2 ** -4, base: 1.5, sd: 2 ** -6 };
export const bandHeight = (): Uint8Array => modelBytes('band-height', {
  inputs: [image], outputs: [value('height', [1, 1, 'H', 'W']), value('height_sd', [1, 1, 'H', 'W'])],
  nodes: [
    ...red.nodes, ...nir.nodes, node('Mul', ['red', 'per_red'], ['from_red']), node('Mul', ['nir', 'per_nir'], ['from_nir']),
    node('Add', ['from_red', 'from_nir'], ['from_both']), node('Add', ['from_both', 'base'], ['height']), node('Mul', ['red', 'sd'], ['height_sd']),
  ],
  constants: [...red.constants, ...nir.constants, scalar('per_red', HEIGHT.red), scalar('per_nir', HEIGHT.nir), scalar('base', HEIGHT.base), scalar('sd', HEIGHT.sd)],
});

/** Factors of table-agb: agb = ZQ95 zq95 + COVER cover_first_returns + 1, sd = SD zq95. */
export const AGB = { zq95: 4, cover: 0.5, base: 1, sd: 0.25 };
/** One output of two columns, agb and its deviation: a row each. */
export const tableAgb = (): Uint8Array => modelBytes('table-agb', {
  inputs: [value('table', ['rows', 2])], outputs: [value('agb', ['rows', 2])],
  nodes: [node('Gemm', ['table', 'weights', 'bias'], ['agb'])],
  constants: [floats('weights', [AGB.zq95, AGB.sd, AGB.cover, 0], [2, 2]), floats('bias', [AGB.base, 0])],
});

/** Logits of classify-red: (128 - mean red of the crop) / 16 + height_m / 16 for alive, the opposite for dead. */
export const classifyRed = (): Uint8Array => modelBytes('classify-red', {
  inputs: [value('image', ['n', 4, 24, 24]), value('columns', ['n', 1])], outputs: [value('logits', ['n', 2])],
  nodes: [
    ...red.nodes, node('ReduceMean', ['red'], ['mean'], [ints('axes', [2, 3]), int('keepdims', 0)]),
    node('Concat', ['mean', 'columns'], ['both'], [int('axis', 1)]), node('Gemm', ['both', 'weights', 'bias'], ['logits']),
  ],
  constants: [...red.constants, floats('weights', [-1 / 16, 1 / 16, 1 / 16, -1 / 16], [2, 2]), floats('bias', [8, -8])],
});

/** A box of 9 x 9 pixels about each pixel whose red is above 200; score = red / 255. No suppression: boxes may overlap. */
export const brightBoxes = (): Uint8Array => modelBytes('bright-boxes', {
  inputs: [image], outputs: [value('boxes', ['N', 4]), value('scores', ['N'])],
  nodes: [
    ...red.nodes, node('Greater', ['red', 'bright'], ['is_bright']), node('NonZero', ['is_bright'], ['axes_first']), node('Transpose', ['axes_first'], ['places'], [ints('perm', [1, 0])]),
    node('GatherND', ['red', 'places'], ['values']), node('Div', ['values', 'byte'], ['scores']),
    node('Gather', ['places', 'x_y'], ['corner'], [int('axis', 1)]), node('Cast', ['corner'], ['x0_y0'], [int('to', 1)]),
    node('Concat', ['x0_y0', 'x0_y0'], ['twice'], [int('axis', 1)]), node('Add', ['twice', 'reach'], ['boxes']),
  ],
  constants: [...red.constants, byte, scalar('bright', 200), int64s('x_y', [3, 2]), floats('reach', [-4, -4, 5, 5], [1, 4])],
});

/** Centre where red is highest, heat = red / 255; width = green / 8, height = nir / 8 pixels. */
export const centreSize = (): Uint8Array => modelBytes('centre-size', {
  inputs: [image], outputs: [value('heat', [1, 1, 'H', 'W']), value('size', [1, 2, 'H', 'W'])],
  nodes: [
    ...red.nodes, ...green.nodes, ...nir.nodes, node('Div', ['red', 'byte'], ['heat']),
    node('Concat', ['green', 'nir'], ['two'], [int('axis', 1)]), node('Div', ['two', 'eight'], ['size']),
  ],
  constants: [...red.constants, ...green.constants, ...nir.constants, byte, scalar('eight', 8)],
});

const CELLS = PATCH_PX / CELL_PX;
const grid = (of: (row: number, col: number) => number): number[] => Array.from({ length: CELLS * CELLS }, (_, i) => of(Math.floor(i / CELLS), i % CELLS));
/** The brightest red of each cell / 255, as a row of cells. */
const cellScores = (shape: number[]): { nodes: Node[]; constants: Constant[] } => ({
  nodes: [...red.nodes, node('MaxPool', ['red'], ['cells'], [ints('kernel_shape', [CELL_PX, CELL_PX]), ints('strides', [CELL_PX, CELL_PX])]), node('Reshape', ['cells', 'shape'], ['row']), node('Div', ['row', 'byte'], ['cell_scores'])],
  constants: [...red.constants, byte, int64s('shape', shape)],
});

/** YOLO of v8: 1 x 5 x N: a box of 16 x 16 pixels on the centre of each cell of 8 pixels; score = its brightest red / 255. */
export function yoloCells(): Uint8Array {
  const scores = cellScores([1, 1, CELLS * CELLS]), centre = (i: number) => (i + 0.5) * CELL_PX, size = grid(() => 2 * CELL_PX);
  const boxes = [...grid((_, col) => centre(col)), ...grid((row) => centre(row)), ...size, ...size];
  return modelBytes('yolo-cells', {
    inputs: [fixedImage], outputs: [value('output0', [1, 5, CELLS * CELLS])],
    nodes: [...scores.nodes, node('Concat', ['boxes', 'cell_scores'], ['output0'], [int('axis', 1)])],
    constants: [...scores.constants, floats('boxes', boxes, [1, 4, CELLS * CELLS])],
  });
}

/** RetinaNet's heads: one anchor of 16 pixels a cell of 8, at its corner; no deltas; score = the cell's brightest red / 255. */
export function retinaCells(): Uint8Array {
  const scores = cellScores([1, CELLS * CELLS, 1]);
  return modelBytes('retina-cells', {
    inputs: [fixedImage], outputs: [value('classes', [1, CELLS * CELLS, 1]), value('deltas', [1, CELLS * CELLS, 4])],
    nodes: [...scores.nodes, node('Identity', ['cell_scores'], ['classes']), node('Mul', ['cell_scores', 'nothing'], ['deltas'])],
    constants: [...scores.constants, floats('nothing', [0, 0, 0, 0], [1, 1, 4])],
  });
}

interface Wanted {
  task: string;
  what: string;
  outputs: object[];
  post: object;
  /** instead of, or beside, what every image sample has */
  input?: object;
}

function cardText(name: string, model: Uint8Array, { task, what, outputs, post, input = {} }: Wanted): string {
  const image = {
    name: 'image', layout: 'NCHW', bands: ['red', 'green', 'blue', 'nir'], optional_bands: ['nir'], fill: 0, scale: 1, mean: [], std: [],
    gsd_m: GSD_M, gsd_range_m: [0.4, 0.75], patch_px: PATCH_PX, margin_px: MARGIN_PX, stride_px: 1,
  };
  const card = {
    name, version: '1.0.0', task, licence: 'Apache-2.0', sha256: sha256(model), input: task === 'regress-table' ? input : { ...image, ...input }, outputs, post, tolerance: 1e-6,
    training: [{ data: `none: a formula. ${what}`, licence: 'Apache-2.0', region: 'none' }], scores: [],
  };
  return `${JSON.stringify(card, null, 2)}\n`;
}

const detect = { score_threshold: 0.3, max_overlap: 0.4, max_box_m: 20, match_radius_m: 3 };
const probability = { unit: '1', range: [0, 1] };

/** The sample models by name: bytes of model.onnx and text of card.json. */
export function taskModels(): [string, { model: Uint8Array; card: string }][] {
  const entry = (name: string, model: Uint8Array, wanted: Wanted): [string, { model: Uint8Array; card: string }] => [name, { model, card: cardText(name, model, wanted) }];
  return [
    entry('red-probability', redProbability(), {
      task: 'segment', what: 'Probability of dead = red / 255', outputs: [{ name: 'probability', variable: 'dead', ...probability, stride_px: 1 }],
      post: { threshold: 0.5, window_m: 3, max_radius_m: 8, min_area_m2: 2 },
    }),
    entry('band-height', bandHeight(), {
      task: 'regress-raster', what: 'Height = red / 8 + nir / 16 + 1.5 m, with a deviation of red / 64',
      outputs: [{ name: 'height', variable: 'height_m', unit: 'm', stride_px: 1, range: [0, 60] }, { name: 'height_sd', of: 'height_m', is: 'sd' }], post: {},
    }),
    entry('table-agb', tableAgb(), {
      task: 'regress-table', what: 'AGB = 4 zq95 + 0.5 cover + 1 Mg/ha, with a deviation of zq95 / 4', input: { name: 'table', layout: 'NC' },
      outputs: [{ name: 'agb', variable: 'agb', unit: 'Mg/ha', range: [0, 2000], channels: 2, channel: 0 }, { name: 'agb', of: 'agb', is: 'sd', range: [0, 500], channels: 2, channel: 1 }],
      post: { per: 'cell', columns: ['zq95', 'cover_first_returns'] },
    }),
    entry('classify-red', classifyRed(), {
      task: 'classify', what: 'Dead where the mean red of the crop is above 128 + height_m', input: { patch_px: 24, margin_px: 0, table: { name: 'columns' } },
      outputs: [{ name: 'logits', variable: 'status', ...probability, activation: 'softmax', channels: 2 }],
      post: { classes: ['alive', 'dead'], crop_m: 12, gives: 'status', columns: ['height_m'] },
    }),
    entry('bright-boxes', brightBoxes(), {
      task: 'detect', what: 'A box of 9 x 9 pixels about each pixel whose red is above 200',
      outputs: [{ name: 'boxes', variable: 'boxes' }, { name: 'scores', variable: 'scores' }], post: { format: 'boxes-scores', ...detect, nms: false },
    }),
    entry('centre-size', centreSize(), {
      task: 'detect', what: 'Centres where red is highest; width green / 8, height nir / 8 pixels',
      outputs: [{ name: 'heat', variable: 'heat' }, { name: 'size', variable: 'size', channels: 2 }], post: { format: 'centre-size', ...detect, size: 'wh', size_unit: 'px', peak_radius_m: 2 },
    }),
    entry('yolo-cells', yoloCells(), {
      task: 'detect', what: 'A box of 16 x 16 pixels on each cell of 8 pixels; score = its brightest red / 255', input: { stride_px: CELL_PX },
      outputs: [{ name: 'output0', variable: 'objects' }], post: { format: 'yolo', ...detect, axis: 'values-first', objectness: 'none' },
    }),
    entry('retina-cells', retinaCells(), {
      task: 'detect', what: 'An anchor of 16 pixels a cell of 8; score = the cell\'s brightest red / 255', input: { stride_px: CELL_PX },
      outputs: [{ name: 'classes', variable: 'classes' }, { name: 'deltas', variable: 'deltas' }],
      post: { format: 'retinanet', ...detect, anchors: { strides_px: [CELL_PX], sizes_px: [[2 * CELL_PX]], ratios: [1] } },
    }),
  ];
}
