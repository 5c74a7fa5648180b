// A model made ready: which provider takes it, how many patches at a time.
import { describe, expect, test } from 'vitest';
import { nanDensity, redDensity, sampleModels } from '../../data-samples/make/onnx.ts';
import { ModelError } from '../../src/errors.ts';
import { modelPath, parseAnyCard } from '../../src/infer/card.ts';
import { openModel, slowerThanCpu } from '../../src/infer/open-model.ts';
import { runBatch } from '../../src/infer/patch-runs.ts';
import type { Feed, Session, Tensor } from '../../src/infer/session.ts';
import { checkWarmUp, settleBatch, warmUp, warmUpPatch } from '../../src/infer/warm-up.ts';
import { writeModel } from './fixtures.ts';

const { dir, card } = writeModel('red-density', redDensity(), { change: (record) => { record.input.patch_px = 64; record.input.margin_px = 16; } }), path = modelPath(dir);

/** A session in memory: `density` is 0 everywhere, and more than `limit` patches at a time are too many for its memory. */
function fakeSession({ limit = Infinity, batchAxis = 'N' as string | number, spoil = (_: Float32Array) => {} } = {}): { session: Session; batches: number[] } {
  const batches: number[] = [];
  const runFeeds = async (feeds: Record<string, Feed>): Promise<Record<string, Tensor>> => {
    const [n = 0] = feeds['image']!.dims;
    batches.push(n);
    if (n > limit) throw new ModelError('out of memory');
    const data = new Float32Array(n * 256);
    spoil(data);
    return { density: { data, dims: [n, 1, 16, 16] } };
  };
  const session: Session = { provider: 'gpu', refused: [], batch: 1, inputs: [{ name: 'image', type: 'float32', dims: [batchAxis, 4, 64, 64] }], outputs: [], run: (data, dims) => runFeeds({ image: { data, dims } }), runFeeds, close: async () => {} };
  return { session, batches };
}

describe('the warm-up', () => {
  test('settles the batch by halving from 16 until a run succeeds', async () => {
    const few = fakeSession({ limit: 5 }), many = fakeSession();
    expect(await settleBatch(few.session, card)).toBe(4);
    expect(few.batches).toEqual([16, 8, 4]);
    expect(await settleBatch(many.session, card)).toBe(16);
  });

  test('runs one at a time where memory, the graph or the card holds no more', async () => {
    expect(await settleBatch(fakeSession({ limit: 1 }).session, card)).toBe(1);
    const fixed = fakeSession({ batchAxis: 1 });
    expect(await settleBatch(fixed.session, card)).toBe(1);
    expect(fixed.batches).toEqual([]);
    expect(await settleBatch(fakeSession().session, parseAnyCard(JSON.parse(sampleModels()['bright-boxes']!.card), 'c'))).toBe(1); // boxes of all patches in one list
  });

  test('finds NaN wherever it is, and stops the model', async () => {
    const warm = await warmUp(fakeSession({ spoil: (data) => { data[200] = NaN; } }).session, card);
    expect(warm.problems).toEqual([expect.stringMatching(/^output density has NaN at 200/)]);
    expect(() => checkWarmUp(card, warm)).toThrow(/the warm-up patch shows that it cannot run; change:\n {2}output density has NaN/);
  });

  test('its patch is always the same, about the means of the card, with a void as at the edge of an image', () => {
    const normalised = { ...card, input: { ...card.input, scale: 0.01, mean: [1, 2, 3, 4], std: [0.5, 0.5, 0.5, 0.5] } };
    const patch = warmUpPatch(normalised), side = 64;
    expect(warmUpPatch(normalised)).toEqual(patch);
    for (let band = 0; band < 4; band++) {
      const row = patch.subarray(band * side * side, band * side * side + side);
      expect(Math.max(...row.subarray(0, 42).map(Math.abs))).toBeLessThanOrEqual(1.0001); // mean +- sd of the normalisation
      expect(new Set(row.subarray(0, 42)).size).toBeGreaterThan(30);
      expect([...new Set(row.subarray(43))]).toEqual([-(band + 1) / 0.5]); // fill 0
    }
  });
});

describe('a model', () => {
  test('runs on the first provider that takes it; the reason of each before it is kept', async () => {
    const { session, settled, refused } = await openModel(path, card, { providers: ['no-such-provider', 'cpu'] });
    await session.close();
    expect(settled).toEqual({ provider: 'cpu', batch: 1 });
    expect(refused).toEqual([{ provider: 'no-such-provider', reason: expect.stringMatching(/.+/) }]);
  });

  test('with a GPU required never falls to the CPU: each provider and its reason is in the error', async () => {
    await expect(openModel(path, card, { providers: ['no-such-provider', 'cpu'], requireGpu: true })).rejects.toThrow(/a GPU is required and none took it[^]*no-such-provider: /);
    await expect(openModel(path, card, { providers: ['cpu'], requireGpu: true })).rejects.toThrow(/names no GPU provider/);
  });

  test('takes the provider that the run has settled, whatever the job lists first', async () => {
    const { session, refused } = await openModel(path, card, { providers: ['no-such-provider', 'cpu'], settled: { provider: 'cpu', batch: 1 } });
    await session.close();
    expect(refused).toEqual([]);
  });

  test('whose own fault it is is not tried on the next provider: NaN, and a graph of another card', async () => {
    const nan = writeModel('nan', nanDensity());
    await expect(openModel(modelPath(nan.dir), nan.card, { providers: ['cpu', 'no-such-provider'] })).rejects.toThrow(/has NaN/);
    const other = parseAnyCard(JSON.parse(sampleModels()['table-agb']!.card), 'c');
    await expect(openModel(path, other, { providers: ['cpu'] })).rejects.toThrow(/input\.name: the graph's inputs are image, the card says table/);
  });
});

test('an adapter that needs longer for a patch than the CPU is no GPU; what takes a few milliseconds is not judged', () => {
  expect(slowerThanCpu(17, 0.07)).toBe('is a software adapter, no GPU: 17 s a patch against 0.070 s on the CPU');
  expect(slowerThanCpu(0.05, 0.07)).toBeNull();
  expect(slowerThanCpu(0.004, 0.001)).toBeNull();
});

test('a batch that is not full is filled with zeros, and each patch gets its own outputs', async () => {
  let given: number[] = [], dims: number[] = [];
  const session = { batch: 4, run: async (input: Float32Array, of: number[]): Promise<Record<string, Tensor>> => {
    given = [...input];
    dims = of;
    return { twice: { data: input.map((x) => 2 * x), dims: [4, 1, 1, 2] } };
  } };
  const outputs = await runBatch([Float32Array.from([1, 2]), Float32Array.from([3, 4])], [1, 1, 2], session);
  expect(dims).toEqual([4, 1, 1, 2]);
  expect(given).toEqual([1, 2, 3, 4, 0, 0, 0, 0]);
  expect(outputs.map(({ twice }) => [[...twice!.data], twice!.dims])).toEqual([[[2, 4], [1, 1, 1, 2]], [[6, 8], [1, 1, 1, 2]]]);
});
