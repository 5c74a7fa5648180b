// Point records: every field of every format comes out as it was written, in blocks.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidInput } from '../../src/errors.ts';
import { bytesSource } from '../../src/files/byte-source.ts';
import { openPointFile } from '../../src/ingest/point-reader.ts';
import type { ChunkOptions, RawPoints } from '../../src/ingest/point-reader.ts';
import { makeLas } from './make-las.ts';
import type { ExtraBytesSpec, LasPoint, LasSpec } from './make-las.ts';

const FORMATS = [0, 1, 2, 3, 6, 7, 8];

async function read(spec: LasSpec, options?: ChunkOptions): Promise<RawPoints[]> {
  return Array.fromAsync((await openPointFile(bytesSource('survey.las', makeLas(spec)))).chunks(options));
}

async function readOne(spec: LasSpec): Promise<RawPoints> {
  const [chunk] = await read(spec);
  return chunk!;
}

const anyPoint = (modern: boolean): fc.Arbitrary<LasPoint> => fc.record({
  x: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), y: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), z: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  intensity: fc.nat(65535), returnNumber: fc.nat(modern ? 15 : 7), returnCount: fc.nat(modern ? 15 : 7),
  classification: modern ? fc.nat(255) : fc.nat(31).filter((c) => c !== 12),
  withheld: fc.boolean(), synthetic: fc.boolean(), keyPoint: fc.boolean(), overlap: modern ? fc.boolean() : fc.constant(false),
  gpsTime: fc.double(), pointSource: fc.nat(65535), scanAngle: fc.integer({ min: -90, max: 90 }), userData: fc.nat(255),
  rgb: fc.constant<[number, number, number]>([65535, 65535, 65535]), nir: fc.constant(65535),
});

test.each(FORMATS)('every field of point format %i comes out as it was written', async (pointFormat) => {
  const column = <K extends keyof LasPoint>(points: LasPoint[], key: K): LasPoint[K][] => points.map((p) => p[key]);
  await fc.assert(fc.asyncProperty(fc.array(anyPoint(pointFormat >= 6), { minLength: 1, maxLength: 20 }), async (points) => {
    const got = await readOne({ pointFormat, points, scale: [1, 1, 1], extraBytes: [{ name: 'pad', type: 'uint8' }] });
    for (const key of ['x', 'y', 'z', 'intensity', 'returnNumber', 'returnCount', 'classification', 'pointSource'] as const) {
      expect(Array.from(got[key]), key).toEqual(column(points, key));
    }
    expect(Array.from(got.flags)).toEqual(points.map((p) => (p.withheld ? 1 : 0) + (p.overlap ? 2 : 0) + (p.synthetic ? 4 : 0) + (p.keyPoint ? 8 : 0)));
    expect(Array.from(got.gpsTime)).toEqual([0, 2].includes(pointFormat) ? points.map(() => 0) : column(points, 'gpsTime'));
  }), { seed: 3, numRuns: 60 });
});

test('class 12 of the old formats is kept and flagged as overlap; in the new ones it is a class like any other', async () => {
  const points: LasPoint[] = [{ x: 0, y: 0, z: 0, classification: 12, withheld: true }];
  const old = await readOne({ pointFormat: 1, points }), modern = await readOne({ pointFormat: 6, points });
  expect([old.classification[0], old.flags[0]]).toEqual([12, 1 + 2]);
  expect([modern.classification[0], modern.flags[0]]).toEqual([12, 1]);
});

test('a plain file comes in blocks of 50,000 records, in file order', async () => {
  const points = Array.from({ length: 120_001 }, (_, i) => ({ x: i, y: 0, z: 0 }));
  const chunks = await read({ points, pointFormat: 0, scale: [1, 1, 1] });
  expect(chunks.map((c) => c.count)).toEqual([50_000, 50_000, 20_001]);
  expect(chunks.every((c, k) => c.x.every((x, i) => x === 50_000 * k + i))).toBe(true);
});

const EXTRA: (ExtraBytesSpec & { raw: number; value: number })[] = [
  { name: 'u1', type: 'uint8', raw: 200, value: 200 }, { name: 'i1', type: 'int8', raw: -100, value: -100 },
  { name: 'u2', type: 'uint16', raw: 60_000, scale: 0.5, value: 30_000 }, { name: 'i2', type: 'int16', raw: -9999, noData: -9999, value: NaN },
  { name: 'u4', type: 'uint32', raw: 4e9, value: 4e9 }, { name: 'i4', type: 'int32', raw: -2e9, offset: 10, value: -2e9 + 10 },
  { name: 'u8', type: 'uint64', raw: 2 ** 50, value: 2 ** 50 }, { name: 'i8', type: 'int64', raw: -(2 ** 50), value: -(2 ** 50) },
  { name: 'f4', type: 'float32', raw: 1.5, scale: 2, offset: 1, value: 4 }, { name: 'f8', type: 'float64', raw: -0.1, noData: 5, value: -0.1 },
];

test.each(FORMATS)('extra bytes of every type are read by name behind point format %i, scaled, with no data as NaN', async (pointFormat) => {
  const spec: LasSpec = { pointFormat, extraBytes: EXTRA, points: [{ x: 0, y: 0, z: 0 }, { x: 1, y: 1, z: 1, extra: EXTRA.map((e) => e.raw) }] };
  const [chunk] = await read(spec, { extraBytes: EXTRA.map((e) => e.name) });
  for (const { name, value } of EXTRA) expect(chunk!.extra![name]![1], name).toBe(value);
  expect(chunk!.extra!['u4']![0]).toBe(0);
});

test('asking for extra bytes that a file does not have names those that it has', async () => {
  const spec: LasSpec = { points: [{ x: 0, y: 0, z: 0 }], extraBytes: [{ name: 'height', type: 'float32' }] };
  await expect(read(spec, { extraBytes: ['Height'] })).rejects.toThrow(InvalidInput);
  await expect(read(spec, { extraBytes: ['Height'] })).rejects.toThrow(/"Height".*it has height \(float32\)/);
});

test('several records of extra bytes follow each other; a field beyond the record is left out', async () => {
  const spec: LasSpec = { extraBytes: [{ name: 'a', type: 'uint16' }, { name: 'b', type: 'int32' }], points: [{ x: 0, y: 0, z: 0, extra: [3, -4] }] };
  const [chunk] = await read({ ...spec, splitExtraBytes: true }, { extraBytes: ['b', 'a'] });
  expect(chunk!.extra).toEqual({ b: Float64Array.of(-4), a: Float64Array.of(3) });
  const short = makeLas(spec);
  new DataView(short.buffer).setUint16(105, 28 + 2, true); // says that records end after a
  expect((await openPointFile(bytesSource('survey.las', short))).header.extraBytes).toEqual([{ name: 'a', type: 'uint16' }]);
});
