import { afterAll, describe, expect, test } from 'vitest';
import { classValue, cropWindow, runCrops } from '../../src/infer/classify.ts';
import type { ReadInput } from '../../src/infer/input.ts';
import type { Session } from '../../src/infer/session.ts';
import { lattice } from './fixtures.ts';
import { closeSessions, imageOf, plain, sampleCardOf, saying, sessionOf, tensor } from './detect-fixtures.ts';

afterAll(closeSessions);
const card = sampleCardOf('classify-red', 'classify');

describe('a crop', () => {
  test('is the patch about the pixel that holds the crown: 24 pixels from 12 before it', () => {
    // x 10.2 m is column 20 of 0.5 m, y 7.3 m row -15: [7, 7.5)
    expect(cropWindow({ xM: 10.2, yM: 7.3 }, lattice, 24)).toEqual({ col: 8, row: -27, width: 24, height: 24 });
    expect(cropWindow({ xM: 10, yM: 7 }, lattice, 24)).toEqual(cropWindow({ xM: 10.49999, yM: 7.49999 }, lattice, 24));
    expect(cropWindow({ xM: 10.5, yM: 7.5 }, lattice, 24)).toEqual({ col: 9, row: -28, width: 24, height: 24 });
    expect(cropWindow({ xM: 10.2, yM: 7.3 }, { resM: 0.5, x0M: 0.3, y0M: -0.3 }, 5)).toEqual({ col: 17, row: -18, width: 5, height: 5 });
  });
});

describe('crowns by the mean red of their crops and their height', () => {
  // logits of alive: (128 - red + height) / 16, of dead the opposite: P(dead) = 1 / (1 + e^((128 - red + height) / 8))
  const byHand = (red: number, heightM: number) => 1 / (1 + Math.exp((128 - red + heightM) / 8));
  const western = imageOf((col, _, band) => (band === 0 ? (col < 200 ? 144 : 120) : 0));
  const crowns = [{ xM: 50, yM: 50 }, { xM: 50, yM: 20 }, { xM: 150, yM: 50 }, { xM: 100, yM: 50 }], heights = [0, 16, 0, 0];
  const run = async (session: Session, readInput: ReadInput = western, table: (number | null)[] = heights) => runCrops(card, session, readInput, lattice, crowns, [table]);

  test('red 144 and 0 m is dead with 0.88; with 16 m it is a tie, and the first class stands', async () => {
    const results = await run(await sessionOf('classify-red')), reds = [144, 144, 120, 132]; // the last crop lies half in the west
    expect(results.map((result) => result!.classIndex)).toEqual([1, 0, 0, 1]);
    results.forEach((result, i) => {
      expect(result!.probabilities[1]).toBeCloseTo(byHand(reds[i]!, heights[i]!), 6);
      expect(result!.probabilities[0]! + result!.probabilities[1]!).toBeCloseTo(1, 6);
    });
    expect(results[0]!.probabilities[1]).toBeCloseTo(0.880797, 5);
  });

  test('in batches of 3 they are the same', async () => {
    const session = await sessionOf('classify-red'), one = await run(session), three = await run({ ...session, batch: 3 });
    expect(three.map((result) => result!.classIndex)).toEqual(one.map((result) => result!.classIndex));
    three.forEach((result, i) => expect(result!.probabilities[1]).toBeCloseTo(one[i]!.probabilities[1]!, 6));
  });

  test('nothing is said of a crown whose crop is valid by less than half, or whose height is missing without a fill', async () => {
    const session = await sessionOf('classify-red'), cut = (end: number): ReadInput => imageOf((col, _, band) => (col >= end ? null : band === 0 ? 144 : 0));
    // the crop of the first crown has columns 88 to 111: up to 100 is half of it
    expect((await run(session, cut(100))).map((result) => result !== null)).toEqual([true, true, false, false]);
    expect((await run(session, cut(99))).map((result) => result !== null)).toEqual([false, false, false, false]);
    expect((await run(session, western, [0, null, NaN, 0])).map((result) => result !== null)).toEqual([true, false, false, true]);
    const filled = sampleCardOf('classify-red', 'classify', (record) => { record.input.table.fill = 16; });
    const [, second] = await runCrops(filled, session, western, lattice, crowns, [[0, null, 0, 0]]);
    expect(second!.probabilities[1]).toBeCloseTo(0.5, 6);
  });

  test('columns that lack, and probabilities that are none, are named', async () => {
    await expect(runCrops(card, saying({}), plain, lattice, crowns)).rejects.toThrow(/needs 1 columns of 4 crowns \(height_m\), got none/);
    await expect(run(saying({ logits: tensor([NaN, 1], [1, 2]) }))).rejects.toThrow(/classify-red, crown 0: output logits is NaN/);
    const raw = sampleCardOf('classify-red', 'classify', (record) => { delete record.outputs[0].activation; });
    await expect(runCrops(raw, saying({ logits: tensor([3, -3], [1, 2]) }), plain, lattice, [crowns[0]!], [[0]])).rejects.toThrow(/output logits is 3, outside the card's range \[0, 1\]; give its activation \(softmax\)/);
  });
});

test('a class stands for what the card maps it to, if it is probable enough', () => {
  const species = sampleCardOf('classify-red', 'classify', (record) => Object.assign(record.post, { classes: ['angiosperm', 'Pinus jeffreyi'], map: { 'Pinus jeffreyi': 'gymnosperm' }, gives: 'species_group', min_probability: 0.6 }));
  expect(classValue(species, { classIndex: 1, probabilities: [0.3, 0.7] })).toBe('gymnosperm');
  expect(classValue(species, { classIndex: 0, probabilities: [0.6, 0.4] })).toBe('angiosperm');
  expect(classValue(species, { classIndex: 0, probabilities: [0.59, 0.41] })).toBeNull();
  expect(classValue(species, null)).toBeNull();
});
