import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { cardSchemaText } from '../../pipelines/make-schema.ts';
import { sampleModels } from '../../data-samples/make/onnx.ts';
import { cardProblems } from '../../src/infer/card-rules.ts';
import { parseAnyCard, readCard } from '../../src/infer/card.ts';

type Json = Record<string, unknown>;
const schema = fileURLToPath(new URL('../../models/card.schema.json', import.meta.url));
const density = JSON.parse(sampleModels()['red-density']!.card) as Json & { input: Json; outputs: [Json] };
const map = { name: 'out', variable: 'agb', unit: 'Mg/ha', stride_px: 4, range: [0, 500] };

test('models/card.schema.json is that of the program: `npm run schema` would change nothing', () => {
  expect(readFileSync(schema, 'utf8')).toBe(cardSchemaText());
});

/** A card of each task, as little as it takes. */
const cards: Record<string, Json> = {
  density,
  'regress-raster': { ...density, task: 'regress-raster', post: {}, outputs: [map, { name: 'sd', of: 'agb', is: 'sd', activation: 'softplus' }] },
  segment: { ...density, task: 'segment', outputs: [{ ...map, variable: 'dead', unit: '1', range: [0, 1], activation: 'sigmoid' }], post: { threshold: 0.5, window_m: 3, max_radius_m: 8, min_area_m2: 2 } },
  instances: { ...density, task: 'segment', outputs: [{ ...map, variable: 'crown', unit: '1', range: [0, 1] }, { ...map, name: 's', variable: 'scores', unit: '1', range: [0, 1] }], post: { objects: 'instances', threshold: 0.5, score_threshold: 0.4, max_overlap: 0.3, max_radius_m: 8, min_area_m2: 2 } },
  'boxes-scores': detector({ format: 'boxes-scores' }, ['boxes', 'scores', 'labels']),
  yolo: detector({ format: 'yolo', axis: 'values-first', objectness: 'none' }, ['objects']),
  retinanet: detector({ format: 'retinanet', anchors: { strides_px: [8, 16], sizes_px: [[32], [64]] } }, ['classes', 'deltas']),
  'centre-size': { ...detector({ format: 'centre-size', size: 'wh', size_unit: 'px', peak_radius_m: 2 }, []), outputs: [{ name: 'heat', variable: 'heat', stride_px: 4 }, { name: 'size', variable: 'size', channels: 2, stride_px: 4 }] },
  classify: { ...density, task: 'classify', outputs: [{ name: 'p', variable: 'status', channels: 2 }], post: { classes: ['alive', 'dead'], crop_m: 64, gives: 'status', columns: ['height_m'] }, input: { ...density.input, table: { name: 'columns' } } },
  'regress-table': { ...density, task: 'regress-table', input: { name: 'table', layout: 'NC' }, outputs: [{ name: 'agb', variable: 'agb', unit: 'Mg/ha', range: [0, 900] }], post: { per: 'cell', columns: ['zq95', 'zmean'] } },
};
function detector(post: Json, roles: string[]): Json {
  return { ...density, task: 'detect', outputs: roles.map((variable) => ({ name: variable, variable })), post: { score_threshold: 0.3, max_overlap: 0.4, max_box_m: 20, match_radius_m: 3, ...post } };
}

describe('a card of each task', () => {
  test.each(Object.entries(cards))('%s is read, and holds together', (name, record) => {
    expect(cardProblems(parseAnyCard(record, name))).toEqual([]);
  });

  test('what it leaves out has its default: a segment climbs, a box has corners in pixels, a score is 0 to 1', () => {
    expect(parseAnyCard(cards['segment'], 'c').post).toMatchObject({ objects: 'climb' });
    const boxes = parseAnyCard(cards['boxes-scores'], 'c');
    expect(boxes.post).toMatchObject({ box: 'xyxy', box_unit: 'px', nms: true, first_label: 0 });
    expect(boxes.outputs.map(({ variable, unit, range, channels, sdOf }) => [variable, unit, range[1], channels, sdOf])).toEqual([['boxes', 'px', 1e6, 1, null], ['scores', '1', 1, 1, null], ['labels', '1', 1e6, 1, null]]);
  });

  test('a standard deviation has the unit and the pixels of what it belongs to, and at most the width of its range', () => {
    expect(parseAnyCard(cards['regress-raster'], 'c').outputs[1]).toEqual({ name: 'sd', variable: 'agb_sd', sdOf: 'agb', unit: 'Mg/ha', stridePx: 4, activation: 'softplus', factor: 1, range: [0, 500], channels: 1, channel: 0 });
  });

  test('a table has no patches: a card of regress-table is none for an image', async () => {
    await expect(readCard(fileURLToPath(new URL('../../data-samples/models/table-agb', import.meta.url)))).rejects.toThrow(/card.json: a model of task regress-table reads a table, not an image/);
    expect(() => parseAnyCard({ ...cards['regress-table'], input: density.input }, 'c')).toThrow(/input: .*"gsd_m"/);
    expect(() => parseAnyCard({ ...density, input: { name: 'table', layout: 'NC' } }, 'c')).toThrow(/input\.bands: [^]*input\.gsd_m: /);
  });
});

describe('rules across the fields of a card', () => {
  const outputs = (name: string) => structuredClone(cards[name]!['outputs']) as Json[], post = (name: string, change: Json) => ({ ...cards[name], post: { ...(cards[name]!['post'] as Json), ...change } });
  test.each<[string, Json, RegExp]>([
    ['a deviation of nothing', { ...cards['regress-raster'], outputs: [map, { name: 'sd', of: 'height', is: 'sd' }] }, /outputs\.sd\.of: no output has the variable height; it must be one of agb/],
    ['a negative deviation', { ...cards['regress-raster'], outputs: [map, { name: 'sd', of: 'agb', is: 'sd', range: [-1, 5] }] }, /outputs\.sd\.range: a standard deviation is not negative/],
    ['two maps of one model', { ...cards['regress-raster'], outputs: [map, { ...map, name: 'b', variable: 'height_m' }] }, /a regress-raster model has 1 map/],
    ['a channel that is not there', { ...cards['regress-raster'], outputs: [{ ...map, channel: 2, channels: 2 }] }, /outputs\.out\.channel: 2 is none of 2 channels/],
    ['softmax of one channel', { ...cards['segment'], outputs: [{ ...outputs('segment')[0], activation: 'softmax' }] }, /softmax of one channel is always 1/],
    ['a probability of 300', { ...cards['segment'], outputs: [{ ...outputs('segment')[0], range: [0, 300] }] }, /outputs\.out: a probability has unit 1 and a range within \[0, 1\]/],
    ['a climb with scores', { ...cards['instances'], post: cards['segment']!['post'] }, /climb takes no scores/],
    ['instances without scores', { ...cards['segment'], post: cards['instances']!['post'] }, /needs an output whose variable is scores/],
    ['a detector without boxes', { ...cards['boxes-scores'], outputs: outputs('boxes-scores').slice(1) }, /post\.format boxes-scores needs an output whose variable is boxes; it has scores, labels/],
    ['a layout with the outputs of another', { ...cards['yolo'], outputs: outputs('boxes-scores') }, /needs an output whose variable is objects[^]*post\.format yolo has no output boxes; it takes objects/],
    ['a class that is not there', post('yolo', { tree_classes: [0, 1] }), /post\.tree_classes: 1 is none of 1 classes/],
    ['levels of anchors that do not match', post('retinanet', { anchors: { strides_px: [8], sizes_px: [[32], [64]] } }), /sizes_px has 2 levels, strides_px 1/],
    ['four distances in two channels', post('centre-size', { size: 'ltrb' }), /outputs\.size\.channels: 2, but post\.size makes it 4/],
    ['a class without a meaning', post('classify', { classes: ['alive', 'dying'] }), /class dying is no status; map it to one of alive, dead, unknown/],
    ['three classes in two channels', post('classify', { classes: ['alive', 'dead', 'unknown'] }), /outputs\.p\.channels: 2 for 3 classes/],
    ['a crop that is not the patch', post('classify', { crop_m: 10 }), /post\.crop_m: 10 m is not input\.patch_px x input\.gsd_m = 64 m/],
    ['columns without an input', { ...cards['classify'], input: density.input }, /post\.columns: the network needs a second input/],
    ['a mean for one of two columns', { ...cards['regress-table'], input: { name: 'table', layout: 'NC', mean: [1] } }, /input\.mean: has 1 values for 2 columns/],
    ['a column twice', post('regress-table', { columns: ['zq95', 'zq95'] }), /post\.columns: zq95 is named twice/],
  ])('%s is said with what to change', (_, record, message) => {
    expect(cardProblems(parseAnyCard(record, 'c')).join('\n')).toMatch(message);
  });

  test('a class may be mapped to what the table knows', () => {
    expect(cardProblems(parseAnyCard(post('classify', { classes: ['alive', 'dying'], map: { dying: 'unknown' } }), 'c'))).toEqual([]);
  });
});
