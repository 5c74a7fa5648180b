import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactSum } from '../../src/geo/exact-sum.ts';

function sumOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum;
}

// expected: Python 3, math.fsum
test.each([
  [[], 0], [[1e100, 1, -1e100], 1], [Array.from({ length: 10 }, () => 0.1), 1], [[1e16, 1, 1, -1e16], 2],
  [[1, 2 ** -53], 1], [[1, 2 ** -53, 2 ** -106], 1 + 2 ** -52], [[1 + 2 ** -52, 2 ** -53], 1 + 2 ** -51], [[1, -(2 ** -54), -(2 ** -107)], 1 - 2 ** -53], [[3, -3], 0],
])('%j add up to %d, rounded once', (values, expected) => {
  expect(sumOf(values).value()).toBe(expected);
});

test('any order, and sums of parts in any grouping, give the same number', () => {
  const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 }), fc.integer().map((n) => n / 7), fc.constantFrom(1e16, -1e16, 1e-9));
  fc.assert(fc.property(fc.array(value, { maxLength: 60 }), fc.nat(60), (values, cut) => {
    const whole = sumOf(values).value();
    expect(sumOf(values.toReversed()).value() - whole).toBe(0);
    expect(sumOf([...sumOf(values.slice(cut)).terms(), ...sumOf(values.slice(0, cut)).terms()]).value() - whole).toBe(0);
  }), { seed: 7, numRuns: 500 });
});
