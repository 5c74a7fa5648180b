// Coordinates: a file's integers become integers of 1e-5 m without a rounding, wherever decimals allow it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { convertAxis, convertCoordinates, planAxis, planCoordinates } from '../../src/ingest/coordinates.ts';

const RAW = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

test('centimetres become thousands of units, with the offset added', () => {
  expect(Array.from(convertAxis(Int32Array.of(0, 1, -3), 0.01, 441_294.12))).toEqual([44_129_412_000, 44_129_413_000, 44_129_409_000]);
});

test('scales of 0.1 to 1e-5 m with whole or decimal offsets are exact, as decimal arithmetic on integers shows', () => {
  const scale = fc.constantFrom<[number, bigint]>([1, 100_000n], [0.1, 10_000n], [0.01, 1000n], [0.001, 100n], [0.0001, 10n], [0.00001, 1n], [0.00025, 25n], [0.005, 500n]);
  const offset = fc.integer({ min: -1e12, max: 1e12 }); // units: up to 1e7 m
  fc.assert(fc.property(scale, offset, RAW, ([value, units], start, raw) => {
    const [x] = convertAxis(Int32Array.of(raw), value, start / 100_000);
    expect(BigInt(x!)).toBe(BigInt(raw) * units + BigInt(start));
  }), { seed: 1, numRuns: 2000 });
});

test('one survey cut into files with other offsets keeps its coordinates', () => {
  // the same point, 512 345.67 m, counted from 0, from 500 000 and from 512 000.5
  const [a] = convertAxis(Int32Array.of(51_234_567), 0.01, 0), [b] = convertAxis(Int32Array.of(1_234_567), 0.01, 500_000), [c] = convertAxis(Int32Array.of(34_517), 0.01, 512_000.5);
  expect([a, b, c]).toEqual([51_234_567_000, 51_234_567_000, 51_234_567_000]);
});

test('finer scales are rounded once to 1e-5 m, halves up, and still do not depend on the offset', () => {
  expect(planAxis(0.000001, 767_126).exact).toBe(true);
  expect(Array.from(convertAxis(Int32Array.of(4, 5, 15, -5, -6), 0.000001, 0))).toEqual([0, 1, 2, 0, -1]);
  fc.assert(fc.property(fc.constantFrom(1e-6, 1e-7, 2.5e-7), fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: -1000, max: 1000 }), (scale, raw, metres) => {
    const perMetre = Math.round(1 / scale);
    const [a] = convertAxis(Int32Array.of(raw), scale, metres), [b] = convertAxis(Int32Array.of(raw + perMetre), scale, metres - 1);
    expect(a).toBe(b);
  }), { seed: 2, numRuns: 1000 });
});

test('scales and offsets that are no decimals are rounded from doubles, within half of 1e-5 m', () => {
  const scale = 0.00000116451354, offset = 1_692_500.352; // a scale fitted to the extent, as some writers do
  expect(planAxis(scale, offset).exact).toBe(false);
  fc.assert(fc.property(RAW, (raw) => {
    const [x] = convertAxis(Int32Array.of(raw), scale, offset);
    expect(Math.abs(x! / 100_000 - (raw * scale + offset))).toBeLessThanOrEqual(0.5e-5 + 1e-9);
  }), { seed: 4, numRuns: 500 });
  expect(Object.is(convertAxis(Int32Array.of(-1), 1e-7 / 3, 0)[0], 0)).toBe(true); // not -0
});

test('the three axes go by their own scale and offset, one by one as in a chunk', () => {
  const header = { scale: [0.01, 0.001, 0.1] as [number, number, number], offset: [1, 2, 3] as [number, number, number] };
  const { toX, toY, toZ, exact } = planCoordinates(header);
  expect([toX(5), toY(5), toZ(5), exact]).toEqual([105_000, 200_500, 350_000, true]);
  expect(convertCoordinates({ x: Int32Array.of(5), y: Int32Array.of(5), z: Int32Array.of(5) }, header))
    .toEqual({ x: Float64Array.of(105_000), y: Float64Array.of(200_500), z: Float64Array.of(350_000) });
});
