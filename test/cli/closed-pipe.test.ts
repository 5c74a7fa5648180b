import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDuck } from '../../src/store/duck.ts';
import { createSchema } from '../../src/store/schema.ts';

const program = fileURLToPath(new URL('../../bin/understory.js', import.meta.url));
let dir: string, database: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'understory-pipe-'));
  database = join(dir, 'survey.duckdb');
  const duck = await openDuck(database);
  await createSchema(duck.connection);
  duck.close();
});
afterAll(() => rm(dir, { recursive: true }));

/** What a shell shows of `understory ... | head -2`: the lines, then the exit code of understory, then all that it said. */
function firstLines(...args: string[]): string[] {
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
  const text = execFileSync('sh', ['-c', `{ ${words}; echo "exit $?" >&2; } 2>'${join(dir, 'said')}' | head -2; cat '${join(dir, 'said')}'`], { encoding: 'utf8' });
  return text.trimEnd().split('\n').map((line) => line.trim());
}

test('rows of a query that nobody reads to the end end quietly, long before the last', () => {
  expect(firstLines('query', database, 'SELECT range AS n FROM range(50000000)', '--format', 'csv')).toEqual(['n', '0', 'exit 0']);
});

test('as they do where all of them fit into the pipe, and for other text', () => {
  expect(firstLines('query', database, 'SELECT range AS n FROM range(20000)', '--format', 'csv').slice(1)).toEqual(['0', 'exit 0']);
  expect(firstLines('schema', 'job').slice(2)).toEqual(['exit 0']);
});
