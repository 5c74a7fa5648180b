// LAS headers of every version; what they promise is held against the file before anything is read or allocated.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidInput, IoError, UnderstoryError, UnsupportedInput } from '../../src/errors.ts';
import { bytesSource } from '../../src/files/byte-source.ts';
import type { ByteSource } from '../../src/files/byte-source.ts';
import { openPointFile } from '../../src/ingest/point-reader.ts';
import { makeLas } from './make-las.ts';
import type { LasSpec, LasVersion } from './make-las.ts';
import { makeCopc, makeLaz } from './make-laz.ts';

const points: LasSpec['points'] = [{ x: 10, y: 20, z: 3 }, { x: 12.5, y: 18, z: 30.25 }];
const open = (bytes: Uint8Array) => openPointFile(bytesSource('survey.las', bytes));

test.each<LasVersion>(['1.0', '1.1', '1.2', '1.3', '1.4'])('the header of LAS %s says what the file holds', async (version) => {
  const { header } = await open(makeLas({ version, points, pointFormat: 1, offset: [5, 0, 0], createdYear: 2021, createdDay: 200, system: 'Scanner 7', software: 'maker' }));
  expect(header).toEqual({
    format: 'las', version, pointFormat: 1, pointCount: 2, recordLength: 28,
    scale: [0.01, 0.01, 0.01], offset: [5, 0, 0], min: [10, 18, 3], max: [12.5, 20, 30.25],
    crs: null, extraBytes: [], createdYear: 2021, createdDay: 200, system: 'Scanner 7', software: 'maker',
  });
});

test('LAS 1.4 is counted in 64 bits, or in 32 where a writer filled only those', async () => {
  expect((await open(makeLas({ pointFormat: 6, points }))).header.pointCount).toBe(2); // legacy count is 0
  const old = makeLas({ pointFormat: 1, version: '1.4', points });
  new DataView(old.buffer).setBigUint64(247, 0n, true);
  expect((await open(old)).header.pointCount).toBe(2);
});

test('a file without points opens and has no chunks, whatever stands in its bounds', async () => {
  const reader = await open(makeLas({ points: [], min: [Infinity, Infinity, Infinity], max: [-Infinity, -Infinity, -Infinity] }));
  expect(await Array.fromAsync(reader.chunks())).toEqual([]);
});

test.each([4, 5, 9, 10, 11, 63])('point format %i is refused, with what to convert it to', async (pointFormat) => {
  const file = makeLas({ points, pointFormat: 1 });
  file[104] = pointFormat;
  await expect(open(file)).rejects.toThrow(UnsupportedInput);
  await expect(open(file)).rejects.toThrow(/survey\.las: has point format \d+.*convert it to/);
});

test.each<[string, (view: DataView) => void, new (...a: never[]) => UnderstoryError]>([
  ['version 1.5', (v) => v.setUint8(25, 5), UnsupportedInput],
  ['version 2.0', (v) => v.setUint8(24, 2), UnsupportedInput],
  ['another signature', (v) => v.setUint8(0, 76 + 1), InvalidInput],
  ['points from beyond the end', (v) => v.setUint32(96, 4e9, true), InvalidInput],
  ['a header longer than the way to its points', (v) => v.setUint16(94, 60_000, true), InvalidInput],
  ['a header of no bytes', (v) => v.setUint16(94, 0, true), InvalidInput],
  ['more VLRs than there is room for', (v) => v.setUint32(100, 4e9, true), InvalidInput],
  ['records shorter than their format', (v) => v.setUint16(105, 20, true), InvalidInput],
  ['records of no bytes', (v) => v.setUint16(105, 0, true), InvalidInput],
  ['one point more than there are', (v) => v.setUint32(107, 3, true), InvalidInput],
  ['four thousand million points', (v) => v.setUint32(107, 4e9, true), InvalidInput],
  ['scale 0', (v) => v.setFloat64(139, 0, true), InvalidInput],
  ['a scale that is no number', (v) => v.setFloat64(131, NaN, true), InvalidInput],
  ['an endless offset', (v) => v.setFloat64(155, Infinity, true), InvalidInput],
  ['bounds that are no numbers', (v) => v.setFloat64(179, NaN, true), InvalidInput],
])('a header with %s is refused', async (_, patch, kind) => {
  const file = makeLas({ points });
  patch(new DataView(file.buffer));
  await expect(open(file)).rejects.toThrow(kind);
  await expect(open(file)).rejects.toThrow(/^survey\.las: .{20}/);
});

test('an extended record or a count of LAS 1.4 beyond the file is refused', async () => {
  const patched = (patch: (v: DataView) => void): Uint8Array => {
    const file = makeLas({ pointFormat: 6, points, evlrs: [{ userId: 'x', recordId: 1, content: new Uint8Array(5) }] });
    patch(new DataView(file.buffer));
    return file;
  };
  await open(patched(() => {}));
  await expect(open(patched((v) => v.setBigUint64(247, 2n ** 60n, true)))).rejects.toThrow(InvalidInput);
  await expect(open(patched((v) => v.setBigUint64(235, 2n ** 62n, true)))).rejects.toThrow(InvalidInput);
  await expect(open(patched((v) => v.setUint32(243, 4e9, true)))).rejects.toThrow(InvalidInput);
  const start = 375 + 2 * 30; // the extended record's length stands 20 bytes into it
  await expect(open(patched((v) => v.setBigUint64(start + 20, 2n ** 40n, true)))).rejects.toThrow(/record 1 of 1 reaches beyond/);
});

test('a LAS file cut anywhere ends in an error', async () => {
  const file = makeLas({ points, version: '1.4', wkt: 'LOCAL_CS["x"]' });
  for (let length = 0; length < file.length; length++) await expect(open(file.slice(0, length)), `cut at ${length}`).rejects.toThrow(UnderstoryError);
});

test('a file of which only the front is there ends in an error that says to copy it again', async () => {
  const whole = makeLas({ points: Array.from({ length: 2000 }, () => points[0]!) });
  const cut = whole.subarray(0, 20_000);
  const lying: ByteSource = { ...bytesSource('survey.las', cut), size: whole.length }; // shrank after it was opened
  const reader = await openPointFile(lying);
  const reading = Array.fromAsync(reader.chunks());
  await expect(reading).rejects.toThrow(IoError);
  await expect(reading).rejects.toThrow(/copy it again/);
});

test('garbage in a file gives points or a typed error, soon and without a large read', async () => {
  const samples = [
    makeLas({ points, pointFormat: 3, geoKeys: { 3072: 32610 }, extraBytes: [{ name: 'a', type: 'uint16' }] }),
    makeLas({ points, pointFormat: 7, wkt: 'PROJCS["x",AUTHORITY["EPSG","32610"]]' }),
    makeLaz({ points, pointFormat: 1 }),
    makeLaz({ points, pointFormat: 6 }, { chunks: 'variable' }),
    makeCopc({ points, pointFormat: 6, center: [12, 20, 16], halfsize: 16, nodes: [{ key: [0, 0, 0, 0] }, { key: [1, 0, 0, 0] }] }),
  ];
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 12 });
  await fc.assert(fc.asyncProperty(fc.constantFrom(...samples), edits, async (sample, changes) => {
    const file = sample.slice();
    for (const [at, value] of changes) file[4 + (at % (file.length - 4))] = value;
    const inner = bytesSource('survey.las', file);
    const source: ByteSource = { ...inner, read: (offset, length) => {
      expect(length).toBeLessThanOrEqual(file.length + 1024); // no claim of the header becomes an allocation
      return inner.read(offset, length);
    } };
    try {
      const reader = await openPointFile(source);
      let count = 0;
      for await (const chunk of reader.chunks()) count += chunk.count;
      expect(count).toBe(reader.header.pointCount);
    } catch (error) {
      if (!(error instanceof UnderstoryError)) throw error;
    }
  }), { seed: 11, numRuns: 600 });
});
