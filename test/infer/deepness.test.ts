// ONNX files made for the QGIS plug-in Deepness: their metadata becomes a card, and they run as they are.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bandOf, floats, int64s, int, ints, modelBytes, node, value } from '../../data-samples/make/onnx-nodes.ts';
import { sampleModels } from '../../data-samples/make/onnx.ts';
import { sha256 } from '../../src/files/hash.ts';
import { cardProblems } from '../../src/infer/card-rules.ts';
import { modelPath, parseAnyCard, readAnyCard } from '../../src/infer/card.ts';
import { checkModel } from '../../src/infer/check-model.ts';
import { deepnessCard } from '../../src/infer/deepness.ts';
import { licenceProblems } from '../../src/infer/licence.ts';

const folder = mkdtempSync(join(tmpdir(), 'understory-deepness-'));
afterAll(() => rmSync(folder, { recursive: true }));
const first = bandOf('first', 0);

/** The first channel, as it stands after preprocessing, of each of `channels` output maps. */
const mapNetwork = (metadata: Record<string, unknown>, { channels = 1, side = 'H' as number | string } = {}) => modelBytes('map', {
  inputs: [value('input', ['batch', 3, side, side])], outputs: [value('output', ['batch', channels, side, side])],
  nodes: [node('Identity', ['input'], ['image']), ...first.nodes, node('Concat', Array.from({ length: channels }, () => 'first'), ['output'], [int('axis', 1)])], constants: first.constants,
  metadata: Object.fromEntries(Object.entries(metadata).map(([key, each]) => [key, typeof each === 'string' && each.startsWith('{') ? each : JSON.stringify(each)])),
});
const cardOf = (metadata: Record<string, unknown>, options?: Parameters<typeof mapNetwork>[1]) => parseAnyCard(deepnessCard(mapNetwork(metadata, options), 'My Model.onnx', 'f.onnx'), 'f.onnx');
const segmentor = { model_type: 'Segmentor', resolution: 10, tile_size: 256, tiles_overlap: 25, class_names: { 0: 'background', 1: 'Dead tree' }, seg_thresh: 0.6, seg_small_segment: 5 };

describe('a card from metadata', () => {
  test('a segmentor is a segment model: 10 cm pixels, patches of 256 with an overlap of 25 % are margins of 32', () => {
    const bytes = mapNetwork(segmentor), card = parseAnyCard(deepnessCard(bytes, 'My Model.onnx', 'f.onnx'), 'f.onnx');
    expect(card).toMatchObject({
      name: 'my-model', task: 'segment', licence: 'unknown', sha256: sha256(bytes),
      input: { name: 'input', bands: ['red', 'green', 'blue'], scale: 1 / 255, gsdM: 0.1, patchPx: 256, marginPx: 32, stridePx: 32, mean: [], std: [] },
      outputs: [{ name: 'output', variable: 'dead_tree', stridePx: 1, channel: 0, channels: 1, range: [0, 1] }],
      post: { objects: 'climb', threshold: 0.6, min_area_m2: 0.25 }, // 5 pixels of 0.1 m on a side
    });
    expect(cardProblems(card)).toEqual([]);
  });

  test('of several classes the one whose name is a tree\'s counts; if none is, the card must say it', () => {
    const classes = { 0: 'road', 1: 'building', 2: 'tree', 3: 'water' };
    expect(cardOf({ ...segmentor, class_names: classes }, { channels: 4 }).outputs[0]).toMatchObject({ channels: 4, channel: 2, variable: 'tree' });
    expect(cardOf({ ...segmentor, class_names: { 0: 'no', 1: 'yes' } }, { channels: 2 }).outputs[0]).toMatchObject({ channel: 1 });
    expect(() => cardOf({ ...segmentor, class_names: { 0: 'road', 1: 'building', 2: 'lake' } }, { channels: 3 })).toThrow(/has the classes road, building, lake, and which one is trees is not said; write card\.json/);
  });

  test('class names are read as Python prints them too, and from `names`', () => {
    const { class_names: _, ...rest } = segmentor;
    expect(cardOf({ ...rest, names: "{0: 'grass', 1: 'tree', 2: 'sand'}" }, { channels: 3 }).outputs[0]).toMatchObject({ channel: 1, variable: 'tree' });
  });

  test('standardisation and the older name of the tile\'s size are read; a fixed size in the graph comes first', () => {
    const { tile_size: _, ...rest } = segmentor;
    expect(cardOf({ ...rest, tiles_size: 320, standardization_mean: [0.4, 0.5, 0.6], standardization_std: [0.2, 0.2, 0.3] }).input).toMatchObject({ patchPx: 320, mean: [0.4, 0.5, 0.6], std: [0.2, 0.2, 0.3] });
    expect(cardOf(segmentor, { side: 128 }).input).toMatchObject({ patchPx: 128, marginPx: 32 }); // 12.5 % of 128 is 16: up to a whole stride
  });

  test('whatever the tile and the overlap, patches are whole strides apart and something of each counts', () => {
    for (const tile_size of [32, 100, 250, 256, 513, 640]) for (const tiles_overlap of [0, 10, 50, 90, 100]) {
      expect(cardProblems(cardOf({ ...segmentor, tile_size, tiles_overlap })), `${tile_size} ${tiles_overlap}`).toEqual([]);
    }
  });

  test('a regressor is a raster model, with its scaling', () => {
    const card = cardOf({ model_type: 'regressor', resolution: 100, reg_output_scaling: 30, class_names: { 0: 'Height m' } });
    expect(card).toMatchObject({ task: 'regress-raster', outputs: [{ variable: 'height_m', factor: 30 }] });
    expect(cardProblems(card)).toEqual([]);
  });

  test.each([
    ['YOLO_v5_or_v7_default', { axis: 'boxes-first', objectness: 'only' }], ['YOLO_v6', { axis: 'boxes-first', objectness: 'ignore' }],
    ['YOLO_Ultralytics', { axis: 'values-first', objectness: 'none' }], ['YOLO_v9', { axis: 'values-first', objectness: 'none' }],
  ])('a detector of type %s has its layout, thresholds and tree classes', (det_type, layout) => {
    const card = cardOf({ model_type: 'Detector', resolution: 5, det_type, det_conf: 0.7, det_iou_thresh: 0.3, class_names: { 0: 'car', 1: 'palm' } });
    expect(card).toMatchObject({ task: 'detect', outputs: [{ variable: 'objects' }], post: { format: 'yolo', ...layout, score_threshold: 0.7, max_overlap: 0.3, classes: ['car', 'palm'], tree_classes: [1] } });
    expect(cardProblems(card)).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['no metadata', {}, /has no card\.json and no metadata/],
    ['no pixel size', { model_type: 'Segmentor' }, /metadata resolution is missing; it says the pixel size in centimetres/],
    ['another kind of model', { model_type: 'Superresolution', resolution: 10 }, /model_type is superresolution; segmentor, detector, regressor can be run/],
    ['a rotated detector', { model_type: 'Detector', resolution: 10, det_type: 'YOLO_Ultralytics_obb' }, /det_type YOLO_Ultralytics_obb cannot be run/],
    ['a number that is none', { ...segmentor, seg_thresh: 'high' }, /metadata seg_thresh is "high", no number/],
  ])('%s is said with what to do', (_, metadata, message) => {
    expect(() => cardOf(metadata)).toThrow(message);
  });
});

describe('a file for the plug-in', () => {
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  test('runs as it is, by its path', async () => {
    const path = write('dead.onnx', mapNetwork(segmentor)), { card, problems, ran } = await checkModel(path);
    expect(modelPath(path)).toBe(path);
    expect([card?.name, problems, ran?.settled.provider]).toEqual(['dead', [], 'cpu']);
  });

  test('a detector runs: 1 x N x (5 + classes)', async () => {
    const bytes = modelBytes('yolo', {
      inputs: [value('images', [1, 3, 64, 64])], outputs: [value('output', [1, 64, 6])],
      nodes: [node('Identity', ['images'], ['image']), ...first.nodes, node('MaxPool', ['first'], ['cells'], [ints('kernel_shape', [8, 8]), ints('strides', [8, 8])]), node('Reshape', ['cells', 'shape'], ['row']), node('Mul', ['row', 'six'], ['output'])],
      constants: [...first.constants, int64s('shape', [1, 64, 1]), floats('six', [1, 1, 1, 1, 1, 1], [1, 1, 6])],
      metadata: { model_type: '"Detector"', resolution: '10', det_type: '"YOLO_v5_or_v7_default"', class_names: '{"0": "tree"}' },
    });
    expect((await checkModel(write('yolo.onnx', bytes))).problems).toEqual([]);
  });

  test('a card.json in its folder comes before the metadata', async () => {
    const dir = join(folder, 'both'), bytes = mapNetwork(segmentor);
    mkdirSync(dir);
    writeFileSync(join(dir, 'model.onnx'), bytes);
    expect((await readAnyCard(dir)).name).toBe('both'); // metadata alone
    writeFileSync(join(dir, 'card.json'), sampleModels()['red-probability']!.card);
    expect((await readAnyCard(dir)).name).toBe('red-probability');
    expect((await readAnyCard(join(dir, 'model.onnx'))).name).toBe('red-probability');
  });

  test('nobody says its licence, so a job that names licences does not take it', async () => {
    const card = await readAnyCard(write('theirs.onnx', mapNetwork(segmentor)));
    expect(licenceProblems([{ name: 'theirs', card }], ['MIT'])[0]).toMatch(/theirs has the licence unknown/);
  });
});
