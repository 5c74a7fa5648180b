// store/values.ts: one value of a column between code and DuckDB. Pure.
import {
  BIGINT, BLOB, BOOLEAN, DECIMAL, DOUBLE, DuckDBBlobValue, DuckDBDecimalValue, DuckDBListValue, INTEGER, LIST, VARCHAR,
  type DuckDBType, type DuckDBValue,
} from '@duckdb/node-api';
import { InvalidInput } from '../errors.ts';
import type { MultiPolygon, Polygon } from '../types.ts';
import type { Column, ColumnType } from './columns/define.ts';
import { decodeMultiPolygon, decodePolygon, encodeMultiPolygon, encodePolygon } from './wkb.ts';

interface Codec {
  type: DuckDBType;
  /** undefined: the value does not fit the column */
  toDuck(value: unknown): DuckDBValue | undefined;
  fromDuck(value: DuckDBValue): unknown;
}

const AREA_SCALE = 6, SUM_SCALE = 9;

/** Exact decimal text as an integer of 10^-scale; undefined when it is no decimal or has more places than the scale. */
export function scaledDecimal(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (!match) return undefined;
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  if (fraction.length > scale) return undefined;
  const digits = BigInt(match[2]! + fraction.padEnd(scale, '0'));
  return match[1] === '-' ? -digits : digits;
}

/** An integer of 10^-scale as decimal text without trailing zeros. */
export function decimalText(scaled: bigint, scale: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(scale + 1, '0');
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${fraction === '' ? '' : `.${fraction}`}`;
}

const text: Codec = {
  type: VARCHAR,
  toDuck: (value) => (typeof value === 'string' ? value : undefined),
  fromDuck: (value) => value,
};

const number: Codec = {
  type: DOUBLE,
  toDuck: (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined),
  fromDuck: (value) => value,
};

const integer: Codec = {
  type: INTEGER,
  toDuck: (value) => (typeof value === 'number' && (value | 0) === value ? value : undefined),
  fromDuck: (value) => value,
};

const bigInteger: Codec = {
  type: BIGINT,
  toDuck: (value) => (typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined),
  fromDuck: (value) => Number(value),
};

const flag: Codec = {
  type: BOOLEAN,
  toDuck: (value) => (typeof value === 'boolean' ? value : undefined),
  fromDuck: (value) => value,
};

const list: Codec = {
  type: LIST(VARCHAR),
  toDuck: (value) => (Array.isArray(value) && value.every((item) => typeof item === 'string') ? new DuckDBListValue(value) : undefined),
  fromDuck: (value) => (value instanceof DuckDBListValue ? [...value.items] : value),
};

const json: Codec = {
  type: VARCHAR,
  toDuck: (value) => JSON.stringify(value),
  fromDuck: (value) => (typeof value === 'string' ? JSON.parse(value) : value),
};

/** An area: whole pixels, so rounding to 1e-6 m2 only undoes the noise of the multiplication. */
const area: Codec = {
  type: DECIMAL(18, AREA_SCALE),
  toDuck: (value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(Math.round(value * 10 ** AREA_SCALE))) return undefined;
    return new DuckDBDecimalValue(BigInt(Math.round(value * 10 ** AREA_SCALE)), 18, AREA_SCALE);
  },
  fromDuck: (value) => (value instanceof DuckDBDecimalValue ? Number(value.value) / 10 ** AREA_SCALE : value),
};

/** An exact sum as decimal text; a text with more places than the column would have to be rounded, which is refused. */
const sum: Codec = {
  type: DECIMAL(38, SUM_SCALE),
  toDuck: (value) => {
    const scaled = typeof value === 'string' ? scaledDecimal(value, SUM_SCALE) : undefined;
    return scaled === undefined ? undefined : new DuckDBDecimalValue(scaled, 38, SUM_SCALE);
  },
  fromDuck: (value) => (value instanceof DuckDBDecimalValue ? decimalText(value.value, SUM_SCALE) : value),
};

const isArray = (value: unknown): value is unknown[] => Array.isArray(value);
const isPolygon = (value: unknown): value is Polygon => isArray(value) && isArray(value[0]) && isArray(value[0][0]) && typeof value[0][0][0] === 'number';
const isMultiPolygon = (value: unknown): value is MultiPolygon => isArray(value) && value.every(isPolygon);

const polygon: Codec = {
  type: BLOB,
  toDuck: (value) => (isPolygon(value) ? new DuckDBBlobValue(encodePolygon(value)) : undefined),
  fromDuck: (value) => (value instanceof DuckDBBlobValue ? decodePolygon(value.bytes) : value),
};

const multiPolygon: Codec = {
  type: BLOB,
  toDuck: (value) => (isMultiPolygon(value) ? new DuckDBBlobValue(encodeMultiPolygon(value)) : undefined),
  fromDuck: (value) => (value instanceof DuckDBBlobValue ? decodeMultiPolygon(value.bytes) : value),
};

const CODECS: Record<ColumnType, Codec> = {
  VARCHAR: text,
  DOUBLE: number,
  INTEGER: integer,
  BIGINT: bigInteger,
  BOOLEAN: flag,
  'VARCHAR[]': list,
  JSON: json,
  'DECIMAL(18,6)': area,
  'DECIMAL(38,9)': sum,
  POLYGON: polygon,
  MULTIPOLYGON: multiPolygon,
};

/** How a column's values look in DuckDB and in code. */
export const codecOf = (type: ColumnType): Codec => CODECS[type];

const shown = (value: unknown): string => {
  const full = typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value);
  return full.length > 60 ? `${full.slice(0, 60)}...` : full;
};

/**
 * A value for DuckDB; null and undefined are NULL where the column allows it.
 *
 * @throws {InvalidInput} for NULL in a column that always has a value, NaN, or a value of another type
 */
export function toDuck(table: string, column: Column, row: number, value: unknown): DuckDBValue {
  if (value === null || value === undefined) {
    if (column.nullable) return null;
    throw new InvalidInput(`table ${table}, row ${row}: ${column.name} is missing, but it always has a value; give it one`, { table, column: column.name, row });
  }
  const converted = CODECS[column.type].toDuck(value);
  if (converted !== undefined) return converted;
  throw new InvalidInput(
    `table ${table}, row ${row}: ${shown(value)} does not fit column ${column.name} of type ${column.type}; missing values are null, never NaN`,
    { table, column: column.name, row },
  );
}
