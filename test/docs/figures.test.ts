import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { standMetrics } from '../../src/store/columns/views.ts';
import { cell } from '../../src/store/columns/inventory.ts';

const docs = fileURLToPath(new URL('../../docs', import.meta.url)), figures = join(docs, 'figures');
const read = (path: string): string => readFileSync(path, 'utf8');
const pagesIn = (dir: string): string[] => readdirSync(dir).filter((name) => name.endsWith('.md')).map((name) => join(dir, name));
/** What a page writes as code: `stems_per_ha`. */
const codeOf = (page: string): Set<string> => new Set([...page.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!));

test('every column of stand_metrics has its page among the figures', () => {
  const named = new Set(pagesIn(figures).flatMap((path) => [...codeOf(read(path))]));
  expect(standMetrics.columns.map(({ name }) => name).filter((name) => !named.has(name))).toEqual([]);
});

test('every flag that stand_metrics may set is explained on the page of the valid area', () => {
  const { meaning } = standMetrics.columns.find(({ name }) => name === 'flags')!, flags = meaning.replaceAll(/ \([^)]*\)/g, '').split(': ')[1]!.split(', '), named = codeOf(read(join(figures, 'valid-area.md')));
  expect(flags.length).toBeGreaterThan(4);
  expect(flags.filter((flag) => !named.has(flag))).toEqual([]);
});

test('every metric of a cell is named on its page, one by one or as a series', () => {
  const named = [...codeOf(read(join(figures, 'cells.md')))];
  const isSeries = (name: string): boolean => /^[fl]_/.test(name) || named.includes(name.replace(/\d+/, (digits) => (name.startsWith('zq') ? '5' : name.startsWith('ipcumzq') ? '10' : digits && '1')));
  const fixed = ['cell_id', 'tile', 'x_m', 'y_m'];
  expect(cell.columns.map(({ name }) => name).filter((name) => !fixed.includes(name) && !named.includes(name) && !isSeries(name))).toEqual([]);
});

test('the index links every page of docs', () => {
  const links = new Set(linksOf(join(docs, 'README.md')));
  const pages = [...pagesIn(docs), ...pagesIn(figures)].filter((path) => path !== join(docs, 'README.md'));
  expect(pages.filter((path) => !links.has(path)).map((path) => relative(docs, path))).toEqual([]);
});

test('a link from a page of docs leads to a file that is there', () => {
  const broken = [...pagesIn(docs), ...pagesIn(figures)].flatMap((page) => linksOf(page).filter((path) => !existsSync(path)).map((path) => `${relative(docs, page)}: ${relative(docs, path)}`));
  expect(broken).toEqual([]);
});

function linksOf(page: string): string[] {
  return [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, to]) => resolve(dirname(page), to!));
}
