// store/layer-rows.ts: rows of a SELECT on the inventory, streamed in batches, geometry decoded. IO.
import { DuckDBBlobValue, DuckDBGeometryValue, type DuckDBValue } from '@duckdb/node-api';
import { UsageError, messageOf } from '../errors.ts';
import type { MultiPolygon } from '../types.ts';
import { openDuck } from './duck.ts';
import { jsonText, valueText } from './formats.ts';
import { decodeMultiPolygon } from './wkb.ts';

/** A value as the exporters need it: a number, its text, its JSON. */
export interface Cell {
  number(): number | null;
  text(): string;
  json(): string;
}

/** One row: cells beside `names`, and the outline where the SELECT has a column `geometry`. */
export interface LayerRow {
  cells: readonly Cell[];
  outline: MultiPolygon | null;
}

export interface LayerRows {
  /** names of the cells; `geometry` is none of them */
  names: string[];
  rows: AsyncGenerator<LayerRow>;
}

class DuckCell implements Cell {
  readonly value: DuckDBValue;
  readonly isJson: boolean;

  constructor(value: DuckDBValue, isJson: boolean) {
    this.value = value;
    this.isJson = isJson;
  }

  number(): number | null {
    return this.value === null ? null : Number(this.value);
  }

  text(): string {
    return valueText(this.value);
  }

  json(): string {
    return this.isJson && typeof this.value === 'string' ? this.value : jsonText(this.value);
  }
}

const outlineOf = (value: DuckDBValue | undefined): MultiPolygon | null =>
  (value instanceof DuckDBGeometryValue || value instanceof DuckDBBlobValue ? decodeMultiPolygon(value.bytes) : null);

export interface SelectOptions {
  /** a condition of the user, read-only and sealed as in `query` */
  where?: string | undefined;
  orderBy?: readonly string[];
  memoryMb?: number;
}

function wrap(sql: string, { where, orderBy = [] }: SelectOptions): string {
  const condition = where === undefined ? '' : `WHERE (${where}\n)`;
  return `SELECT * FROM (${sql}) AS layer ${condition} ${orderBy.length > 0 ? `ORDER BY ${orderBy.map((name) => `"${name}"`).join(', ')}` : ''}`;
}

/**
 * Stream rows of a SELECT; at most one batch is in memory.
 *
 * @param use  gets the rows; the database closes when it is done
 * @throws {UsageError} when `where` is no condition on the layer, or reaches for another file
 */
export async function withRows<T>(database: string, sql: string, options: SelectOptions, use: (rows: LayerRows) => Promise<T>): Promise<T> {
  const duck = await openDuck(database, { readOnly: true, sealed: true, threads: 2, memoryMb: options.memoryMb ?? 1000 });
  try {
    const prepared = await duck.connection.prepare(wrap(sql, options)).catch((cause: unknown) => {
      throw new UsageError(`the layer cannot be selected${options.where === undefined ? '' : ` where ${options.where}`}: ${messageOf(cause)}`, { source: database }, { cause });
    });
    const result = await prepared.stream();
    const all = result.columnNames(), geometry = all.indexOf('geometry');
    const kept = all.map((_, index) => index).filter((index) => index !== geometry);
    const isJson = all.map((_, index) => result.columnType(index).alias === 'JSON');
    async function* rows(): AsyncGenerator<LayerRow> {
      for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
        for (const values of chunk.getRows()) {
          yield { cells: kept.map((index) => new DuckCell(values[index]!, isJson[index]!)), outline: outlineOf(values[geometry]) };
        }
      }
    }
    return await use({ names: kept.map((index) => all[index]!), rows: rows() });
  } finally {
    duck.close();
  }
}
