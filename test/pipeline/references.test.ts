import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDuck } from '../../src/store/duck.ts';
import { runVariant, writeVariant } from './survey.ts';

const tiny = fileURLToPath(new URL('../../data-samples/tiny/', import.meta.url));
let scratch: string, job: string;

/** The sample with its field plots as input and as reference. */
async function writeWithPlots(dir: string, tileM: number): Promise<string> {
  const path = await writeVariant(dir, {
    tileM, edit: (text) => `${text.replace('  stands:', '  plots: { file: plots.csv, trees: plot_trees.csv }\n  stands:')}reference: { plots: plots.csv, trees: plot_trees.csv }\n`,
  });
  for (const name of ['plots.csv', 'plot_trees.csv']) await cp(join(tiny, name), join(dir, name));
  return path;
}

async function rowsOf(path: string, sql: string): Promise<unknown[][]> {
  const duck = await openDuck(join(dirname(path), 'out', 'survey.duckdb'), { readOnly: true });
  try {
    return (await duck.connection.runAndReadAll(sql)).getRowsJS();
  } finally {
    duck.close();
  }
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'understory-references-'));
  job = await writeWithPlots(join(scratch, 'whole'), 500);
  await runVariant(job);
});
afterAll(() => rm(scratch, { recursive: true }));

test('the plots of the job are tables, and tell how many of the trees that stand there are found', async () => {
  const trees = (await readFile(join(tiny, 'plot_trees.csv'), 'utf8')).trim().split('\n').length - 1;
  expect(await rowsOf(job, 'SELECT (SELECT count(*)::INT FROM plot), (SELECT count(*)::INT FROM plot_tree)')).toEqual([[3, trees]]);
  expect(await rowsOf(job, "SELECT rate > 0.2 AND rate < 1.5, source FROM detection WHERE layer = 'all'")).toEqual([[true, 'plots.csv']]);
  const [[found, corrected, low, high]] = await rowsOf(job, 'SELECT stems_per_ha, stems_per_ha_corrected, stems_per_ha_corrected_lo, stems_per_ha_corrected_hi FROM survey_metrics') as [number[]];
  expect(low!).toBeLessThan(corrected!);
  expect(high!).toBeGreaterThan(corrected!);
  const [[rate]] = await rowsOf(job, "SELECT rate FROM detection WHERE layer = 'all'") as [number[]];
  expect(corrected! / found!).toBeCloseTo(1 / rate!, 5); // 45 trees of three plots are one class
});

test('the reference is evaluated in each merge, the same in other tiles', async () => {
  const evaluation = 'SELECT * FROM evaluation ORDER BY ALL', known = await rowsOf(job, evaluation);
  expect(known.length).toBeGreaterThan(10);
  const small = await writeWithPlots(join(scratch, 'small'), 60);
  await runVariant(small);
  expect(await rowsOf(small, evaluation)).toEqual(known);
});

test('an edited plot merges again and computes nothing else', async () => {
  const file = join(dirname(job), 'plots.csv');
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^P3.*$/m, ''));
  const { result } = await runVariant(job);
  expect(result.tasksRun).toBe(1);
  expect(await rowsOf(job, 'SELECT count(*)::INT FROM plot')).toEqual([[2]]);
});
