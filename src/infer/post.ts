// infer/post.ts: `post` of a card by task: what is made of a network's output. Schemas only; field names as in card.json. Pure.
import { z } from 'zod';

const metres = (what: string) => z.number().positive().describe(`${what}, metres`);
const share = z.number().min(0).max(1);
const count = z.int().positive();

/** Stems per output pixel: the sum is the count, peaks are points. */
export const DensityPost = z.strictObject({
  peak_threshold: z.number().positive().describe('lowest density of a peak, in the unit of the output'),
  peak_radius_m: metres('a peak is the highest within this radius'),
  localisation_error_m: z.number().nonnegative().describe('distance of a peak from its tree: RMSE, metres'),
});

/** What every detector says, whatever the layout of its outputs. */
const detect = {
  score_threshold: share.describe('detections below are dropped'),
  max_overlap: share.describe('a detection goes if a better one overlaps it by more: intersection over union'),
  max_box_m: metres('longest side of a box; longer ones are dropped (they bound the halo of the suppression)'),
  match_radius_m: metres('a detection and a LiDAR tree farther apart are not one tree'),
  classes: z.array(z.string().min(1)).min(1).optional().describe('names of the classes in the order of the network; default: one class'),
  tree_classes: z.array(z.int().nonnegative()).min(1).optional().describe('indices of the classes that are trees; default: all'),
};

const BoxesScoresPost = z.strictObject({
  format: z.literal('boxes-scores').describe('outputs `boxes` (N x 4), `scores` (N) and perhaps `labels` (N), with or without an axis of 1 before'),
  ...detect,
  box: z.enum(['xyxy', 'xywh', 'cxcywh']).default('xyxy').describe('what the four numbers of a box are: corners, corner and size, centre and size'),
  box_unit: z.enum(['px', 'fraction']).default('px').describe('pixels of the patch, or shares of its side'),
  first_label: z.int().nonnegative().default(0).describe('label of the first class: 1 where 0 is the background'),
  nms: z.boolean().default(true).describe('the graph suppresses overlaps itself; Understory does it across patches in any case'),
});

const YoloPost = z.strictObject({
  format: z.literal('yolo').describe('one output `objects`: cx, cy, w, h in pixels, objectness if any, then a score a class'),
  ...detect,
  axis: z.enum(['boxes-first', 'values-first']).describe('1 x N x values (v5, v6, v7), or 1 x values x N (v8 and later)'),
  objectness: z.enum(['none', 'multiply', 'only', 'ignore']).describe('none: no such value; multiply: score = objectness x best class; only: score = objectness; ignore: there, not used'),
  nms: z.literal(false).default(false),
});

const RetinaNetPost = z.strictObject({
  format: z.literal('retinanet').describe('raw heads: outputs `classes` (1 x A x C) and `deltas` (1 x A x 4: dx, dy, dw, dh) on the anchors below, level by level, row by row, then by anchor of the cell'),
  ...detect,
  anchors: z.strictObject({
    strides_px: z.array(count).min(1).describe('pixels between anchors, a level each'),
    sizes_px: z.array(z.array(z.number().positive()).min(1)).min(1).describe('sides of the square anchors of each level'),
    ratios: z.array(z.number().positive()).min(1).default([0.5, 1, 2]).describe('height / width'),
    order: z.enum(['ratio-size', 'size-ratio']).default('ratio-size').describe('which runs slower among the anchors of a cell: the ratio (torchvision) or the size'),
    centre: z.union([z.literal(0), z.literal(0.5)]).default(0).describe('where the first anchor lies, in strides: 0 (torchvision) or 0.5'),
    round: z.boolean().default(true).describe('corners of anchors about their centre are rounded to whole pixels (torchvision)'),
  }),
  delta_sd: z.tuple([z.number().positive(), z.number().positive(), z.number().positive(), z.number().positive()]).default([1, 1, 1, 1]).describe('factors on dx, dy, dw, dh'),
  nms: z.literal(false).default(false),
});

const CentreSizePost = z.strictObject({
  format: z.literal('centre-size').describe('maps: output `heat` (probability of a centre), `size` (w and h, or four distances) and perhaps `offset` (dx, dy of the centre in its cell)'),
  ...detect,
  size: z.enum(['wh', 'ltrb']).describe('wh: 2 channels, width and height; ltrb: 4 channels, distances from the centre of the cell to left, top, right, bottom'),
  size_unit: z.enum(['px', 'cells', 'm']).describe('unit of the sizes: input pixels, output pixels, metres'),
  peak_radius_m: metres('a centre is the highest within this radius'),
  size_factor: z.number().positive().default(1).describe('on all sizes, for networks whose boxes come out too large'),
  nms: z.literal(false).default(false),
});

export const DetectPost = z.discriminatedUnion('format', [BoxesScoresPost, YoloPost, RetinaNetPost, CentreSizePost]);

const segment = {
  threshold: share.describe('pixels of at least this probability are in an object'),
  min_area_m2: z.number().nonnegative().describe('smaller objects are dropped, square metres'),
};

export const SegmentPost = z.discriminatedUnion('objects', [
  z.strictObject({
    objects: z.literal('climb').default('climb').describe('one map of probability: peaks in a window, then the climb'),
    ...segment,
    window_m: metres('a peak is the highest within this diameter'),
    max_radius_m: metres('an object ends this far from its peak'),
  }),
  z.strictObject({
    objects: z.literal('instances').describe('outputs `masks` (1 x N x h x w, a probability each) and `scores` (1 x N)'),
    ...segment,
    score_threshold: share.describe('instances below are dropped'),
    max_overlap: share.describe('an instance goes if a better one overlaps it by more: intersection over union of the masks'),
    max_radius_m: metres('half of the longest side of an instance; larger ones are dropped'),
  }),
]);

export const RegressRasterPost = z.strictObject({
  nodata: z.number().optional().describe('value of the raw output that says void'),
});

/** Columns beside the crop, or of the table: names of `cell` or `tree`, or `variable` of a model's output. */
const columns = z.array(z.string().regex(/^[a-z][a-z0-9_]*$/, 'a column\'s name: lower-case letters, digits, _'));

export const ClassifyPost = z.strictObject({
  classes: z.array(z.string().min(1)).min(2).describe('in the order of the network'),
  map: z.record(z.string(), z.string()).default({}).describe('class to a value of what it gives, where its name is none: { \'Pinus jeffreyi\': gymnosperm }'),
  crop_m: metres('side of the square around the crown\'s centre that is cut out'),
  gives: z.enum(['species_group', 'status']).describe('the column of `tree` that it fills'),
  columns: columns.default([]).describe('columns of the crown that go into the second input, in this order'),
  min_probability: share.default(0).describe('below, the best class is not believed: the column stays as it was'),
});

export const RegressTablePost = z.strictObject({
  per: z.enum(['cell', 'tree']).describe('a row each'),
  columns: columns.min(1).describe('columns of that table, in the order of the input'),
});

export type DensityPost = z.output<typeof DensityPost>;
export type DetectPost = z.output<typeof DetectPost>;
export type SegmentPost = z.output<typeof SegmentPost>;
export type RegressRasterPost = z.output<typeof RegressRasterPost>;
export type ClassifyPost = z.output<typeof ClassifyPost>;
export type RegressTablePost = z.output<typeof RegressTablePost>;
