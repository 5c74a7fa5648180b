// store/formats.ts: rows of a query as text, row by row: table, csv, json, ndjson, markdown. Pure.
import { DuckDBBlobValue, DuckDBDecimalValue, DuckDBGeometryValue, DuckDBListValue, DuckDBStructValue, type DuckDBValue } from '@duckdb/node-api';
import { InvalidInput } from '../errors.ts';
import { decodeMultiPolygon, toWkt } from './wkb.ts';

const WIDTH_ROWS = 200, WIDEST = 60;

function geometryText(bytes: Uint8Array): string {
  try {
    return toWkt(decodeMultiPolygon(bytes));
  } catch (error) {
    if (error instanceof InvalidInput) return Buffer.from(bytes).toString('hex'); // points and lines that a user made: WKB
    throw error;
  }
}

/** A value as text; NULL is empty. */
export function valueText(value: DuckDBValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (value instanceof DuckDBGeometryValue) return geometryText(value.bytes);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('hex');
  if (value instanceof DuckDBListValue) return value.items.map(valueText).join(';');
  if (value instanceof DuckDBStructValue) return jsonText(value);
  return String(value);
}

/** A value as JSON: decimals and big integers keep every digit, infinities and NaN are null. */
export function jsonText(value: DuckDBValue): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value === 'bigint' || typeof value === 'boolean' || value instanceof DuckDBDecimalValue) return String(value);
  if (value instanceof DuckDBListValue) return `[${value.items.map(jsonText).join(',')}]`;
  if (value instanceof DuckDBStructValue) return `{${Object.entries(value.entries).map(([name, item]) => `${JSON.stringify(name)}:${jsonText(item)}`).join(',')}}`;
  return JSON.stringify(valueText(value));
}

/** One field of RFC 4180. */
export const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

type Row = readonly DuckDBValue[];

/** Turns rows into text: `head` before the first, `row` for each, `tail` after the last. */
export interface RowFormat {
  head(names: readonly string[]): string;
  row(values: Row): string;
  tail(): string;
}

const csv = (): RowFormat => ({
  head: (names) => `${names.map(csvField).join(',')}\r\n`,
  row: (values) => `${values.map((value) => csvField(valueText(value))).join(',')}\r\n`,
  tail: () => '',
});

function objects(): { head(names: readonly string[]): void; row(values: Row): string } {
  let keys: string[] = [];
  return {
    head: (names) => { keys = names.map((name) => JSON.stringify(name)); },
    row: (values) => `{${values.map((value, i) => `${keys[i]}:${jsonText(value)}`).join(',')}}`,
  };
}

function ndjson(): RowFormat {
  const { head, row } = objects();
  return { head: (names) => (head(names), ''), row: (values) => `${row(values)}\n`, tail: () => '' };
}

function json(): RowFormat {
  const { head, row } = objects();
  let first = true;
  return {
    head: (names) => (head(names), '['),
    row(values) {
      const text = `${first ? '\n' : ',\n'}${row(values)}`;
      first = false;
      return text;
    },
    tail: () => '\n]\n',
  };
}

const markdownCell = (text: string): string => text.replaceAll('|', '\\|').replace(/\r?\n/g, ' ');

const markdown = (): RowFormat => ({
  head: (names) => `| ${names.map(markdownCell).join(' | ')} |\n|${' --- |'.repeat(names.length)}\n`,
  row: (values) => `| ${values.map((value) => markdownCell(valueText(value))).join(' | ')} |\n`,
  tail: () => '',
});

const cut = (text: string): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length > WIDEST ? `${line.slice(0, WIDEST - 3)}...` : line;
};

/** Columns as wide as the first rows need; a longer value further down pushes its line out. Numbers stand right. */
function table(): RowFormat {
  let names: readonly string[] = [], waiting: Row[] | null = [], widths: number[] = [];
  const line = (values: Row): string => values.map((value, i) => {
    const text = cut(valueText(value)), width = widths[i]!;
    return typeof value === 'string' || value === null ? text.padEnd(width) : text.padStart(width);
  }).join('  ').trimEnd();
  const settle = (rows: readonly Row[]): string => {
    widths = names.map((name, i) => Math.max(name.length, ...rows.map((row) => cut(valueText(row[i]!)).length)));
    waiting = null;
    const ruled = [names.map((name, i) => name.padEnd(widths[i]!)).join('  ').trimEnd(), widths.map((width) => '-'.repeat(width)).join('  ')];
    return `${[...ruled, ...rows.map(line)].join('\n')}\n`;
  };
  return {
    head: (list) => ((names = list), ''),
    row(values) {
      if (!waiting) return `${line(values)}\n`;
      return waiting.push(values) < WIDTH_ROWS ? '' : settle(waiting);
    },
    tail: () => (waiting ? settle(waiting) : ''),
  };
}

/** Text formats by name; `parquet` is written by DuckDB itself. */
export const ROW_FORMATS: ReadonlyMap<string, () => RowFormat> = new Map([
  ['table', table], ['csv', csv], ['json', json], ['ndjson', ndjson], ['markdown', markdown],
]);
