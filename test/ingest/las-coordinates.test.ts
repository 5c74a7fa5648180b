// Coordinates: a file's integers become integers of 1e-5 m without a rounding, wherever decimals allow it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { convertAxis, convertCoordinates, convertForeign, planAxis, planCoordinates, toFileUnits } from '../../src/ingest/coordinates.ts';

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

describe('a file in another CRS or unit', () => {
  const US_FOOT = 1200 / 3937;
  const header = { scale: [0.01, 0.01, 0.01] as [number, number, number], offset: [1000, 2000, 100] as [number, number, number], min: [1000, 2000, 100] as [number, number, number], max: [1001, 2001, 101] as [number, number, number] };
  const points = (...xyz: [number, number, number][]) => ({ x: Int32Array.from(xyz, ([x]) => x), y: Int32Array.from(xyz, ([, y]) => y), z: Int32Array.from(xyz, ([, , z]) => z) });

  test('heights in feet over x and y in metres: x and y stay exact, 100 US survey feet are 30.48006 m', () => {
    const { x, y, z } = convertForeign(points([5, 7, 0]), header, { transform: null, zToMetre: US_FOOT });
    expect([x[0], y[0], z[0]]).toEqual([100_005_000, 200_007_000, 3_048_006]); // 100 x 1200 / 3937 = 30.480061 m
  });

  test('x and y go through the transformation in the file\'s own units, rounded once to 1e-5 m', () => {
    const inMetres = (x: Float64Array, y: Float64Array, count: number) => { for (let i = 0; i < count; i++) { x[i] = x[i]! * US_FOOT; y[i] = y[i]! * US_FOOT; } };
    const { x, y, z } = convertForeign(points([50, 0, 50]), header, { transform: inMetres, zToMetre: 1 });
    expect([x[0], y[0], z[0]]).toEqual([Math.round(1000.5 * US_FOOT * 1e5), Math.round(2000 * US_FOOT * 1e5), 10_050_000]);
  });

  test('a return outside the header\'s box in the file\'s units, one scale unit wider, has no place', () => {
    const seen: number[] = [], { x, y } = convertForeign(points([-1, 0, 0], [-2, 0, 0], [101, 101, 0], [0, 102, 0]), header, { transform: (xs) => { seen.push(...xs); }, zToMetre: 1 });
    expect(Array.from(x, Number.isNaN)).toEqual([false, true, false, true]);
    expect(Array.from(y, Number.isNaN)).toEqual([false, true, false, true]);
    expect(seen.filter(Number.isNaN)).toHaveLength(2); // nothing is transformed that is dropped
  });

  test('files cut from one survey with other offsets give the same doubles, in degrees too', () => {
    fc.assert(fc.property(fc.constantFrom(0.001, 1e-7, 1e-8, 1e-9), fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (scale, raw, shift) => {
      const per = Math.round(1 / scale), offset = -119 + shift / per; // the nearest double to a decimal
      const [a] = toFileUnits(Int32Array.of(raw + shift), scale, -119), [b] = toFileUnits(Int32Array.of(raw), scale, offset);
      expect(a).toBe(b);
    }), { seed: 5, numRuns: 2000 });
  });
});
