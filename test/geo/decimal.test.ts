import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addDecimal, toDecimalText } from '../../src/geo/decimal.ts';

test('a tenth and two tenths are three tenths', () => {
  expect(addDecimal(toDecimalText(0.1), toDecimalText(0.2))).toBe('0.300000000');
  expect(addDecimal('-0.5', '2')).toBe('1.500000000');
  expect(addDecimal('-2', '0.25')).toBe('-1.750000000');
  expect(toDecimalText(-0.0000000004)).toBe('0.000000000');
  expect(addDecimal('123456789012345678901234.000000001', '0.000000001')).toBe('123456789012345678901234.000000002');
});

test('the order of tiles does not change a sum', () => {
  fc.assert(fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 }), (values) => {
    const texts = values.map(toDecimalText);
    expect(texts.toReversed().reduce(addDecimal)).toBe(texts.reduce(addDecimal));
  }), { seed: 1, numRuns: 100 });
});

test('what is no number is refused', () => {
  expect(() => toDecimalText(NaN)).toThrow('mask it as missing');
  expect(() => addDecimal('1e3', '1')).toThrow("'1e3' is no decimal number");
});
