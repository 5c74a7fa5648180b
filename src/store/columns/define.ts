// store/columns/define.ts: what a table and a column are, and how their names read in code. Pure.

/**
 * Types of columns. POLYGON and MULTIPOLYGON are GEOMETRY in the database and WKB in a part;
 * JSON is any value in code; DECIMAL(18,6) is a number in code, DECIMAL(38,9) is decimal text.
 */
export type ColumnType =
  | 'VARCHAR' | 'DOUBLE' | 'INTEGER' | 'BIGINT' | 'BOOLEAN' | 'VARCHAR[]' | 'JSON'
  | 'DECIMAL(18,6)' | 'DECIMAL(38,9)' | 'POLYGON' | 'MULTIPOLYGON';

export interface Column {
  /** snake_case with the unit */
  readonly name: string;
  readonly type: ColumnType;
  /** '' where there is none */
  readonly unit: string;
  readonly meaning: string;
  readonly nullable: boolean;
}

export interface Table {
  readonly meaning: string;
  readonly primaryKey: readonly string[];
  /** True: the same survey gives the same rows whatever the tiling, so that its hash may be compared. */
  readonly canonical: boolean;
  /** Columns that name the run or the tile: left out of the canonical hash. */
  readonly notHashed?: readonly string[];
  /** True: lives in parts only, never in survey.duckdb. */
  readonly internal?: boolean;
  /** True: the key is a constraint with an index. Tables that grow with the area have none (law 8); merge keeps them unique. */
  readonly enforced?: boolean;
  readonly columns: readonly Column[];
}

/** A column that always has a value. */
export const column = (name: string, type: ColumnType, unit: string, meaning: string): Column => ({ name, type, unit, meaning, nullable: false });

/** A column that is NULL where the value is missing. */
export const optional = (name: string, type: ColumnType, unit: string, meaning: string): Column => ({ name, type, unit, meaning, nullable: true });

/** `crown_area_m2` to `crownAreaM2`: the field of a column in code. */
export const camelName = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** `crownAreaM2` to `crown_area_m2`: the column of a field. */
export const snakeName = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The field of a column in code; shapes go by the names of `types.ts`: `polygon`, `polygons`. */
export function fieldName(column: Column): string {
  if (column.type === 'POLYGON') return 'polygon';
  if (column.type === 'MULTIPOLYGON') return 'polygons';
  return camelName(column.name);
}

/** A record keyed by column names (metrics by lidR's names) as fields: `f_zmax` becomes `fZmax`. */
export const toFields = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [camelName(name), value]));

/** The type in SQL: of the database's table, or of a part's Parquet file. */
export function sqlType(type: ColumnType, where: 'database' | 'part', geometryType = 'GEOMETRY'): string {
  if (type === 'POLYGON' || type === 'MULTIPOLYGON') return where === 'database' ? geometryType : 'BLOB';
  if (type === 'JSON') return where === 'database' ? 'JSON' : 'VARCHAR';
  return type;
}

export const isGeometry = (type: ColumnType): boolean => type === 'POLYGON' || type === 'MULTIPOLYGON';

/** A name as SQL reads it whatever it holds. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A text as a SQL literal. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
