import { afterAll, describe, expect, test } from 'vitest';
import { redDensity } from '../../data-samples/make/onnx.ts';
import { ModelError } from '../../src/errors.ts';
import { modelPath } from '../../src/infer/card.ts';
import { toTensor } from '../../src/infer/input.ts';
import { openSession } from '../../src/infer/session.ts';
import type { Session } from '../../src/infer/session.ts';
import { writeModel } from './fixtures.ts';

const { dir, card } = writeModel('red-density', redDensity()), path = modelPath(dir);
const opened: Session[] = [];
const open = async (providers: string[], requireGpu = false) => {
  const session = await openSession(path, { providers, requireGpu });
  opened.push(session);
  return session;
};
afterAll(() => Promise.all(opened.map((session) => session.close())));
const patch = (red: number) => new Float32Array(4 * 64 * 64).fill(red, 0, 64 * 64);

describe('a session', () => {
  test('says which provider runs, and why those before it do not', async () => {
    const session = await open(['no-such-provider', 'cpu']);
    expect(session.provider).toBe('cpu');
    expect(session.refused).toHaveLength(1);
    expect(session.refused[0]!.provider).toBe('no-such-provider');
    expect(session.refused[0]!.reason).not.toBe('');
  });

  test('tells the names, types and free sizes of the network', async () => {
    const { inputs, outputs } = await open(['cpu']);
    expect(inputs).toEqual([{ name: 'image', type: 'float32', dims: [1, 4, 'H', 'W'] }]);
    expect(outputs[0]!.name).toBe('density');
  });

  test('answers calls in their order, each with its own result', async () => {
    const session = await open(['cpu']), order: number[] = [];
    const results = await Promise.all([64, 128, 192].map(async (red, i) => {
      const { density } = await session.run(patch(red), [1, 4, 64, 64]);
      order.push(i);
      return [density!.dims, density!.data[0]] as const;
    }));
    expect(order).toEqual([0, 1, 2]);
    expect(results).toEqual([64, 128, 192].map((red) => [[1, 1, 16, 16], red / 4096]));
  });

  test('an input of the wrong shape is an error that shows it, and the session goes on', async () => {
    const session = await open(['cpu']);
    await expect(session.run(new Float32Array(3 * 64 * 64), [1, 3, 64, 64])).rejects.toThrow(/failed on an input of 1 x 3 x 64 x 64/);
    await expect(session.run(new Float32Array(7), [1, 4, 64, 64])).rejects.toThrow(ModelError);
    expect((await session.run(patch(4), [1, 4, 64, 64])).density!.data[0]).toBe(4 / 4096);
  });

  test('a GPU that is required and not there is a failure, never a quiet fall to the CPU', async () => {
    await expect(openSession(path, { providers: ['no-such-provider', 'cpu'], requireGpu: true })).rejects.toThrow(/a GPU is required and none took it[^]*no-such-provider: /);
    await expect(openSession(path, { providers: ['cpu'], requireGpu: true })).rejects.toThrow(/names no GPU provider; add cuda or webgpu/);
    await expect(openSession(path, { providers: [] })).rejects.toThrow(/add cpu to run.providers/);
  });

  test('a file that is no network is refused with the reason', async () => {
    await expect(openSession(import.meta.filename, { providers: ['cpu'] })).rejects.toThrow(/no execution provider took it\n  cpu: /);
  });

  test('calls that wait when the session ends are told so, and later ones too', async () => {
    const session = await openSession(path, { providers: ['cpu'] });
    const waiting = session.run(patch(1), [1, 4, 64, 64]);
    await Promise.all([expect(waiting).rejects.toThrow(/ended|closed/), session.close()]);
    await expect(session.run(patch(1), [1, 4, 64, 64])).rejects.toThrow(/ended|closed/);
  });
});

describe('the input of a network', () => {
  test('is (value x scale - mean) / std by band, and fill through the same formula where the image is void', () => {
    const input = { ...card.input, bands: ['red', 'nir'], scale: 0.5, mean: [1, 2], std: [2, 4], fill: 10 };
    const tensor = toTensor({ bands: [Float32Array.from([4, 6]), Float32Array.from([20, 99])], mask: Uint8Array.from([1, 0]) }, input);
    expect([...tensor]).toEqual([(2 - 1) / 2, (5 - 1) / 2, (10 - 2) / 4, (5 - 2) / 4]);
  });
});
