// The chunk table of LAZ: what an encoder wrote comes back; what does not fit the file is refused.
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { InvalidInput, UnsupportedInput } from '../../src/errors.ts';
import { bytesSource } from '../../src/files/byte-source.ts';
import { decodeChunkTable } from '../../src/ingest/laz-chunks.ts';
import { openPointFile } from '../../src/ingest/point-reader.ts';
import type { RawPoints } from '../../src/ingest/point-reader.ts';
import type { LasPoint, LasSpec } from './make-las.ts';
import { encodeEntries, makeLaz } from './make-laz.ts';

const anyChunks = fc.array(fc.record({ count: fc.nat(), bytes: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }), { maxLength: 300 });
/** Sizes as they are in files: near each other, so that the models adapt and are halved. */
const alikeChunks = fc.array(fc.record({ count: fc.constant(50_000), bytes: fc.integer({ min: 200_000, max: 201_000 }) }), { minLength: 1000, maxLength: 6000 });

test.each([['any numbers', anyChunks], ['sizes of a long file', alikeChunks]])('the entries of a chunk table come back as written: %s', (_, arbitrary) => {
  fc.assert(fc.property(arbitrary, fc.boolean(), (chunks, variable) => {
    const table = decodeChunkTable(encodeEntries(chunks, variable), chunks.length, variable);
    expect(Array.from(table!.sizes)).toEqual(chunks.map((c) => c.bytes));
    expect(table!.counts && Array.from(table!.counts)).toEqual(variable ? chunks.map((c) => c.count) : null);
  }), { seed: 5, numRuns: 30 });
});

test('a chunk table that ends too early is noticed', () => {
  const chunks = Array.from({ length: 100 }, (_, i) => ({ count: 1, bytes: 1000 + ((i * 7919) % 500) }));
  const bytes = encodeEntries(chunks, false);
  expect(decodeChunkTable(bytes.subarray(0, bytes.length >> 1), 100, false)).toBeNull();
});

const points: LasPoint[] = Array.from({ length: 7 }, (_, i) => ({
  x: 100 + i, y: 200 - i, z: i / 10, intensity: 1000 * i, returnNumber: 1 + (i % 3), returnCount: 3, classification: i, gpsTime: i / 8, pointSource: 5 + i, withheld: i === 2,
}));

async function readAll(file: Uint8Array): Promise<RawPoints[]> {
  return Array.fromAsync((await openPointFile(bytesSource('a.laz', file))).chunks());
}

test.each([0, 1, 2, 3, 6, 7, 8])('LAZ of point format %i gives the points that were written, chunk by chunk', async (pointFormat) => {
  const spec: LasSpec = { pointFormat, points };
  for (const chunks of ['fixed', 'variable'] as const) {
    const read = await readAll(makeLaz(spec, { chunks, streamed: chunks === 'variable' }));
    expect(read.map((c) => c.count)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(read.map((c) => c.x[0])).toEqual([10000, 10100, 10200, 10300, 10400, 10500, 10600]);
    expect(read.map((c) => c.y[0])).toEqual([20000, 19900, 19800, 19700, 19600, 19500, 19400]);
    expect(read.map((c) => c.z[0])).toEqual([0, 10, 20, 30, 40, 50, 60]);
    expect(read.map((c) => c.classification[0])).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(read.map((c) => c.flags[0])).toEqual([0, 0, 1, 0, 0, 0, 0]);
    expect(read.map((c) => c.returnNumber[0])).toEqual([1, 2, 3, 1, 2, 3, 1]);
    expect(read.map((c) => c.gpsTime[0])).toEqual([0, 2].includes(pointFormat) ? [0, 0, 0, 0, 0, 0, 0] : [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75]);
    expect(read.map((c) => c.pointSource[0])).toEqual([5, 6, 7, 8, 9, 10, 11]);
  }
});

test('extra bytes come out of LAZ, in the old and in the layered compression', async () => {
  for (const pointFormat of [1, 6]) {
    const spec: LasSpec = { pointFormat, extraBytes: [{ name: 'height', type: 'int16', scale: 0.5 }], points: [{ x: 1, y: 2, z: 3, extra: [7] }] };
    const reader = await openPointFile(bytesSource('a.laz', makeLaz(spec)));
    for await (const chunk of reader.chunks({ extraBytes: ['height'] })) expect(Array.from(chunk.extra!['height']!)).toEqual([3.5]);
    expect(reader.header.extraBytes).toEqual([{ name: 'height', type: 'int16' }]);
  }
});

test('LAZ that was compressed point by point is refused with what to do', async () => {
  const opening = openPointFile(bytesSource('old.laz', makeLaz({ points }, { compressor: 1 })));
  await expect(opening).rejects.toThrow(UnsupportedInput);
  await expect(opening).rejects.toThrow(/old\.laz: is compressed point by point.*rewrite it/);
});

test('a LAZ file cut anywhere ends in an error, never in fewer points', async () => {
  const file = makeLaz({ points, geoKeys: { 3072: 32610 } });
  for (let length = 0; length < file.length; length++) {
    const reading = readAll(file.slice(0, length)).then((chunks) => chunks.length);
    if (length < file.length - 7) await expect(reading, `cut at ${length}`).rejects.toThrow(/a\.laz: /);
    else expect(await reading.catch(() => 7), `cut at ${length}`).toBe(7); // a coder's last bytes may carry nothing
  }
});

/** Change a file in place: `at` counts from the start of the point data. */
function patched(file: Uint8Array, patch: (view: DataView, pointOffset: number) => void): Uint8Array {
  const copy = file.slice(), view = new DataView(copy.buffer);
  patch(view, view.getUint32(96, true));
  return copy;
}

test.each<[string, (view: DataView, pointOffset: number) => void]>([
  ['more points than its chunks hold', (v) => v.setUint32(107, 8, true)],
  ['four thousand million points', (v) => v.setUint32(107, 4e9, true)],
  ['fewer points than its chunks hold', (v) => v.setUint32(107, 3, true)],
  ['a chunk table outside the file', (v, at) => v.setBigInt64(at, 10n ** 15n, true)],
  ['a chunk table among the VLRs', (v, at) => v.setBigInt64(at, 230n, true)],
  ['four thousand million chunks', (v, at) => v.setUint32(Number(v.getBigInt64(at, true)) + 4, 4e9, true)],
])('a LAZ file whose header promises %s is refused at opening', async (_, patch) => {
  for (const chunks of ['fixed', 'variable'] as const) {
    const opening = openPointFile(bytesSource('a.laz', patched(makeLaz({ points }, { chunks }), patch)));
    await expect(opening).rejects.toThrow(InvalidInput);
  }
});

test('a layered chunk whose count or layers do not fit is refused before it is decoded', async () => {
  const file = makeLaz({ pointFormat: 6, points });
  const count = patched(file, (v, at) => v.setUint32(at + 8 + 30, 99, true));
  await expect(readAll(count)).rejects.toThrow(/99 points where 1 are due/);
  const layer = patched(file, (v, at) => v.setUint32(at + 8 + 34, 4e9, true));
  await expect(readAll(layer)).rejects.toThrow(/promises layers/);
});

test('decoding leaves the hooks for uncaught errors of the process to the program', async () => {
  const hooks = (): unknown[] => [process.listeners('uncaughtException'), process.listeners('unhandledRejection')].flat();
  vi.resetModules(); // a wasm instance of its own
  const fresh = await import('../../src/ingest/point-reader.ts');
  const before = hooks();
  await Array.fromAsync((await fresh.openPointFile(bytesSource('a.laz', makeLaz({ points })))).chunks());
  expect(hooks()).toEqual(before);
});
