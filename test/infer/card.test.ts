import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { expect, test } from 'vitest';
import { redDensity, sampleModels } from '../../data-samples/make/onnx.ts';
import { checkCard, checkGraph } from '../../src/infer/card-check.ts';
import { parseAnyCard, readAnyCard, readCard } from '../../src/infer/card.ts';
import { readOnnxFacts } from '../../src/infer/onnx-file.ts';
import { imageCard, writeModel } from './fixtures.ts';

const { onnx } = onnxProto;
const models = new URL('../../data-samples/models', import.meta.url).pathname;
const card = imageCard(JSON.parse(sampleModels()['red-density']!.card), 'red-density');

test.each(Object.entries(sampleModels()))('the committed model %s is what the script makes', async (name, { model, card: text }) => {
  const dir = join(models, name);
  expect(Buffer.compare(readFileSync(join(dir, 'model.onnx')), model)).toBe(0);
  expect(readFileSync(join(dir, 'card.json'), 'utf8')).toBe(text);
  expect((await readAnyCard(dir)).name).toBe(name);
});

test('a card is read with its defaults and its units', async () => {
  const { input, outputs } = await readCard(join(models, 'red-density'));
  expect(input).toMatchObject({ bands: ['red', 'green', 'blue', 'nir'], optionalBands: ['nir'], gsdM: 0.5, gsdRangeM: [0.4, 0.75], patchPx: 128, marginPx: 16, stridePx: 4 });
  expect(outputs[0]).toMatchObject({ variable: 'stems', stridePx: 4, range: [0, 1] });
});

test('an unknown key and a missing hash are errors that name their place', () => {
  const record = JSON.parse(sampleModels()['red-density']!.card);
  expect(() => parseAnyCard({ ...record, input: { ...record.input, gsd: 0.5 } }, 'x/card.json')).toThrow(/x\/card.json.*\n.*input: .*"gsd"/);
  expect(() => parseAnyCard({ ...record, sha256: undefined }, 'x/card.json')).toThrow(/sha256: /);
  expect(() => parseAnyCard({ ...record, post: { peak_radius_m: 4, localisation_error_m: 1 } }, 'x/card.json')).toThrow(/post\.peak_threshold: /);
  expect(() => parseAnyCard({ ...record, post: { ...record.post, max_box_m: 3 } }, 'x/card.json')).toThrow(/post: .*"max_box_m"/);
});

test.each([
  ['another network', (c: ReturnType<typeof base>) => { c.sha256 = '0'.repeat(64); }, /sha256: the card says 0000.*model.onnx is [0-9a-f]{64}/],
  ['a band that no input can have', (c) => { c.input.bands = ['red', 'green', 'blue', 'Near Infrared']; c.input.optional_bands = []; }, /input.bands: Near Infrared is no name of a band; write one of red/],
  ['a band twice', (c) => { c.input.bands = ['red', 'red', 'blue', 'nir']; }, /named twice/],
  ['an optional band that is none', (c) => { c.input.optional_bands = ['chm']; }, /optional_bands: chm is not in input.bands/],
  ['a mean for one of four bands', (c) => { c.input.mean = [0.5] as never[]; }, /input.mean: has 1 values for 4 bands/],
  ['a ground sample distance outside its range', (c) => { c.input.gsd_m = 0.8; }, /gsd_range_m: \[0.4, 0.75\] does not hold gsd_m 0.8/],
  ['no trusted centre', (c) => { c.input.margin_px = 64; }, /leave nothing of a patch of 128; use at most 63/],
  ['patches that are no multiple of the stride apart', (c) => { c.input.margin_px = 17; }, /patch_px - 2 margin_px = 94 is no multiple of stride_px 4/],
  ['a margin that cuts output pixels', (c) => { c.input.margin_px = 18; c.input.stride_px = 4; }, /margin_px: 18 is no multiple of the stride 4 of output density/],
  ['an output stride that does not divide the network\'s', (c) => { c.outputs[0]!.stride_px = 3; }, /stride_px: 3 does not divide input.stride_px 4/],
  ['an empty range', (c) => { c.outputs[0]!.range = [1, 0]; }, /range: \[1, 0\] is empty/],
  ['a density of another variable', (c) => { c.outputs[0]!.variable = 'trees'; }, /outputs.density.variable: trees is not what a density model counts; the first output must be stems/],
  ['a density in another unit', (c) => { c.outputs[0]!.unit = 'stems/ha'; }, /outputs.density.unit: stems\/ha is not summed to a count; give stems\/px/],
  ['a second density', (c) => { c.outputs.push({ ...c.outputs[0]!, name: 'b' }); }, /outputs: stems is given twice[^]*outputs.b: the second output of a density model is the map of its peaks: variable heat/],
  ['a heat with other pixels', (c) => { c.outputs.push({ ...c.outputs[0]!, name: 'b', variable: 'heat', unit: '1', stride_px: 2 }); }, /outputs.b.stride_px: 2 is not that of density \(4\)/],
] satisfies [string, (c: ReturnType<typeof base>) => void, RegExp][])('%s is refused with what to change', async (_, change, message) => {
  const { dir, card } = writeModel('red-density', redDensity(), { patchPx: 128, change });
  await expect(checkCard(card, dir)).rejects.toThrow(message);
});
function base() { return JSON.parse(sampleModels()['red-density']!.card) as ReturnType<typeof import('../../data-samples/make/onnx.ts').sampleCard>; }

test('all that is wrong is said at once', async () => {
  const { dir, card } = writeModel('red-density', redDensity(), { patchPx: 128, change: (c) => { c.sha256 = '0'.repeat(64); c.input.gsd_m = 9; } });
  const error = await checkCard(card, dir).catch((e: Error) => e);
  expect(String(error)).toMatch(/gsd_range_m[^]*sha256/);
});

test('weights outside the file are refused, wherever in the graph they stand', async () => {
  const model = onnx.ModelProto.decode(redDensity());
  const hidden = new onnx.TensorProto({ name: 'w', dataLocation: 1, externalData: [{ key: 'location', value: 'weights.bin' }, { key: 'offset', value: '0' }] });
  const attribute = new onnx.AttributeProto({ name: 'value', t: hidden });
  model.graph!.node!.push(new onnx.NodeProto({ opType: 'If', attribute: [{ name: 'then_branch', g: { node: [{ opType: 'Constant', attribute: [attribute] }] } }] }));
  const bytes = onnx.ModelProto.encode(model).finish();
  expect(readOnnxFacts(bytes, 'm').externalData).toEqual(['weights.bin']);
  const { dir, card } = writeModel('red-density', bytes, { patchPx: 128 });
  await expect(checkCard(card, dir)).rejects.toThrow(/keeps weights outside the file \(weights.bin\)/);
});

test('opset and metadata are read from the file', () => {
  const model = onnx.ModelProto.decode(redDensity());
  model.metadataProps.push(new onnx.StringStringEntryProto({ key: 'resolution', value: '10' }), new onnx.StringStringEntryProto({ key: 'empty', value: '' }));
  model.opsetImport.push(new onnx.OperatorSetIdProto({ domain: 'com.example', version: 300 }));
  expect(readOnnxFacts(onnx.ModelProto.encode(model).finish(), 'm')).toEqual({
    irVersion: 8, opsets: { '': 17, 'com.example': 300 }, metadata: { resolution: '10', empty: '' }, externalData: [], foreignOperators: [],
    inputs: [{ name: 'image', type: 1, dims: [1, 4, 'H', 'W'] }], outputs: [{ name: 'density', type: 1, dims: [1, 1, 'h', 'w'] }],
  });
});

test('a file that is no network is refused', () => {
  expect(() => readOnnxFacts(new TextEncoder().encode('not a network'), 'm.onnx')).toThrow(/m.onnx: is no ONNX file|holds no graph/);
  expect(() => readOnnxFacts(redDensity().subarray(0, 200), 'm.onnx')).toThrow(/is no ONNX file/);
  expect(() => readOnnxFacts(new Uint8Array(0), 'm.onnx')).toThrow(/holds no graph/);
});

test('a folder without a card, or with a broken one, says what a model is', async () => {
  await expect(readCard(models)).rejects.toThrow(/a model is a folder with model.onnx and card.json/);
  const { dir } = writeModel('red-density', redDensity());
  writeFileSync(join(dir, 'card.json'), '{');
  await expect(readCard(dir)).rejects.toThrow(/is not JSON/);
});

test('names, type, rank and sizes of the loaded network must be those of the card', () => {
  const input = { name: 'image', type: 'float32', dims: [1, 4, 'H', 'W'] }, output = { name: 'density', type: 'float32', dims: [1, 1, 'h', 'w'] };
  expect(() => checkGraph(card, [input], [output])).not.toThrow();
  expect(() => checkGraph(card, [{ ...input, dims: [-1, 4, 128, 128] }], [output])).not.toThrow();
  expect(() => checkGraph(card, [{ ...input, name: 'x' }], [output])).toThrow(/the graph's inputs are x, the card says image/);
  expect(() => checkGraph(card, [{ ...input, type: 'uint8' }], [output])).toThrow(/input is uint8; cast it/);
  expect(() => checkGraph(card, [{ ...input, dims: [4, 128, 128] }], [output])).toThrow(/has 3 axes; NCHW has 4/);
  expect(() => checkGraph(card, [{ ...input, dims: [1, 3, 'H', 'W'] }], [output])).toThrow(/input.bands: the graph's axis 1 is 3, the card says 4/);
  expect(() => checkGraph(card, [{ ...input, dims: [1, 4, 256, 256] }], [output])).toThrow(/input.patch_px: the graph's axis 2 is 256, the card says 128/);
  expect(() => checkGraph(card, [input], [{ ...output, name: 'y' }])).toThrow(/the graph gives y, the card says density/);
});
