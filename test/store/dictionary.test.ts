import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { dictionary } from '../../src/store/dictionary.ts';

test('docs/tables.md is what the definitions say (npx node docs/make-tables.ts writes it anew)', async () => {
  expect(await readFile(new URL('../../docs/tables.md', import.meta.url), 'utf8')).toBe(dictionary());
});
