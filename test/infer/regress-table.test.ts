import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { floats, modelBytes, node, value } from '../../data-samples/make/onnx-nodes.ts';
import { runRows } from '../../src/infer/regress-table.ts';
import { openSession } from '../../src/infer/session.ts';
import { closeSessions, sampleCardOf, saying, sessionOf, tensor } from './detect-fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'understory-table-'));
afterAll(async () => {
  await closeSessions();
  rmSync(folder, { recursive: true });
});
const card = sampleCardOf('table-agb', 'regress-table');

describe('biomass of cells: 4 zq95 + 0.5 cover + 1 Mg/ha, with a deviation of zq95 / 4', () => {
  test('20 m and a cover of 80 % are 121 +- 5 Mg/ha; a row with a missing column is null, not zero', async () => {
    const { variables } = await runRows(card, await sessionOf('table-agb'), [[20, null, 12, NaN, 0], [80, 50, null, 10, 0]]);
    expect(variables).toEqual({ agb: [121, null, null, null, 1], agb_sd: [5, null, null, null, 0] });
  });

  test('the card\'s fill stands for what is missing; mean and std are those of the columns', async () => {
    const filled = sampleCardOf('table-agb', 'regress-table', (record) => Object.assign(record.input, { fill: 10, mean: [8, 0], std: [2, 1] }));
    const { variables } = await runRows(filled, await sessionOf('table-agb'), [[null, 12], [4, null]]);
    expect(variables['agb']).toEqual([7, 14]); // (10 - 8) / 2 = 1: 4 + 2 + 1;  (12 - 8) / 2 = 2: 8 + 5 + 1
  });

  test('a survey without rows has none', async () => {
    expect(await runRows(card, saying({}), [[], []])).toEqual({ variables: { agb: [], agb_sd: [] } });
  });

  test.each<[string, number, RegExp]>([['outside the range', 600, /table-agb, row 1: output agb \(agb\) is 2401 Mg\/ha, outside the card's range \[0, 2000\]/], ['not finite', Infinity, /row 1: output agb \(agb\) is (NaN|Infinity);/]])('a value %s is named with its row', async (_, zq95, message) => {
    await expect(runRows(card, await sessionOf('table-agb'), [[20, zq95], [80, 0]])).rejects.toThrow(message);
  });

  test('columns that lack and outputs of another shape are named', async () => {
    await expect(runRows(card, saying({}), [[1, 2]])).rejects.toThrow(/needs 2 columns of one length \(zq95, cover_first_returns\), got 2/);
    await expect(runRows(card, saying({ agb: tensor([1, 2], [1, 2]) }), [[1], [2]])).rejects.toThrow(/output agb is 1 x 2, the card promises 256 x 2/);
  });

  test('a graph that takes a row at a time gets a row at a time', async () => {
    let calls = 0;
    const session = { ...saying({}), inputs: [{ name: 'table', type: 'float32', dims: [1, 2] }], runFeeds: async () => ({ agb: tensor([++calls, 0], [1, 2]) }) };
    expect((await runRows(card, session, [[1, 2, 3], [1, 2, 3]])).variables['agb']).toEqual([1, 2, 3]);
  });
});

test('a row\'s result does not depend on the rows beside it: 700 rows in any order and cut give the same bits', async () => {
  // layers of 7, 13 and 1 with tanh, sigmoid and exp: sizes that no vector width divides
  const weights = (n: number, seed: number) => Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed) * 0.9);
  const path = join(folder, 'mlp.onnx');
  writeFileSync(path, modelBytes('mlp', {
    inputs: [value('table', ['rows', 2])], outputs: [value('agb', ['rows', 1])],
    nodes: [
      node('Gemm', ['table', 'w1', 'b1'], ['h1']), node('Tanh', ['h1'], ['t1']), node('Gemm', ['t1', 'w2', 'b2'], ['h2']), node('Sigmoid', ['h2'], ['t2']),
      node('Gemm', ['t2', 'w3', 'b3'], ['h3']), node('Exp', ['h3'], ['agb']),
    ],
    constants: [floats('w1', weights(14, 1), [2, 7]), floats('b1', weights(7, 2)), floats('w2', weights(91, 3), [7, 13]), floats('b2', weights(13, 4)), floats('w3', weights(13, 5), [13, 1]), floats('b3', [0.3])],
  }));
  const mlp = sampleCardOf('table-agb', 'regress-table', (record) => { record.outputs = [{ name: 'agb', variable: 'agb', unit: 'Mg/ha', range: [0, 2000] }]; });
  const session = await openSession(path, { providers: ['cpu'] }), rows = Array.from({ length: 700 }, (_, i) => [Math.sin(i) * 3, Math.cos(i * 1.7) * 2] as const);
  const run = async (order: number[]) => (await runRows(mlp, session, [order.map((i) => rows[i]![0]), order.map((i) => rows[i]![1])])).variables['agb']!;
  const whole = await run(rows.map((_, i) => i));
  expect(new Set(whole).size).toBeGreaterThan(600);
  await fc.assert(fc.asyncProperty(fc.shuffledSubarray(rows.map((_, i) => i), { minLength: 1 }), async (order) => {
    expect(await run(order)).toEqual(order.map((i) => whole[i]));
  }), { seed: 3, numRuns: 15 });
  await session.close();
});
