// ingest/csv.ts: tables of text, row by row, each value named by line and column where it is wrong. IO.
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { InvalidInput, UnderstoryError, UnsupportedInput, messageOf } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';

const CHUNK = 1 << 18, LONGEST_ROW = 1 << 20;
const DELIMITERS = [',', ';', '\t'] as const;

/** One row: its values by the lower-case name of their column, trimmed. */
export interface CsvRow {
  /** of the file, from 1; the last one for a row over several lines */
  line: number;
  values: Map<string, string>;
}

export interface CsvTable {
  name: string;
  /** in the file's order, lower case */
  columns: string[];
  rows(): AsyncGenerator<CsvRow>;
}

/**
 * Open a table: UTF-8 with or without byte-order mark; comma, semicolon or tab, whichever the header line has most of.
 * Reading goes from front to back; memory holds a chunk. Rows without any value are passed over.
 *
 * @throws {UnsupportedInput} for a spreadsheet or UTF-16; {InvalidInput} for an empty file, a column without name or named twice;
 *   while rows are read, for a row with more or fewer values than columns, a quote that is not closed, bytes that are not UTF-8
 */
export async function openCsv(source: ByteSource): Promise<CsvTable> {
  const head = await source.read(0, Math.min(CHUNK, source.size));
  if (head[0] === 0x50 && head[1] === 0x4b) throw new UnsupportedInput(`${source.name}: is a spreadsheet or a zip, no CSV; save it as "CSV UTF-8"`, { source: source.name });
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) throw new UnsupportedInput(`${source.name}: is in UTF-16; save it as "CSV UTF-8"`, { source: source.name });
  const firstLine = /[^\r\n]+/.exec(new TextDecoder().decode(head).trimStart())?.[0];
  if (firstLine === undefined) throw new InvalidInput(`${source.name}: is empty; it needs a header line with the names of its columns`, { source: source.name, line: 1 });
  const delimiter = delimiterOf(firstLine), records = recordsOf(source, delimiter), header = await records.next();
  await records.return(undefined);
  if (header.done) throw new InvalidInput(`${source.name}: has no header line`, { source: source.name, line: 1 });
  const names = header.value.record.map((column) => column.toLowerCase()), columns = names.map((column) => (OWN_NAMES.has(column) && !names.includes(OWN_NAMES.get(column)!) ? OWN_NAMES.get(column)! : column));
  while (columns.at(-1) === '') columns.pop(); // spreadsheets end lines with delimiters
  columns.forEach((column, i) => {
    if (column === '') throw new InvalidInput(`${source.name}: line ${header.value.line}: column ${i + 1} has no name; its columns are ${columns.join(', ')}`, { source: source.name, line: header.value.line });
    if (columns.indexOf(column) !== i) throw new InvalidInput(`${source.name}: line ${header.value.line}: has two columns ${column}; take one out`, { source: source.name, line: header.value.line, column });
  });
  return { name: source.name, columns, rows: () => rowsOf(source, delimiter, columns) };
}

/** The one that stands most often outside quotes; a comma for a header of one column. */
function delimiterOf(line: string): string {
  const plain = line.replaceAll(/"[^"]*"/g, ''), counts = DELIMITERS.map((each) => plain.split(each).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
}

/** What the program's own tables call these columns: an exported layer of trees is a reference as it stands. */
const OWN_NAMES = new Map([['x_m', 'x'], ['y_m', 'y'], ['tree_id', 'tree_no']]);

async function* rowsOf(source: ByteSource, delimiter: string, columns: readonly string[]): AsyncGenerator<CsvRow> {
  let isHeader = true;
  for await (const { record, line } of recordsOf(source, delimiter)) {
    if (isHeader) {
      isHeader = false;
      continue;
    }
    if (record.every((value) => value === '')) continue;
    while (record.length > columns.length && record.at(-1) === '') record.pop();
    if (record.length !== columns.length) {
      const hint = delimiter === ',' && record.length > columns.length ? '; put a text with commas in quotes, and write decimals with a point' : '; fill in the missing delimiters';
      throw new InvalidInput(`${source.name}: line ${line}: has ${record.length} values for ${columns.length} columns (${columns.join(', ')})${hint}`, { source: source.name, line });
    }
    yield { line, values: new Map(columns.map((column, i) => [column, record[i]!])) };
  }
}

async function* recordsOf(source: ByteSource, delimiter: string): AsyncGenerator<{ record: string[]; line: number }> {
  const parser = parse({ delimiter, info: true, trim: true, skip_empty_lines: true, relax_column_count: true, max_record_size: LONGEST_ROW });
  const text = Readable.from(textOf(source));
  text.on('error', (error) => parser.destroy(error));
  try {
    for await (const { record, info } of text.pipe(parser) as AsyncIterable<{ record: string[]; info: { lines: number } }>) yield { record, line: info.lines };
  } catch (error) {
    if (error instanceof UnderstoryError) throw error;
    const line = (error as { lines?: unknown }).lines;
    throw new InvalidInput(`${source.name}: ${typeof line === 'number' ? `line ${line}: ` : ''}cannot be read as CSV (${messageOf(error)}); close or double its quotes`, { source: source.name, ...(typeof line === 'number' ? { line } : {}) }, { cause: error });
  } finally {
    text.destroy();
    parser.destroy();
  }
}

async function* textOf(source: ByteSource): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let at = 0; at < source.size; at += CHUNK) {
    const bytes = await source.read(at, Math.min(CHUNK, source.size - at));
    try {
      yield decoder.decode(bytes, { stream: at + CHUNK < source.size });
    } catch (error) {
      throw new InvalidInput(`${source.name}: is not in UTF-8 (after line ${line}); save it as "CSV UTF-8"`, { source: source.name, line }, { cause: error });
    }
    for (const byte of bytes) if (byte === 0x0a) line++;
  }
}

/** Words for a value that was not measured. */
const MISSING = /^(?:|na|n\/a|nan|null|none)$/i;

/** The text of a value; null where it was not measured, or the column is not there. */
export function textAt({ values }: CsvRow, column: string): string | null {
  const text = values.get(column) ?? '';
  return MISSING.test(text) ? null : text;
}

/** An error of one value: file, line and column. */
export const wrongValue = (file: string, { line }: CsvRow, column: string, what: string): InvalidInput =>
  new InvalidInput(`${file}: line ${line}, column ${column}: ${what}`, { source: file, line, column });

/**
 * The number of a value; null where it was not measured. 0 is 0.
 *
 * @throws {InvalidInput} for a text that is no number, and for a decimal comma: naming the line and column
 */
export function numberAt(file: string, row: CsvRow, column: string): number | null {
  const text = textAt(row, column);
  if (text === null) return null;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) return Number(text);
  const plain = text.replaceAll(/[.,](?=.*[.,])/g, '').replace(',', '.'); // the last sign is the decimal one
  if (/^[+-]?[\d.,]+$/.test(text)) throw wrongValue(file, row, column, `'${text}' has a comma or a sign for thousands; write ${plain}, with a decimal point and nothing else (in a spreadsheet: set the number format to English, or export with a decimal point)`);
  throw wrongValue(file, row, column, `'${text}' is no number; leave it empty if it was not measured`);
}
