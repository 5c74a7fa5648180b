// cli/text.ts: how commands lay out text: aligned columns, sections, bytes. Pure.

/** Rows with their cells aligned, two blanks apart; the last cell runs on. */
export function columnsText(rows: readonly (readonly string[])[], indent = ''): string {
  const last = Math.max(0, ...rows.map((row) => row.length)) - 1;
  const widths = Array.from({ length: last }, (_, i) => Math.max(0, ...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) => `${indent}${row.map((cell, i) => (i === last ? cell : cell.padEnd(widths[i]!))).join('  ')}`.trimEnd()).join('\n');
}

/** A heading and what stands under it; nothing for nothing. */
export const section = (title: string, body: string): string => (body === '' ? '' : `${title}\n${body}\n`);

/** Bytes in the unit that leaves few digits: 0 B, 12 KB, 3.4 MB, 2.1 GB. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes, unit = 0;
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** 1234567 as 1,234,567 */
export const countText = (count: number): string => count.toLocaleString('en-US');
