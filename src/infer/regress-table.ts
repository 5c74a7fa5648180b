// infer/regress-table.ts: task `regress-table`: a row of columns per cell or tree to biomass, volume, diameter ... IO through the session.
import { ModelError } from '../errors.ts';
import { activated } from './activation.ts';
import type { AnyCard, TableCard } from './card.ts';
import { isTableCard } from './card.ts';
import { shapeProblem } from './output-shapes.ts';
import { isWithin } from './output.ts';
import type { RowTask } from './registry.ts';
import type { Session, Tensor } from './session.ts';

/** A column of a table: null and NaN are missing. */
export type RowColumn = Float64Array | readonly (number | null)[];

export interface RowResults {
  /** by `variable` of the outputs (`<variable>_sd` for deviations): a value a row, null where an input is missing */
  variables: Record<string, (number | null)[]>;
}

/**
 * Rows that are run at a time, always as many: the last are zeros where there are fewer. A multiple of the widest vector, so that no
 * row falls into the rest of a loop, which some operators compute in another way: a row's result does not depend on its place.
 */
const ROWS = 256;

/**
 * Run a network over rows of a table.
 *
 * @param columns  in the order of `post.columns`, all of one length; in the units of the tables
 * @returns values in the order of the rows. A row with a missing column takes the card's `fill` for it; where the card has none, the row is null
 * @throws {ModelError} when a column lacks, an output is of another shape, or a value is NaN or outside the card's range: the row is named
 */
export async function runRows(card: AnyCard, session: Session, columns: readonly RowColumn[]): Promise<RowResults> {
  if (!isTableCard(card)) throw new ModelError(`model ${card.name}: is of task ${card.task}, not regress-table`, { source: card.name });
  const { input: { name, fill, mean, std }, post } = card, count = columns[0]?.length ?? 0;
  if (columns.length !== post.columns.length || columns.some(({ length }) => length !== count)) {
    throw new ModelError(
      `model ${card.name}: needs ${post.columns.length} columns of one length (${post.columns.join(', ')}), got ${columns.map(({ length }) => length).join(', ')}`,
      { source: card.name },
    );
  }
  const kept = wholeRows(columns, count, fill), batch = rowsAtATime(session, name);
  const variables = Object.fromEntries(card.outputs.map(({ variable }) => [variable, new Array<number | null>(count).fill(null)]));
  for (let from = 0; from < kept.length; from += batch) {
    const rows = kept.subarray(from, from + batch), data = new Float32Array(batch * columns.length);
    rows.forEach((row, r) => columns.forEach((column, c) => {
      const value = column[row];
      data[r * columns.length + c] = ((isMissing(value) ? fill! : value) - (mean[c] ?? 0)) / (std[c] ?? 1);
    }));
    const tensors = await session.runFeeds({ [name]: { data, dims: [batch, columns.length] } });
    card.outputs.forEach((_, index) => takeRows(card, index, tensors, rows, batch, variables));
  }
  return { variables };
}

const isMissing = (value: number | null | undefined): value is null | undefined => value === null || value === undefined || Number.isNaN(value);

/** Indices of rows that can be run: all with a `fill`, else those without a missing value. */
function wholeRows(columns: readonly RowColumn[], count: number, fill: number | undefined): Int32Array {
  const kept = new Int32Array(count);
  let length = 0;
  for (let row = 0; row < count; row++) if (fill !== undefined || columns.every((column) => !isMissing(column[row]))) kept[length++] = row;
  return kept.subarray(0, length);
}

/** A graph that says how many rows it takes gets as many. */
function rowsAtATime({ inputs }: Session, name: string): number {
  const rows = inputs.find((input) => input.name === name)?.dims[0];
  return typeof rows === 'number' && rows > 0 ? rows : ROWS;
}

function takeRows(card: TableCard, index: number, tensors: Record<string, Tensor>, rows: Int32Array, batch: number, variables: Record<string, (number | null)[]>): void {
  const output = card.outputs[index]!, { name, variable, unit, channels, range } = output, tensor = tensors[name];
  if (!tensor) throw new ModelError(`model ${card.name}: gave no output ${name}; it gives ${Object.keys(tensors).join(', ')}: correct outputs on the card`, { source: card.name });
  const problem = shapeProblem(card, output, tensor.dims, batch);
  if (problem !== null) throw new ModelError(`model ${card.name}: ${problem}`, { source: card.name, dims: tensor.dims });
  rows.forEach((row, r) => {
    const value = activated(tensor.data.subarray(r * channels, (r + 1) * channels), output)[0]!;
    if (!isWithin(value, range, card.tolerance)) {
      const what = Number.isFinite(value) ? `${value} ${unit}, outside the card's range [${range.join(', ')}]` : String(value);
      throw new ModelError(
        `model ${card.name}, row ${row}: output ${name} (${variable}) is ${what}; check mean, std and the units of the columns ${card.post.columns.join(', ')}, or the range on the card`,
        { source: card.name, row, value },
      );
    }
    variables[variable]![row] = value;
  });
}

export const regressTable: RowTask = { reads: 'rows', runRows };
