// Bands set apart and predictors undone, against the plain words of the TIFF standard.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { setBandsApart, undoFloatPredictor } from '../../src/ingest/geotiff-predict.ts';

test('the bands of a row come one after another, row by row', () => {
  const data = Uint8Array.of(1, 2, 3, 11, 12, 13, /* second row */ 4, 5, 6, 14, 15, 16);
  setBandsApart(data, 2, 3, false);
  expect([...data]).toEqual([1, 11, 2, 12, 3, 13, 4, 14, 5, 15, 6, 16]);
});

test('differences add up along each row by band, and wrap', () => {
  const data = Uint8Array.of(250, 1, 10, 255, 10, 0, /* second row */ 7, 0, 1, 1, 1, 1);
  setBandsApart(data, 3, 2, true); // band 1: 250, 250 + 10, + 10; band 2: 1, 1 + 255, + 0
  expect([...data]).toEqual([250, 4, 14, 1, 0, 0, 7, 8, 9, 0, 1, 2]);
});

/** What a writer does: differences along the rows, by their bits as whole numbers. */
function differences(bits: bigint[], width: number, step: number, modulus: bigint): bigint[] {
  return bits.map((value, i) => (i % (width * step) < step ? value : (value - bits[i - step]! + modulus) % modulus));
}

describe.each([['uint8', Uint8Array], ['int8', Int8Array], ['uint16', Uint16Array], ['int16', Int16Array], ['uint32', Uint32Array], ['int32', Int32Array], ['float32', Float32Array], ['float64', Float64Array]] as const)('%s', (_, Samples) => {
  const bytes = Samples.BYTES_PER_ELEMENT, modulus = 1n << BigInt(8 * bytes);
  const write = (bits: bigint[]): Uint8Array => Uint8Array.from(bits.flatMap((value) => Array.from({ length: bytes }, (__, b) => Number((value >> BigInt(8 * b)) & 255n))));
  const shape = fc.record({ width: fc.integer({ min: 1, max: 9 }), step: fc.integer({ min: 1, max: 5 }), rows: fc.integer({ min: 1, max: 4 }), predicted: fc.boolean() });
  const block = shape.chain((each) => fc.record({ shape: fc.constant(each), bits: fc.array(fc.bigInt({ min: 0n, max: modulus - 1n }), { minLength: each.width * each.step * each.rows, maxLength: each.width * each.step * each.rows }) }));

  test('every sample comes back bit for bit, in the row of its band', () => {
    fc.assert(fc.property(block, ({ shape: { width, step, rows, predicted }, bits }) => {
      const stored = write(predicted ? differences(bits, width, step, modulus) : bits);
      setBandsApart(new Samples(stored.buffer as ArrayBuffer), width, step, predicted);
      const apart = Array.from({ length: rows }, (__, row) => Array.from({ length: step }, (___, band) => Array.from({ length: width }, (____, col) => bits[(row * width + col) * step + band]!)));
      expect(stored).toEqual(write(apart.flat(2)));
    }), { seed: 7, numRuns: 200 });
  });
});

test.each([[2, 1], [2, 3], [4, 1], [4, 3], [8, 2]])('floats of %i bytes in %i bands come back from differences of their bytes by significance', (size, step) => {
  const width = 5, rowLength = width * step * size;
  fc.assert(fc.property(fc.uint8Array({ minLength: 2 * rowLength, maxLength: 2 * rowLength }), (floats) => {
    const stored = new Uint8Array(floats.length);
    for (let start = 0; start < floats.length; start += rowLength) {
      const sorted = Array.from({ length: rowLength }, (_, i) => floats[start + (i % (width * step)) * size + size - 1 - Math.floor(i / (width * step))]!);
      stored.set(sorted.map((byte, i) => (i < step ? byte : byte - sorted[i - step]!)), start); // wraps
    }
    undoFloatPredictor(stored, rowLength, step, size);
    expect(stored).toEqual(floats);
  }), { seed: 7, numRuns: 100 });
});
