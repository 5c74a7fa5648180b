// bench/defaults/tables.ts: markdown tables, and the few statistics that stand in them. Pure.

export type Entry = string | number | null;

/** A table of markdown; a number is printed with `decimals` places, whole ones as they are, null as none. */
export function markdownTable(head: readonly string[], rows: readonly (readonly Entry[])[], decimals = 2): string {
  const text = (entry: Entry): string => (entry === null || Number.isNaN(entry) ? 'none' : typeof entry === 'string' || Number.isInteger(entry) ? String(entry) : entry.toFixed(decimals));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map((row) => line(row.map(text)))].join('\n');
}

export const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
export const rmseOf = (errors: readonly number[]): number => Math.sqrt(meanOf(errors.map((error) => error ** 2)));
export const shareOf = <T>(values: readonly T[], holds: (value: T) => boolean): number => values.filter(holds).length / values.length;

/** Quantile by linear interpolation (type 7). */
export function quantileOf(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b), at = q * (sorted.length - 1), below = Math.floor(at);
  return sorted[below]! + (at - below) * ((sorted[below + 1] ?? sorted[below]!) - sorted[below]!);
}

/** Median of absolute values, RMSE, mean, and the share of absolute values up to 0.5: how two surfaces differ. */
export const differences = (errors: readonly number[]): number[] =>
  [quantileOf(errors.map(Math.abs), 0.5), rmseOf(errors), meanOf(errors), shareOf(errors, (error) => Math.abs(error) <= 0.5)];

/** Records of a CSV by column name; quotes are taken off, no field holds a line break. */
export function csvRecords(text: string): Record<string, string>[] {
  const cellsOf = (line: string): string[] => Array.from(line.matchAll(/("([^"]*)"|[^,]*)(?:,|$)/g), ([, bare, quoted]) => quoted ?? bare!);
  const [head, ...lines] = text.trim().split(/\r?\n/), names = cellsOf(head!);
  return lines.map((line) => {
    const cells = cellsOf(line);
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']));
  });
}
