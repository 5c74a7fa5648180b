// store/merge.ts: the inventory's database built from the parts of all tiles, beside the old one, and swapped in. IO.
import { IoError, messageOf, UnderstoryError } from '../errors.ts';
import { writeAtomically } from '../files/atomic.ts';
import { canonicalHashes, type CanonicalHash } from './canonical.ts';
import { tableOf, type TableName } from './columns.ts';
import { isGeometry, quoteName, quoteText, sqlType, type Column } from './columns/define.ts';
import { openDuck, type DuckDBConnection } from './duck.ts';
import { createSchema, geometryType } from './schema.ts';
import { keepPrevious, sweepLeftovers } from './swap.ts';
import { stageRows } from './table-io.ts';

export type { CanonicalHash } from './canonical.ts';

/** The Parquet files of one tile, by table. */
export interface MergeTile {
  tile: string;
  tables: Partial<Record<TableName, readonly string[]>>;
}

export type Rows = AsyncIterable<object> | Iterable<object>;

export interface MergeSource {
  /** in the survey's fixed order, which is the order of the rows */
  tiles: readonly MergeTile[];
  /** tables that are known for the survey as a whole, row by row: run, model, input_file, stand, equation, gap, gap_stand, void ... */
  rows: Partial<Record<TableName, Rows>>;
  /** what can be told only from the filled tables: called with them, gives the rows of further ones */
  conclude?(connection: DuckDBConnection): Promise<Partial<Record<TableName, Rows>>>;
}

export interface MergeOptions {
  /** CRS of the GEOMETRY columns; null: they carry none */
  crsProjjson?: string | null;
  /** added to the comment of every table */
  note?: string;
  threads?: number;
  /** default 400: what does not fit is spilled beside the database */
  memoryMb?: number;
  /** Parquet files that one statement reads */
  filesPerStatement?: number;
}

/** Tables whose tiles write rows that belong to one tile each. */
const BY_TILE: readonly TableName[] = ['tree', 'tree_stand', 'cell', 'cell_model', 'tile', 'void'];
/** Tables whose tiles write shares that are added: exactly, because they are DECIMAL. */
const SUMMED: readonly TableName[] = ['stand_part', 'survey_part', 'stand_overlap'];
const BY_ROW: readonly TableName[] = ['run', 'model', 'equation', 'detection', 'input_file', 'stand', 'gap', 'gap_stand', 'plot', 'plot_tree', 'tile', 'void'];
const ROWS_PER_STATEMENT = 20_480;
/** Rows with outlines are long: fewer are held at a time. */
const OUTLINES_PER_STATEMENT = 2_048;

const namesOf = (columns: readonly Column[]): string => columns.map((column) => quoteName(column.name)).join(', ');

/** The expression that brings a column of a part into the database. */
function inDatabase(column: Column, expression: string, geometry: string): string {
  if (isGeometry(column.type)) return `CAST(ST_GeomFromWKB(${expression}) AS ${geometry})`;
  return column.type === 'JSON' ? `CAST(${expression} AS JSON)` : expression;
}

function* batches(tiles: readonly MergeTile[], table: TableName, size: number): Generator<string[]> {
  let files: string[] = [];
  for (const tile of tiles) {
    files.push(...(tile.tables[table] ?? []));
    if (files.length >= size) {
      yield files;
      files = [];
    }
  }
  if (files.length > 0) yield files;
}

const parquet = (files: readonly string[]): string => `read_parquet([${files.map(quoteText).join(', ')}])`;

async function insertTiles(connection: DuckDBConnection, source: MergeSource, name: TableName, geometry: string, size: number): Promise<void> {
  const { columns } = tableOf(name);
  const select = columns.map((column) => inDatabase(column, quoteName(column.name), geometry)).join(', ');
  for (const files of batches(source.tiles, name, size)) {
    await connection.run(`INSERT INTO ${quoteName(name)} (${namesOf(columns)}) SELECT ${select} FROM ${parquet(files)}`);
  }
}

/** Add the shares of the tiles: group by the key, sum the DECIMALs; a sum of NULLs only stays NULL. */
async function insertSums(connection: DuckDBConnection, source: MergeSource, name: TableName, size: number): Promise<void> {
  const { columns, primaryKey } = tableOf(name);
  const share = quoteName(`share_${name}`), key = primaryKey.map(quoteName).join(', ');
  await connection.run(`CREATE TEMP TABLE ${share} (${columns.map((column) => `${quoteName(column.name)} ${sqlType(column.type, 'part')}`).join(', ')})`);
  for (const files of batches(source.tiles, name, size)) {
    await connection.run(`INSERT INTO ${share} SELECT ${namesOf(columns)} FROM ${parquet(files)}`);
  }
  const sums = columns.map((column) => (primaryKey.includes(column.name) ? quoteName(column.name) : `sum(${quoteName(column.name)})`));
  await connection.run(`INSERT INTO ${quoteName(name)} (${namesOf(columns)}) SELECT ${sums.join(', ')} FROM ${share} GROUP BY ${key} ORDER BY ${key}; DROP TABLE ${share}`);
}

async function insertBatch(connection: DuckDBConnection, name: TableName, rows: readonly object[], geometry: string): Promise<void> {
  const { columns } = tableOf(name), stage = await stageRows(connection, name, rows);
  const select = columns.map((column, index) => inDatabase(column, stage.expressions[index]!, geometry)).join(', ');
  await connection.run(`INSERT INTO ${quoteName(name)} (${namesOf(columns)}) SELECT ${select} FROM ${stage.table}`);
  await stage.drop();
}

/** Insert rows in batches, in their order; memory holds one batch. `geometry` is the type of the GEOMETRY columns. */
export async function insertRows(connection: DuckDBConnection, name: TableName, rows: Rows, geometry: string): Promise<void> {
  const most = tableOf(name).columns.some(({ type }) => isGeometry(type)) ? OUTLINES_PER_STATEMENT : ROWS_PER_STATEMENT;
  let batch: object[] = [];
  for await (const row of rows) {
    if (batch.push(row) < most) continue;
    await insertBatch(connection, name, batch, geometry);
    batch = [];
  }
  if (batch.length > 0) await insertBatch(connection, name, batch, geometry);
}

/**
 * Two apexes within one centimetre have one id: the better tree stays (higher, then west, then south), with the stands of its own tile.
 */
async function keepBetterTrees(connection: DuckDBConnection, source: MergeSource, size: number): Promise<void> {
  const better = 'ORDER BY height_m DESC NULLS LAST, x_m, y_m, source, tile, rowid';
  await connection.run(`CREATE TEMP TABLE twin AS
    SELECT tree_id, tile, rowid AS row, row_number() OVER (PARTITION BY tree_id ${better}) AS rank
    FROM tree WHERE tree_id IN (SELECT tree_id FROM tree GROUP BY tree_id HAVING count(*) > 1)`);
  const kept = (await connection.runAndReadAll('SELECT DISTINCT tile FROM twin WHERE rank = 1')).getRowsJS();
  if (kept.length > 0) {
    await connection.run('DELETE FROM tree WHERE rowid IN (SELECT row FROM twin WHERE rank > 1)');
    await connection.run('DELETE FROM tree_stand WHERE tree_id IN (SELECT tree_id FROM twin)');
    const tiles = new Set(kept.map(([tile]) => tile));
    for (const { tile, tables } of source.tiles.filter((candidate) => tiles.has(candidate.tile))) {
      for (const files of batches([{ tile, tables }], 'tree_stand', size)) {
        await connection.run(`INSERT INTO tree_stand (stand_id, tree_id) SELECT DISTINCT stand_id, tree_id FROM ${parquet(files)}
          WHERE tree_id IN (SELECT tree_id FROM twin WHERE rank = 1 AND tile = ${quoteText(tile)})`);
      }
    }
  }
  await connection.run('DROP TABLE twin');
}

async function fill(connection: DuckDBConnection, source: MergeSource, options: MergeOptions): Promise<Record<string, CanonicalHash>> {
  const { crsProjjson = null, note = '', filesPerStatement = 500 } = options;
  const geometry = geometryType(crsProjjson);
  await createSchema(connection, { crsProjjson, note });
  for (const name of BY_ROW) {
    const rows = source.rows[name];
    if (rows) await insertRows(connection, name, rows, geometry);
  }
  for (const name of BY_TILE) await insertTiles(connection, source, name, geometry, filesPerStatement);
  for (const name of SUMMED) await insertSums(connection, source, name, filesPerStatement);
  await keepBetterTrees(connection, source, filesPerStatement);
  for (const [name, rows] of Object.entries(await source.conclude?.(connection) ?? {})) await insertRows(connection, name as TableName, rows, geometry);
  const hashes = await canonicalHashes(connection);
  await connection.run('CHECKPOINT');
  return hashes;
}

/**
 * Build the inventory's database from parts and swap it in; the one replaced stays as `*.previous.duckdb`.
 * Tiles are read in batches, so memory does not grow with their number; rows keep the order of the tiles.
 *
 * @param path  `survey.duckdb`; the caller holds the survey's lock
 * @returns the canonical hash of each canonical table and view
 * @throws {IoError} when a part cannot be read or the disk is full; the old database stays then
 */
export async function buildDatabase(path: string, source: MergeSource, options: MergeOptions = {}): Promise<Record<string, CanonicalHash>> {
  await sweepLeftovers(path);
  const { threads = 1, memoryMb = 400 } = options;
  const hashes = await writeAtomically(path, async (temporary) => {
    const duck = await openDuck(temporary, { threads, memoryMb, temporaryDirectory: `${path}.spill.tmp` });
    let built: Record<string, CanonicalHash>;
    try {
      built = await fill(duck.connection, source, options);
    } catch (cause) {
      if (cause instanceof UnderstoryError) throw cause;
      throw new IoError(`${path}: the database cannot be built: ${messageOf(cause)}; yesterday's stays`, { source: path }, { cause });
    } finally {
      duck.close();
    }
    await keepPrevious(path);
    return built;
  });
  await sweepLeftovers(path);
  return hashes;
}
