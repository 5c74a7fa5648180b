import { afterAll, describe, expect, test } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { contains } from '../../src/geo/lattice.ts';
import type { ImageBox } from '../../src/infer/boxes.ts';
import { boxReachM, byScore } from '../../src/infer/boxes.ts';
import type { CardOf } from '../../src/infer/card.ts';
import { cardProblems } from '../../src/infer/card-rules.ts';
import { runDetectBlock } from '../../src/infer/detect.ts';
import { anchorsOf } from '../../src/infer/detect-retinanet.ts';
import type { ReadInput } from '../../src/infer/input.ts';
import type { Session, Tensor } from '../../src/infer/session.ts';
import type { Window } from '../../src/types.ts';
import { lattice, redAt } from './fixtures.ts';
import { blocksOf, closeSessions, imageOf, onePatch, plain, sampleCardOf, saying, sessionOf, tensor } from './detect-fixtures.ts';
import type { Json } from './detect-fixtures.ts';

afterAll(closeSessions);

const SIDE = 64, MARGIN = 16;
const small = (card: Json) => Object.assign(card.input, { patch_px: SIDE, margin_px: MARGIN });
const cardOf = (sample: string, change: (card: Json) => void = () => {}): CardOf<'detect'> => sampleCardOf(sample, 'detect', (card) => { small(card); change(card); });
const boxesIn = async (card: CardOf<'detect'>, session: Session, readInput: ReadInput = plain) => (await runDetectBlock(onePatch(card), card, session, readInput, lattice)).boxes;
const maps = (at: Record<number, number[]>, channels: number): Tensor => {
  const data = new Float32Array(channels * SIDE * SIDE);
  for (const [place, values] of Object.entries(at)) values.forEach((value, c) => { data[c * SIDE * SIDE + Number(place)] = value; });
  return { data, dims: [1, channels, SIDE, SIDE] };
};
const pixel = (col: number, row: number): number => row * SIDE + col;

// Two boxes in pixels of the patch: 20..28 x 24..36 scores 0.875, 32..42 x 31..39 scores 0.5. With pixels of 0.5 m from the CRS origin southward:
const byHand: ImageBox[] = [
  { xM: 12, yM: -15, x0M: 10, y0M: -18, x1M: 14, y1M: -12, score: 0.875, classIndex: 0, polygon: null },
  { xM: 18.5, yM: -17.5, x0M: 16, y0M: -19.5, x1M: 21, y1M: -15.5, score: 0.5, classIndex: 0, polygon: null },
];

describe('the same boxes in every layout are the same detections', () => {
  const scores = { scores: tensor([0.875, 0.5, 0.29], [3]) };
  const four = (a: number[], b: number[], c = [1, 1, 2, 2]): Tensor => tensor([...a, ...b, ...c], [3, 4]);
  const corners = four([20, 24, 28, 36], [32, 31, 42, 39]);
  const yolo = (boxesFirst: boolean, ...values: number[][]): Tensor => {
    const rows = boxesFirst ? values : values[0]!.map((_, v) => values.map((row) => row[v]!));
    return tensor(rows.flat(), [1, rows.length, rows[0]!.length]);
  };
  const a = [24, 30, 8, 12], b = [37, 35, 10, 8], none = [1, 1, 2, 2];
  const anchored = (count: number, at: Record<number, number[]>, width: number) => tensor(Array.from({ length: count }, (_, i) => at[i] ?? new Array<number>(width).fill(0)).flat(), [1, count, width]);
  const cells = 64, anchorOf = (x: number, y: number) => (y / 8) * 8 + x / 8; // anchors of 16 px on corners of cells of 8 px
  const delta = ([x, y, w, h]: number[], ax: number, ay: number) => [(x! - ax) / 16, (y! - ay) / 16, Math.log(w! / 16), Math.log(h! / 16)];
  const heat = maps({ [pixel(24, 30)]: [0.875], [pixel(37, 35)]: [0.5], [pixel(50, 50)]: [0.29] }, 1);

  test.each<[string, CardOf<'detect'>, Record<string, Tensor>]>([
    ['corners in pixels', cardOf('bright-boxes'), { ...scores, boxes: corners }],
    ['an axis of 1 before', cardOf('bright-boxes'), { scores: tensor([0.875, 0.5, 0.29], [1, 3]), boxes: tensor([...corners.data], [1, 3, 4]) }],
    ['suppressed in the graph', cardOf('bright-boxes', (card) => { card.post.nms = true; }), { ...scores, boxes: corners }],
    ['corner and size', cardOf('bright-boxes', (card) => { card.post.box = 'xywh'; }), { ...scores, boxes: four([20, 24, 8, 12], [32, 31, 10, 8]) }],
    ['centre and size as shares of the side', cardOf('bright-boxes', (card) => Object.assign(card.post, { box: 'cxcywh', box_unit: 'fraction' })), { ...scores, boxes: four(a.map((v) => v / 64), b.map((v) => v / 64)) }],
    ['labels from 1, class 0 of two', cardOf('bright-boxes', (card) => { card.outputs.push({ name: 'labels', variable: 'labels' }); Object.assign(card.post, { classes: ['tree', 'shrub'], first_label: 1 }); }), { ...scores, boxes: corners, labels: tensor([1, 1, 2], [3]) }],
    ['logits', cardOf('bright-boxes', (card) => { card.outputs[1].activation = 'sigmoid'; }), { boxes: corners, scores: tensor([Math.log(7), 0, -1], [3]) }],
    ['yolo of v8', cardOf('yolo-cells'), { output0: yolo(false, [...a, 0.875], [...b, 0.5], [...none, 0.29]) }],
    ['yolo, boxes first', cardOf('yolo-cells', (card) => { card.post.axis = 'boxes-first'; }), { output0: yolo(true, [...a, 0.875], [...b, 0.5], [...none, 0.29]) }],
    ['yolo of v5: objectness times the best class', cardOf('yolo-cells', (card) => Object.assign(card.post, { axis: 'boxes-first', objectness: 'multiply', classes: ['tree', 'car'] })), { output0: yolo(true, [...a, 1, 0.875, 0.1], [...b, 0.625, 0.8, 0.2], [...none, 0.5, 0.5, 0.4]) }],
    ['yolo, objectness only', cardOf('yolo-cells', (card) => Object.assign(card.post, { axis: 'boxes-first', objectness: 'only' })), { output0: yolo(true, [...a, 0.875, 1], [...b, 0.5, 1], [...none, 0.2, 1]) }],
    ['yolo in shares of the side', cardOf('yolo-cells', (card) => { card.outputs[0].factor = 64; }), { output0: yolo(false, [...a.map((v) => v / 64), 0.875], [...b.map((v) => v / 64), 0.5], [...none, 0.1]) }],
    ['deltas on anchors', cardOf('retina-cells'), { classes: anchored(cells, { [anchorOf(24, 32)]: [0.875], [anchorOf(40, 32)]: [0.5] }, 1), deltas: anchored(cells, { [anchorOf(24, 32)]: delta(a, 24, 32), [anchorOf(40, 32)]: delta(b, 40, 32) }, 4) }],
    ['deltas in units of 0.1 and 0.2, anchors at middles of cells', cardOf('retina-cells', (card) => { card.post.anchors.centre = 0.5; card.post.delta_sd = [0.1, 0.1, 0.2, 0.2]; }), {
      classes: anchored(cells, { [anchorOf(24, 24)]: [0.875], [anchorOf(32, 32)]: [0.5] }, 1),
      deltas: anchored(cells, { [anchorOf(24, 24)]: delta(a, 28, 28).map((v, k) => v / (k < 2 ? 0.1 : 0.2)), [anchorOf(32, 32)]: delta(b, 36, 36).map((v, k) => v / (k < 2 ? 0.1 : 0.2)) }, 4),
    }],
    ['centres with offsets, sizes in pixels', cardOf('centre-size', (card) => card.outputs.push({ name: 'offset', variable: 'offset', channels: 2 })), { heat, size: maps({ [pixel(24, 30)]: [8, 12], [pixel(37, 35)]: [10, 8] }, 2), offset: maps({}, 2) }],
    ['distances to the sides, in metres', cardOf('centre-size', (card) => { Object.assign(card.post, { size: 'ltrb', size_unit: 'm' }); card.outputs[1].channels = 4; }), { heat, size: maps({ [pixel(24, 30)]: [2.25, 3.25, 1.75, 2.75], [pixel(37, 35)]: [2.75, 2.25, 2.25, 1.75] }, 4) }],
    ['distances twice too long, scaled about the middle', cardOf('centre-size', (card) => { Object.assign(card.post, { size: 'ltrb', size_factor: 0.5 }); card.outputs[1].channels = 4; }), { heat, size: maps({ [pixel(24, 30)]: [8.5, 12.5, 7.5, 11.5], [pixel(37, 35)]: [10.5, 8.5, 9.5, 7.5] }, 4) }],
  ])('%s', async (_, card, outputs) => {
    expect(cardProblems(card)).toEqual([]);
    const boxes = await boxesIn(card, saying(outputs));
    expect(boxes.map(({ score, ...box }) => ({ ...box, score: Math.round(score * 1e6) / 1e6 }))).toEqual(byHand);
  });

  test('cells of 4 pixels: offsets and sizes count in cells', async () => {
    const card = cardOf('centre-size', (record) => {
      for (const output of record.outputs) output.stride_px = 4;
      Object.assign(record.input, { stride_px: 4 });
      record.post.size_unit = 'cells';
      record.outputs.push({ name: 'offset', variable: 'offset', channels: 2, stride_px: 4 });
    });
    const at = 7 * 16 + 6, map = (values: number[]) => tensor(values.flatMap((value) => Array.from({ length: 256 }, (_, i) => (i === at ? value : 0))), [1, values.length, 16, 16]);
    // cell (6, 7): middle at (6 + 0.25, 7 + 0.5) cells = (25, 30) px; 2 x 3 cells = 8 x 12 px
    expect(await boxesIn(card, saying({ heat: map([0.75]), size: map([2, 3]), offset: map([0.25, 0.5]) }))).toEqual([{ ...byHand[0], xM: 12.5, x0M: 10.5, x1M: 14.5, score: 0.75 }]);
  });

  test('a box belongs by the pixel of its centre: its middle may lie half of max_box_m off, in the next block; farther it is dropped', async () => {
    const card = cardOf('centre-size', (record) => { Object.assign(record.post, { size: 'ltrb', size_factor: 0.5 }); record.outputs[1].channels = 4; });
    const run = (right: number) => boxesIn(card, saying({ heat: maps({ [pixel(40, 30)]: [0.9] }, 1), size: maps({ [pixel(40, 30)]: [1, 5, right, 5] }, 4) }));
    expect(boxReachM(card)).toBe(10); // 20 px
    expect((await run(40)).map(({ xM, x0M, x1M }) => [xM, x0M, x1M])).toEqual([[30, 24.875, 35.125]]); // 40.5 + 19.5 px; the core ends at 48 px
    expect(await run(42)).toEqual([]); // 20.5 px off, though only 21.5 px long
    expect(boxReachM(cardOf('yolo-cells'))).toBe(0);
  });

  test('anchors are those of torchvision: 23 x 11, 16 x 16 and 11 x 23 about each corner for a size of 32', () => {
    const anchors = { strides_px: [16, 32], sizes_px: [[32], [64]], ratios: [0.5, 1, 2], order: 'ratio-size' as const, centre: 0 as const, round: true };
    const corners = anchorsOf(anchors, 64);
    expect(corners).toHaveLength(4 * 3 * (16 + 4));
    expect([...corners.subarray(0, 12)]).toEqual([-23, -11, 23, 11, -16, -16, 16, 16, -11, -23, 11, 23]);
    expect([...corners.subarray(12, 16)]).toEqual([-7, -11, 39, 11]); // the next cell of the row: 16 px east
    expect([...corners.subarray(12 * 16, 12 * 16 + 4)]).toEqual([-45, -23, 45, 23]); // level 2
    const two = { ...anchors, strides_px: [64], sizes_px: [[32, 40]], ratios: [1, 4] }, widths = (order: 'ratio-size' | 'size-ratio') => [0, 1, 2, 3].map((i) => anchorsOf({ ...two, order }, 64)[4 * i + 2]);
    expect(widths('ratio-size')).toEqual([16, 20, 8, 10]);
    expect(widths('size-ratio')).toEqual([16, 8, 20, 10]);
    expect([9, 11].map((size) => anchorsOf({ ...two, sizes_px: [[size]], ratios: [1] }, 64)[2])).toEqual([4, 6]); // 4.5 and 5.5: to the even one, as torch rounds
  });
});

describe('scores of classes', () => {
  const card = (change: (card: Json) => void) => cardOf('yolo-cells', (record) => { Object.assign(record.post, { axis: 'boxes-first', classes: ['tree', 'car', 'palm'] }); change(record); });
  const run = (of: CardOf<'detect'>, ...values: number[]) => boxesIn(of, saying({ output0: tensor([24, 30, 8, 12, ...values], [1, 1, 4 + values.length]) }));

  test('the class is that of the highest score, of equal ones the first', async () => {
    const plain = card(() => {});
    expect((await run(plain, 0.4, 0.5, 0.75)).map(({ classIndex, score }) => [classIndex, score])).toEqual([[2, 0.75]]);
    expect((await run(plain, 0.4, 0.5, 0.5)).map(({ classIndex, score }) => [classIndex, score])).toEqual([[1, 0.5]]);
  });

  test('softmax is over the classes of a box: of logits 2, 0 and 0 the first has e^2 / (e^2 + 2) = 0.787', async () => {
    const [box] = await run(card((record) => { record.outputs[0].activation = 'softmax'; record.outputs[0].channels = 3; }), 2, 0, 0);
    expect([box!.classIndex, Math.round(box!.score * 1000)]).toEqual([0, 787]);
  });

  test('one that is NaN stops the task, wherever it stands', async () => {
    for (const values of [[NaN, 0.9, 0.8], [0.9, NaN, 0.8], [0.1, 0.2, NaN]]) await expect(run(card(() => {}), ...values)).rejects.toThrow(/output output0 at 0: is NaN/);
  });

  test('a box of RetinaNet is at most 62.5 times its anchor: 16 px are 500 m', async () => {
    const of = cardOf('retina-cells', (record) => { record.post.max_box_m = 1000; }), at = 4 * 8 + 3, zeros = (n: number) => new Array<number>(n).fill(0);
    const [box] = await boxesIn(of, saying({ classes: tensor(zeros(64).with(at, 0.9), [1, 64, 1]), deltas: tensor(zeros(256).with(4 * at + 2, 9), [1, 64, 4]) }));
    expect([box!.x1M - box!.x0M, box!.y1M - box!.y0M]).toEqual([500, 8]);
  });

  test('a heat of NaN stops the task under a valid pixel, and nothing under a void', async () => {
    const of = cardOf('centre-size'), session = saying({ heat: maps({ [pixel(10, 40)]: [NaN], [pixel(24, 30)]: [0.9] }, 1), size: maps({ [pixel(24, 30)]: [8, 12] }, 2) });
    await expect(boxesIn(of, session)).rejects.toThrow(/output heat at 2570: is NaN/);
    expect(await boxesIn(of, session, imageOf((col, row) => (col === 10 && row === 40 ? null : 7)))).toHaveLength(1);
  });
});

describe('what stays of a patch', () => {
  const boxes = (...list: number[][]) => saying({ boxes: tensor(list.flatMap((each) => each.slice(0, 4)), [list.length, 4]), scores: tensor(list.map((each) => each[4]!), [list.length]) });
  const card = cardOf('bright-boxes'), places = async (session: Session, readInput = plain, of = card) => (await boxesIn(of, session, readInput)).map(({ xM }) => xM);

  test('a box whose middle lies in the trusted centre, half-open: the western and the southern edge are its own, the others its neighbours\'', async () => {
    const about = (x: number, y: number) => [x - 2, y - 2, x + 2, y + 2, 0.9];
    // trusted: columns 16 to 48, rows 16 to 48. South is down: y = -row, the lower edge (row 48) belongs to the box, the upper (row 16) does not
    const found = await boxesIn(card, boxes(about(16, 30), about(48, 30), about(30, 16), about(30, 48), about(15.9, 40), about(47.9, 20)));
    expect(found.map(({ xM, yM }) => [xM * 2, -yM * 2]).sort()).toEqual([[16, 30], [30, 48], [47.9, 20]]);
  });

  test('of raw boxes the best in a place, greedily: one that went lets others stay', async () => {
    // a row of boxes 10 wide, 4 apart: neighbours overlap by 6 / 14 = 0.43, the next but one by 2 / 18
    const row = boxes([20, 20, 30, 30, 0.9], [24, 20, 34, 30, 0.8], [28, 20, 38, 30, 0.7]);
    expect(await places(row)).toEqual([12.5, 16.5]);
    expect(await places(row, plain, cardOf('bright-boxes', (record) => { record.post.nms = true; }))).toEqual([12.5, 14.5, 16.5]); // the graph has seen to it
    expect(await places(row, plain, cardOf('bright-boxes', (record) => { record.post.max_overlap = 0.5; }))).toEqual([12.5, 14.5, 16.5]);
  });

  test('boxes longer than max_box_m, turned round or of a class that is no tree are dropped', async () => {
    expect(await places(boxes([10, 28, 50, 32, 0.9], [9.9, 38, 50, 42, 0.9], [30, 20, 26, 24, 0.9]))).toEqual([15]); // 40 px are the 20 m of the card, 40.1 are not
    const classes = cardOf('bright-boxes', (record) => { record.outputs.push({ name: 'labels', variable: 'labels' }); Object.assign(record.post, { classes: ['car', 'tree', 'palm'], tree_classes: [1, 2] }); });
    const found = await boxesIn(classes, saying({ boxes: tensor([18, 18, 22, 22, 28, 18, 32, 22, 38, 18, 42, 22], [3, 4]), scores: tensor([0.9, 0.8, 0.7], [3]), labels: tensor([0, 1, 2], [3]) }));
    expect(found.map(({ xM, classIndex }) => [xM, classIndex])).toEqual([[15, 1], [20, 2]]);
  });

  test('a box whose middle is void, or more than half of it, is none: masked pixels are no trees', async () => {
    const two = boxes([20, 20, 28, 28, 0.9], [34, 20, 42, 28, 0.8]), masked = (isVoid: (col: number, row: number) => boolean) => imageOf((col, row) => (isVoid(col, row) ? null : 7));
    expect(await places(two, masked((col, row) => col === 24 && row === 24))).toEqual([19]); // its middle (24, 24) is that pixel
    expect(await places(two, masked((col) => col < 24))).toEqual([12, 19]); // 32 of 64 pixels: half is enough
    expect(await places(two, masked((col, row) => col < 24 || (col === 26 && row === 26)))).toEqual([19]);
    const none = await runDetectBlock(onePatch(card), card, two, masked(() => true), lattice);
    expect(none).toMatchObject({ boxes: [], rasters: [], statistics: { patchesRun: 0, patchesSkipped: 1, validPx: 0, voidPx: 1024 }, voids: [{ reason: 'no valid image pixel', areaM2: 256 }] });
    const some = await runDetectBlock(onePatch(card), card, two, masked((col, row) => col === 20 && row < 40), lattice);
    expect(some.valid!.window).toEqual({ col: 16, row: 16, width: 32, height: 32 });
    expect([some.valid!.mask.filter((each) => each === 0).length, some.valid!.mask[4]]).toEqual([24, 0]); // rows 16 to 39 of column 20
    expect(some.voids).toEqual([{ source: 'bright-boxes', reason: 'image pixels missing or masked', areaM2: 6 }]);
  });

  test.each<[string, number[][], RegExp]>([
    ['a score that is NaN', [[20, 20, 28, 28, NaN]], /bright-boxes, patch 0_0: output scores at 0: is NaN/],
    ['a side that is NaN', [[20, 20, NaN, 28, 0.9]], /output boxes at 2: is NaN/],
    ['a score of 3', [[20, 20, 28, 28, 3]], /output scores at 0: 3 1 is outside the card's range \[0, 1\]; check scale/],
  ])('%s stops the task', async (_, list, message) => {
    await expect(boxesIn(card, boxes(...list))).rejects.toThrow(message);
    await expect(boxesIn(card, boxes(...list))).rejects.toThrow(ModelError);
  });

  test('a bad value over a void stops nothing, and one below the threshold neither', async () => {
    expect(await places(boxes([20, 20, 28, 28, NaN], [34, 20, 42, 28, 0.8]), imageOf((col) => (col < 30 ? null : 7)))).toEqual([19]);
    expect(await places(boxes([20, NaN, 28, 28, 0.1], [34, 20, 42, 28, 0.8]))).toEqual([19]);
  });

  test('a label without a class, and outputs of different lengths, are named', async () => {
    const labels = cardOf('bright-boxes', (record) => record.outputs.push({ name: 'labels', variable: 'labels' }));
    await expect(boxesIn(labels, saying({ boxes: tensor([20, 20, 28, 28], [1, 4]), scores: tensor([0.9], [1]), labels: tensor([1], [1]) }))).rejects.toThrow(/label 1 is none of 1 classes from 0 on; name the classes in post\.classes, or correct post\.first_label/);
    await expect(boxesIn(card, saying({ boxes: tensor([20, 20, 28, 28], [1, 4]), scores: tensor([0.9, 0.8], [2]) }))).rejects.toThrow(/gave 1 boxes, 2 scores/);
  });
});

describe('the sample networks', () => {
  /** Red of single pixels, 10 elsewhere; green 64 and nir 96: boxes of 8 x 12 px for centre-size. */
  const dots = (places: Record<string, number>) => imageOf((col, row, band) => (band === 0 ? places[`${col}_${row}`] ?? 10 : band === 1 ? 64 : 96));
  const run = async (name: string, readInput: ReadInput, change: (card: Json) => void = () => {}) => {
    const card = sampleCardOf(name, 'detect', change);
    return (await runDetectBlock(onePatch(card), card, await sessionOf(name), readInput, lattice)).boxes;
  };
  const shown = ({ x0M, y0M, x1M, y1M, score }: ImageBox) => [x0M, y0M, x1M, y1M, Math.round(score * 255)];

  test('bright-boxes: 9 x 9 pixels about a bright pixel', async () => {
    // pixel (50, 61): columns 46 to 55, rows 57 to 66 -> 23 to 27.5 m east, 28.5 to 33 m south
    expect((await run('bright-boxes', dots({ '50_61': 204, '52_61': 201, '80_30': 255, '10_50': 255 }))).map(shown)).toEqual([[38, -17.5, 42.5, -13, 255], [23, -33, 27.5, -28.5, 204]]); // the third overlaps the first by 7 / 11; the last lies in the margin
  });

  test('yolo-cells: 16 x 16 pixels about the middle of the cell of 8 pixels', async () => {
    expect((await run('yolo-cells', dots({ '50_61': 204 }))).map(shown)).toEqual([[22, -34, 30, -26, 204]]); // cell (6, 7): middle (52, 60)
  });

  test('retina-cells: 16 x 16 pixels about the upper left corner of the cell', async () => {
    expect((await run('retina-cells', dots({ '50_61': 204 }))).map(shown)).toEqual([[20, -32, 28, -24, 204]]); // corner (48, 56)
  });

  test('centre-size: width green / 8, height nir / 8 about the middle of the pixel; the lower of two centres within 2 m goes', async () => {
    expect((await run('centre-size', dots({ '50_61': 204, '53_61': 153, '55_61': 154 }))).map(shown)).toEqual([[23.25, -33.75, 27.25, -27.75, 204], [25.75, -33.75, 29.75, -27.75, 154]]);
  });

  const noise = (image: Window, share: number, hole?: Window) => imageOf((col, row, band) => {
    if (!contains(image, col, row) || (hole && contains(hole, col, row))) return null;
    const value = redAt(col, row);
    return band === 0 ? (value > 255 * (1 - share) ? value : value / 8) : band === 1 ? 40 + (value % 40) : 30 + (value % 50);
  });
  const image = { col: 903_990, row: -8_890_013, width: 300, height: 270 }, hole = { col: 904_080, row: -8_889_950, width: 40, height: 25 };
  const all = async (name: string, n: number, readInput: ReadInput, change: (card: Json) => void = () => {}) => {
    const card = sampleCardOf(name, 'detect', change), found: ImageBox[] = [];
    for (const block of blocksOf(card, image, n)) found.push(...(await runDetectBlock(block, card, await sessionOf(name), readInput, lattice)).boxes);
    return found.sort(byScore);
  };

  test.each(['bright-boxes', 'yolo-cells', 'retina-cells', 'centre-size'])('%s: blocks of 1, 2 and 5 patches give the same detections, bit for bit, none twice and none over a void', async (name) => {
    const readInput = noise(image, 0.01, hole), [one, two, five] = [await all(name, 1, readInput), await all(name, 2, readInput), await all(name, 5, readInput)];
    expect(one.length).toBeGreaterThan(200);
    expect(two).toEqual(one);
    expect(five).toEqual(one);
    expect(new Set(one.map(({ xM, yM, x0M, y1M }) => `${xM} ${yM} ${x0M} ${y1M}`)).size).toBe(one.length);
    const inHole = one.filter(({ xM, yM }) => contains(hole, Math.floor(xM * 2), -Math.floor(yM * 2) - 1));
    expect(inHole).toEqual([]);
  });

  test('centres on the seams of small patches are those of one large patch; a margin below their radius is refused', async () => {
    const readInput = noise(image, 0.05), inner = { x0: 452_010, x1: 452_120, y0: 4_444_900, y1: 4_444_990 };
    const at = async (patchPx: number, marginPx: number) => (await all('centre-size', 2, readInput, (card) => Object.assign(card.input, { patch_px: patchPx, margin_px: marginPx })))
      .filter(({ xM, yM }) => xM >= inner.x0 && xM < inner.x1 && yM >= inner.y0 && yM < inner.y1);
    const large = await at(512, 64);
    expect(large.length).toBeGreaterThan(200);
    expect(await at(32, 4)).toEqual(large); // 4 px = 2 m = peak_radius_m, and patches are 24 px apart
    await expect(at(32, 3)).rejects.toThrow(/input\.margin_px 3 is less than the 4 px of post\.peak_radius_m 2/);
    const card = (marginPx: number) => sampleCardOf('centre-size', 'detect', (record) => { record.input.margin_px = marginPx; });
    expect(cardProblems(card(4))).toEqual([expect.stringMatching(/input\.margin_px: 4 is less than the 5 px of post\.peak_radius_m 2; a centre on a seam/)]); // pixels may be 1 % finer
    expect(cardProblems(card(5))).toEqual([]);
  });
});
