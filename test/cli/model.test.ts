// `understory model list|check|bench`: what is printed, and the exit code.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { model } from '../../src/cli/commands/model.ts';

const samples = fileURLToPath(new URL('../../data-samples/models', import.meta.url)), folder = mkdtempSync(join(tmpdir(), 'understory-model-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
let said: string[] = [];
beforeEach(() => { said = []; vi.spyOn(console, 'log').mockImplementation((text: string) => { said.push(text); }); });
afterEach(() => { vi.restoreAllMocks(); });
const text = () => said.join('\n');

describe('model list', () => {
  test('a model a line: task, licence, bands, pixel size, size, first score', async () => {
    expect(await model('list', samples, {})).toBe(0);
    expect(text()).toMatch(/^name .*score$/m);
    expect(text()).toMatch(/^red-density +density +1\.0\.0 +Apache-2\.0 +red,green,blue,nir +0\.5 m +342 B +no score$/m);
    expect(text()).toMatch(/^table-agb +regress-table .* zq95,cover_first_returns +- /m);
  });

  test('a model whose card is broken is listed with what is wrong; what is no model is not', async () => {
    const models = join(folder, 'list');
    cpSync(join(samples, 'red-density'), join(models, 'good'), { recursive: true });
    mkdirSync(join(models, 'broken'));
    writeFileSync(join(models, 'broken', 'card.json'), '{"name": "broken"}');
    writeFileSync(join(models, 'README.md'), 'no model');
    await model('list', models, { json: true });
    const [broken, good, ...others] = JSON.parse(text()) as { name: string; problem?: string; task?: string }[];
    expect([broken!.name, good!.task, others]).toEqual(['broken', 'density', []]);
    expect(broken!.problem).toMatch(/is no valid model card/);
  });
});

describe('model check', () => {
  test('a model that can run is said to, with its provider: exit 0', async () => {
    expect(await model('check', join(samples, 'red-density'), {})).toBe(0);
    expect(text()).toBe('red-density: ok, density, licence Apache-2.0, runs on cpu with batch 1');
  });

  test('all that is wrong is said, a line each: exit 1', async () => {
    const dir = join(folder, 'bad');
    cpSync(join(samples, 'red-density'), dir, { recursive: true });
    cpSync(join(samples, 'box-density', 'model.onnx'), join(dir, 'model.onnx'));
    expect(await model('check', dir, {})).toBe(1);
    expect(text()).toMatch(/^red-density: sha256: the card says [0-9a-f]{64}, model\.onnx is [0-9a-f]{64}; [^\n]*$/);
    expect(await model('check', dir, { json: true })).toBe(1);
    expect(JSON.parse(said.at(-1)!)).toMatchObject({ ok: false, problems: [expect.stringMatching(/^sha256/)] });
  });

  test('the reason of a provider that was not taken is said', async () => {
    expect(await model('check', join(samples, 'red-density'), { providers: 'no-such-provider, cpu' })).toBe(0);
    expect(text()).toMatch(/runs on cpu with batch 1\nno-such-provider was not taken: /);
  });

  test('no such model, and no model named: a wrong command line, exit 2', async () => {
    await expect(model('check', 'nope', {})).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(/^no model nope: neither card\.json nor model\.onnx in /) });
    await expect(model('check', undefined, {})).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('model bench', () => {
  test('gives patches a second of the session alone and of all, provider and memory', async () => {
    expect(await model('bench', join(samples, 'red-density'), { seconds: '0.3', json: true })).toBe(0);
    const { provider, batch, unit, bare_per_s, pipeline_per_s, share, peak_bytes } = JSON.parse(text());
    expect([provider, batch, unit]).toEqual(['cpu', 1, 'patches']);
    expect(pipeline_per_s / bare_per_s).toBeCloseTo(share, 9);
    expect(peak_bytes).toBeGreaterThan(1e7);
  });

  test('a table has rows, and no patches to prepare', async () => {
    await model('bench', join(samples, 'table-agb'), { json: true });
    expect(JSON.parse(text())).toMatchObject({ unit: 'rows', pipeline_per_s: null });
  });

  test('a length of time that is none is a wrong command line', async () => {
    await expect(model('bench', join(samples, 'red-density'), { seconds: 'long' })).rejects.toMatchObject({ exitCode: 2 });
  });
});
