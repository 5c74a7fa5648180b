import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

interface Output {
  output_type: string;
  name?: string;
  text?: string | string[];
  data?: Record<string, string | string[]>;
}
interface Notebook { cells: { id: string; cell_type: string; outputs?: Output[] }[] }

const notebooks = fileURLToPath(new URL('../../notebooks', import.meta.url)), file = join(notebooks, 'lidar-to-trees.ipynb');
const textOf = (text: string | string[] | undefined): string => (Array.isArray(text) ? text.join('') : text ?? '');
const readNotebook = (path: string): Notebook => JSON.parse(readFileSync(path, 'utf8')) as Notebook;
const outputsOf = ({ cells }: Notebook): Output[] => cells.flatMap(({ outputs = [] }) => outputs);
const picturesOf = (notebook: Notebook): Buffer[] => outputsOf(notebook).flatMap(({ data }) => (data?.['image/png'] ? [Buffer.from(textOf(data['image/png']), 'base64')] : []));
const tablesOf = (notebook: Notebook): string[] => outputsOf(notebook).flatMap(({ data }) => (data?.['text/markdown'] ? [textOf(data['text/markdown'])] : []));

describe('the notebook as it is committed', () => {
  const notebook = readNotebook(file);

  test('carries its outputs, so that it can be read without being run, in less than 200 kB of pictures', () => {
    expect(picturesOf(notebook)).toHaveLength(2);
    expect(picturesOf(notebook).reduce((sum, png) => sum + png.length, 0)).toBeLessThan(200_000);
    expect(tablesOf(notebook)).toHaveLength(6);
  });

  test('holds no path of the machine that it was executed on', () => {
    const words = outputsOf(notebook).map(({ text, data }) => textOf(text) + textOf(data?.['text/markdown']) + textOf(data?.['text/plain'])).join('\n');
    expect(words).not.toMatch(/\/tmp\/|\/home\/|\/root\/|\\Users\\/);
  });
});

/** The Python that has Jupyter: Debian's, or the one of the path. */
const python = ['/usr/bin/python3', 'python3'].find((command) => spawnSync(command, ['-c', 'import nbconvert, ipykernel, jupyter_client']).status === 0);
const tslab = join(notebooks, 'node_modules', 'tslab', 'bin', 'tslab'), lacks = !python ? 'Jupyter (nbconvert, ipykernel) is not installed' : !existsSync(tslab) ? 'its kernel is not installed: npm ci --prefix notebooks' : null;
if (lacks) console.warn(`the notebook is not executed: ${lacks}`);

describe.skipIf(lacks !== null)('the notebook executed afresh', () => {
  let notebook: Notebook, dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'understory-notebook-'));
    const bin = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));
    const env = {
      ...process.env, TMPDIR: dir, PATH: [join(notebooks, 'node_modules', '.bin'), bin, process.env['PATH']].join(delimiter), // the kernel's `node` is this one
      JUPYTER_DATA_DIR: join(dir, 'data'), JUPYTER_CONFIG_DIR: join(dir, 'config'), JUPYTER_RUNTIME_DIR: join(dir, 'runtime'), IPYTHONDIR: join(dir, 'ipython'),
    };
    const run = (command: string, words: string[]): void => {
      const { status, stderr } = spawnSync(command, words, { cwd: notebooks, env, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr}`);
    };
    run(process.execPath, [tslab, 'install', '--user', '--python', python!]);
    run(python!, ['-m', 'nbconvert', '--to', 'notebook', '--execute', '--ExecutePreprocessor.timeout=300', '--output-dir', dir, '--output', 'executed.ipynb', file]);
    notebook = readNotebook(join(dir, 'executed.ipynb'));
  }, 400_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('no cell says a word on stderr, and none stops', () => {
    const wrong = notebook.cells.flatMap(({ id, outputs = [] }) => outputs.filter((output) => output.output_type === 'error' || output.name === 'stderr').map(({ text }) => `${id}: ${textOf(text)}`));
    expect(wrong).toEqual([]);
  });

  test('the canopy and the heights come out as pictures', () => {
    const pictures = picturesOf(notebook);
    expect(pictures).toHaveLength(2);
    for (const png of pictures) expect(png.subarray(1, 4).toString()).toBe('PNG');
    // 131 m x 111 m at 0.5 m, 3 pixels each
    expect([pictures[0]!.readUInt32BE(16), pictures[0]!.readUInt32BE(20)]).toEqual([131 * 2 * 3, 111 * 2 * 3]);
  });

  test('all four stands have limits of stems and basal area that hold the figure', () => {
    const stands = tablesOf(notebook).find((table) => table.includes('stems by plots'))!.split('\n').filter((line) => /^\| 10[1-4] /.test(line));
    expect(stands).toHaveLength(4);
    for (const line of stands) {
      const figures = [...line.matchAll(/([\d.]+) \(([\d.]+) to ([\d.]+)\)/g)].map(([, value, lo, hi]) => [Number(value), Number(lo), Number(hi)] as const);
      expect(figures).toHaveLength(2);
      for (const [value, lo, hi] of figures) expect(lo < value && value < hi).toBe(true);
    }
  });
});
