import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidInput } from '../../src/errors.ts';
import { sharedConnection } from '../../src/store/duck.ts';
import { decodeMultiPolygon, decodePolygon, encodeMultiPolygon, encodePolygon } from '../../src/store/wkb.ts';
import type { MultiPolygon } from '../../src/types.ts';
import { square } from './rows.ts';

const point = fc.tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true }));
const ring = fc.array(point, { minLength: 4, maxLength: 9 });
const polygons = fc.array(fc.array(ring, { minLength: 1, maxLength: 3 }), { maxLength: 4 });

test('polygons come back bit for bit', () => {
  fc.assert(fc.property(polygons, (value) => {
    expect(decodeMultiPolygon(encodeMultiPolygon(value as MultiPolygon))).toEqual(value);
  }), { seed: 7 });
});

test('DuckDB reads our bytes as the polygon that they are, and we read its bytes', async () => {
  const connection = await sharedConnection();
  const hex = Buffer.from(encodePolygon([square(0, 0, 4)[0]!, [...square(1, 1, 1)[0]!].reverse()])).toString('hex');
  const read = await connection.runAndReadAll(`SELECT ST_AsText(ST_GeomFromWKB(unhex('${hex}')))`);
  expect(read.getRowsJson()).toEqual([['POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))']]);
});

test('big-endian bytes are read too; points and cut bytes are refused', () => {
  const little = encodePolygon(square(2, 3, 1)), big = new Uint8Array(little.length);
  const from = new DataView(little.buffer), to = new DataView(big.buffer);
  to.setUint8(0, 0);
  to.setUint32(1, 3), to.setUint32(5, 1), to.setUint32(9, 5);
  for (let at = 13; at < little.length; at += 8) to.setFloat64(at, from.getFloat64(at, true));
  expect(decodePolygon(big)).toEqual(square(2, 3, 1));
  expect(() => decodePolygon(little.subarray(0, 40))).toThrow(/ends early/);
  expect(() => decodePolygon(Uint8Array.from([1, 1, 0, 0, 0, 0, 0, 0, 0]))).toThrow(InvalidInput);
  expect(() => decodePolygon(encodeMultiPolygon([]))).toThrow(/one polygon/);
});
