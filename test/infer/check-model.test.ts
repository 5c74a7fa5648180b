// What `understory model check` refuses, each with what to change, on graphs made for it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { afterAll, describe, expect, test } from 'vitest';
import { bandOf, floats, modelBytes, node, scalar, value } from '../../data-samples/make/onnx-nodes.ts';
import { densityGraph, nanDensity, redDensity, sampleModels } from '../../data-samples/make/onnx.ts';
import { sha256 } from '../../src/files/hash.ts';
import { checkModel } from '../../src/infer/check-model.ts';
import { NEWEST } from '../../src/infer/file-rules.ts';
import { openSession } from '../../src/infer/session.ts';

const { onnx } = onnxProto;
type Json = Record<string, unknown>;
const folder = mkdtempSync(join(tmpdir(), 'understory-check-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

/** A folder with a network and the card of a sample, changed. */
function modelDir(model: Uint8Array, change: (card: Json & { input: Json; outputs: Json[]; post: Json }) => void = () => {}, of = 'red-density'): string {
  const dir = join(folder, `m${count++}`), card = JSON.parse(sampleModels()[of]!.card);
  card.sha256 = sha256(model);
  change(card);
  mkdirSync(dir);
  writeFileSync(join(dir, 'model.onnx'), model);
  writeFileSync(join(dir, 'card.json'), JSON.stringify(card));
  return dir;
}
const problemsOf = async (dir: string) => (await checkModel(dir)).problems.join('\n');
const red = bandOf('red', 0);

/** red-density's bytes with its protobuf changed. */
function changed(change: (model: InstanceType<typeof onnx.ModelProto>) => void): Uint8Array {
  const model = onnx.ModelProto.decode(redDensity());
  change(model as InstanceType<typeof onnx.ModelProto>);
  return onnx.ModelProto.encode(model).finish();
}
const external = (location: string) => changed((model) => {
  model.graph!.initializer!.push(new onnx.TensorProto({ name: 'w', dims: [1], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: location }] }));
});

describe('the sample models', () => {
  test.each(Object.entries(sampleModels()))('%s can run: its warm-up is right on the CPU, one patch at a time', async (name, { model, card }) => {
    const dir = modelDir(model, (record) => Object.assign(record, JSON.parse(card)), name);
    expect(await checkModel(dir)).toMatchObject({ problems: [], ran: { settled: { provider: 'cpu', batch: 1 } } });
  });
});

describe('a file that may not be loaded', () => {
  test.each<[string, () => string, RegExp]>([
    ['another network', () => modelDir(redDensity(), (card) => { card['sha256'] = '0'.repeat(64); }), /^sha256: the card says 0000/],
    ['no hash', () => modelDir(redDensity(), (card) => { delete card['sha256']; }), /^sha256: /],
    ['weights in the folder', () => modelDir(external('weights.bin')), /keeps weights outside the file \(weights\.bin\)/],
    ['weights above the folder', () => modelDir(external('../weights.bin')), /outside the model's folder \(\.\.\/weights\.bin\), which is never allowed/],
    ['weights at an absolute path', () => modelDir(external('/etc/passwd')), /outside the model's folder \(\/etc\/passwd\)/],
    ['weights behind a detour', () => modelDir(external('a/../../weights.bin')), /outside the model's folder/],
    ['an opset from the future', () => modelDir(changed((model) => { model.opsetImport[0]!.version = NEWEST.opsets[''] + 1; })), /opset 27 of ai\.onnx is newer than the runtime knows \(26\); export it with opset_version=17/],
    ['a format from the future', () => modelDir(changed((model) => { model.irVersion = NEWEST.irVersion + 1; })), /its format is version 14, the runtime reads up to 13/],
    ['a custom operator', () => modelDir(changed((model) => { model.graph!.node![0]!.domain = 'com.example'; })), /operators that ONNX Runtime does not bring \(com\.example::Slice\)/],
    ['text', () => modelDir(new TextEncoder().encode('no network at all')), /is no ONNX file|holds no graph/],
    ['no file', () => { const dir = modelDir(redDensity()); rmSync(join(dir, 'model.onnx')); return dir; }, /model\.onnx: cannot be read; a model is a folder/],
    ['no card', () => { const dir = modelDir(redDensity()); rmSync(join(dir, 'card.json')); return dir; }, /model\.onnx: has no card\.json and no metadata \(model_type, resolution \.\.\.\) that says how to run it/],
  ])('%s is refused and not run', async (_, dir, message) => {
    const check = await checkModel(dir());
    expect(check.problems.join('\n')).toMatch(message);
    expect(check.ran).toBeNull();
  });

  test('the newest versions are those of the runtime: it loads them, and refuses the next', async () => {
    const load = async (bytes: Uint8Array) => {
      const session = await openSession(join(modelDir(bytes), 'model.onnx'), { providers: ['cpu'] });
      await session.close();
    };
    const ml = (version: number) => changed((model) => { model.opsetImport.push(new onnx.OperatorSetIdProto({ domain: 'ai.onnx.ml', version })); });
    const opset = (version: number) => changed((model) => { model.opsetImport[0]!.version = version; }), ir = (version: number) => changed((model) => { model.irVersion = version; });
    for (const bytes of [opset(NEWEST.opsets['']), ir(NEWEST.irVersion), ml(NEWEST.opsets['ai.onnx.ml'])]) await load(bytes);
    for (const bytes of [opset(NEWEST.opsets[''] + 1), ir(NEWEST.irVersion + 1), ml(NEWEST.opsets['ai.onnx.ml'] + 1)]) await expect(load(bytes)).rejects.toThrow(/no execution provider took it/);
  });

  test('a function that the file defines itself is no custom operator', async () => {
    const bytes = changed((model) => {
      model.graph!.node![0]!.domain = 'local';
      model.opsetImport.push(new onnx.OperatorSetIdProto({ domain: 'local', version: 1 }));
    });
    const body = onnx.NodeProto.encode({ opType: 'Slice', input: ['a', 'b', 'c', 'd'], output: ['e'] }).finish();
    const text = (number: number, value: string) => [number * 8 + 2, value.length, ...Buffer.from(value)];
    const opset = [9 * 8 + 2, 2, 2 * 8, 17]; // opset_import { version: 17 } of the default domain
    const fn = [...text(1, 'Slice'), ...['a', 'b', 'c', 'd'].flatMap((name) => text(4, name)), ...text(5, 'e'), 7 * 8 + 2, body.length, ...body, ...opset, ...text(10, 'local')];
    const whole = Uint8Array.from([...bytes, (25 * 8 + 2) % 128 + 128, 1, fn.length, ...fn]);
    expect(await problemsOf(modelDir(whole))).toBe('');
  });
});

describe('a graph that is not that of its card', () => {
  const fixed = (sizes: (number | string)[], out: (number | string)[] = [1, 1, 'h', 'w']) => modelBytes('m', {
    inputs: [value('image', sizes)], outputs: [value('density', out)], nodes: [...red.nodes, node('Identity', ['red'], ['density'])], constants: red.constants,
  });
  test.each<[string, () => string, RegExp]>([
    ['another input', () => modelDir(redDensity(), (card) => { card.input['name'] = 'pixels'; }), /input\.name: the graph's inputs are image, the card says pixels/],
    ['another output', () => modelDir(redDensity(), (card) => { card.outputs[0]!['name'] = 'count'; }), /outputs: the graph gives density, the card says count/],
    ['three bands for four', () => modelDir(redDensity(), (card) => { card.input['bands'] = ['red', 'green', 'blue']; card.input['optional_bands'] = []; }), /input\.bands: the graph's axis 1 is 4, the card says 3/],
    ['pixels of another size', () => modelDir(redDensity(), (card) => { card.input['gsd_m'] = 2; }), /gsd_range_m: \[0\.4, 0\.75\] does not hold gsd_m 2/],
    ['a fixed size that is not the patch', () => modelDir(fixed([1, 4, 64, 64])), /input\.patch_px: the graph's axis 2 is 64, the card says 128/],
    ['three axes', () => modelDir(fixed([4, 'H', 'W'])), /the graph's input has 3 axes; NCHW has 4/],
    ['a stride that is not that of the output', () => modelDir(fixed([1, 4, 128, 128], [1, 1, 128, 128])), /outputs\.density: the graph's output is 1 x 1 x 128 x 128, the card promises 1 x 1 x 32 x 32/],
    ['a stride that only the run shows', () => modelDir(fixed([1, 4, 'H', 'W'])), /output density is 1 x 1 x 128 x 128, the card promises 1 x 1 x 32 x 32/],
    ['whole numbers for an input', () => modelDir(changed((model) => { model.graph!.input![0]!.type!.tensorType!.elemType = 2; })), /no execution provider took it|input is uint8; cast it/],
    ['an input that nothing feeds', () => modelDir(changed((model) => { model.graph!.input!.push(new onnx.ValueInfoProto(value('season', [1]))); })), /the graph's input season is not on the card/],
    ['a row at a time', () => modelDir(modelBytes('t', { inputs: [value('table', [7, 2])], outputs: [value('agb', [7, 2])], nodes: [node('Identity', ['table'], ['agb'])] }), () => {}, 'table-agb'), /input table takes 7 rows at a time; export it with a free first axis/],
    ['two columns for three', () => modelDir(sampleModels()['table-agb']!.model, (card) => { card.post['columns'] = ['zq95', 'zmean', 'zmax']; }, 'table-agb'), /post\.columns: the graph's axis 1 is 2, the card says 3/],
    ['NaN', () => modelDir(nanDensity()), /output density has NaN at \d+ for a plain patch of noise and void/],
    ['an operator that the runtime lacks', () => modelDir(densityGraph('m', [node('NoSuchOperator', ['image'], ['density'])], [])), /no execution provider took it[^]*NoSuchOperator/],
    ['a patch that the network cannot divide', () => modelDir(densityGraph('m', [node('Add', ['image', 'odd'], ['density'])], [floats('odd', [1, 2, 3])])), /fails on a patch/],
  ])('%s is refused', async (_, dir, message) => {
    expect(await problemsOf(dir())).toMatch(message);
  });

  test('all that is wrong with card and file is said at once', async () => {
    const dir = modelDir(external('/w.bin'), (card) => { card['sha256'] = '0'.repeat(64); card.input['margin_px'] = 17; });
    expect((await checkModel(dir)).problems.map((line) => line.split(':')[0])).toEqual(['input.margin_px', 'input.margin_px', 'sha256', 'model.onnx']);
  });

  test('whole numbers out of a detector are labels, not a fault', async () => {
    const bytes = modelBytes('labels', {
      inputs: [value('image', [1, 4, 'H', 'W'])], outputs: [value('boxes', ['N', 4]), value('scores', ['N']), new onnx.ValueInfoProto({ name: 'labels', type: { tensorType: { elemType: 7, shape: { dim: [{ dimParam: 'N' }] } } } })],
      nodes: [
        ...red.nodes, node('Greater', ['red', 'limit'], ['is']), node('NonZero', ['is'], ['axes']), node('Transpose', ['axes'], ['places']),
        node('Cast', ['places'], ['boxes'], [new onnx.AttributeProto({ name: 'to', type: 2, i: 1 })]), node('GatherND', ['red', 'places'], ['scores']), node('Cast', ['scores'], ['labels'], [new onnx.AttributeProto({ name: 'to', type: 2, i: 7 })]),
      ],
      constants: [...red.constants, scalar('limit', 190)],
    });
    const dir = modelDir(bytes, (card) => { card.outputs = ['boxes', 'scores', 'labels'].map((name) => ({ name, variable: name })); }, 'bright-boxes');
    expect(await problemsOf(dir)).toBe('');
  });
});
