import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));

/** The folders in the order in which data flows. */
const ORDER = ['files', 'geo', 'raster', 'cloud', 'ingest', 'tile', 'infer', 'fuse', 'measure', 'store', 'evaluate', 'export', 'report', 'serve', 'pipeline', 'cli'];

async function imports(): Promise<{ file: string; from: string; to: string; specifier: string }[]> {
  const files = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const found = await Promise.all(files.map(async (file) => {
    const text = await readFile(join(src, file), 'utf8');
    const specifiers = [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, specifier]) => specifier!);
    return specifiers.map((specifier) => {
      const target = specifier.startsWith('.') ? relative(src, join(src, dirname(file), specifier)) : '';
      return { file, from: file.includes(sep) ? file.split(sep)[0]! : '', to: target.includes(sep) && !target.startsWith('..') ? target.split(sep)[0]! : '', specifier };
    });
  }));
  return found.flat();
}

test('a folder imports only from folders before it', async () => {
  const all = await imports(), rank = (folder: string) => ORDER.indexOf(folder);
  expect(all.length).toBeGreaterThan(300);
  expect(all.filter(({ from, to }) => from !== '' && to !== '' && rank(to) > rank(from)).map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
  expect([...new Set(all.map(({ from }) => from))].filter((folder) => folder !== '' && rank(folder) < 0)).toEqual([]);
});

test('one file imports ONNX Runtime, only the store imports DuckDB, and pure kernels import no IO', async () => {
  const all = await imports(), importers = (name: string) => [...new Set(all.filter(({ specifier }) => specifier === name).map(({ file }) => file))];
  expect(importers('onnxruntime-node')).toEqual([join('infer', 'session-worker.ts')]);
  expect(importers('@duckdb/node-api').every((file) => file.startsWith(`store${sep}`))).toBe(true);
  const io = all.filter(({ from, specifier }) => ['raster', 'cloud', 'measure', 'fuse', 'evaluate'].includes(from) && /^node:(fs|child_process|net|http|worker_threads)/.test(specifier));
  expect(io.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
});
