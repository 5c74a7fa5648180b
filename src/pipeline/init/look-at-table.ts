// pipeline/init/look-at-table.ts: a CSV by its header: plots, trees on plots, or what it lacks to be one. IO.
import { openFile } from '../../files/byte-source.ts';
import type { Sighting } from './sighting.ts';

const FRONT_BYTES = 64 * 1024;
const PLOTS = ['plot_id', 'x', 'y', 'radius_m'], PLOT_TREES = ['plot_id', 'tree_no'], MEASURED = ['dbh_cm', 'height_m'];

export async function lookAtTable(path: string, name: string): Promise<Sighting> {
  const columns = await headerOf(path), has = (wanted: readonly string[]) => wanted.every((column) => columns.includes(column));
  const found = `columns ${columns.slice(0, 12).join(', ')}${columns.length > 12 ? ' ...' : ''}`;
  if (has(PLOTS)) return { kind: 'plots', path: name, reason: found };
  if (has(PLOT_TREES) && MEASURED.some((column) => columns.includes(column))) return { kind: 'plot_trees', path: name, reason: found };
  const lacking = PLOTS.filter((column) => !columns.includes(column)).join(', ');
  if (columns.some((column) => /plot/i.test(column)) && columns.some((column) => /radius/i.test(column))) return { kind: 'unused', path: name, reason: `perhaps plots: to be read as such it lacks the column(s) ${lacking}; it has ${found}` };
  if (has(['x', 'y']) && columns.some((column) => /height|dbh/i.test(column))) return { kind: 'unused', path: name, reason: `perhaps mapped trees: understory evaluate TARGET --reference ${name} compares them with the inventory` };
  return { kind: 'unused', path: name, reason: `no plots (${PLOTS.join(', ')}) and no trees of plots (${PLOT_TREES.join(', ')}, ${MEASURED.join(' or ')}): ${found}` };
}

async function headerOf(path: string): Promise<string[]> {
  const source = await openFile(path);
  try {
    const front = new TextDecoder().decode(await source.read(0, Math.min(FRONT_BYTES, source.size))), [line = ''] = front.replace(/^\uFEFF/, '').split(/\r?\n/);
    const separator = [',', ';', '\t'].map((each) => ({ each, count: line.split(each).length })).sort((a, b) => b.count - a.count)[0]!.each;
    return line.split(separator).map((column) => column.trim().replace(/^"(.*)"$/, '$1')).filter((column) => column !== '');
  } finally {
    await source.close();
  }
}
