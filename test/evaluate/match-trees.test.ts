import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidInput } from '../../src/errors.ts';
import type { TreePlace } from '../../src/evaluate/match-trees.ts';
import { MATCH_LIMITS, distanceLimitM, heightLimitM, matchTrees, scoreMatches } from '../../src/evaluate/match-trees.ts';

const tree = (xM: number, yM: number, heightM: number): TreePlace => ({ xM, yM, heightM });
const links = (found: TreePlace[], reference: TreePlace[]): [number, number][] => matchTrees(found, reference).map((pair) => [pair.found, pair.reference]);

describe('limits', () => {
  test('a tree of 10 m is looked for within 2 m, one of 30 m or more within 4 m', () => {
    expect([10, 30, 50].map((h) => distanceLimitM(MATCH_LIMITS, h))).toEqual([2, 4, 4]);
  });

  test('heights may differ by 15 % of the reference, and by 2 m for small trees', () => {
    expect([5, 40].map((h) => heightLimitM(MATCH_LIMITS, h))).toEqual([2, 6]);
  });

  test('a tree of 20 m is matched at 2.9 m and not at 3.1 m', () => {
    expect(links([tree(2.9, 0, 20)], [tree(0, 0, 20)])).toEqual([[0, 0]]);
    expect(links([tree(3.1, 0, 20)], [tree(0, 0, 20)])).toEqual([]);
  });

  test('the tree below another is not matched with the crown above it', () => {
    expect(links([tree(0, 0, 20)], [tree(0.2, 0, 6), tree(0.5, 0, 19.6)])).toEqual([[0, 1]]);
  });
});

describe('the best assignment', () => {
  test('each tree is matched once: of two tops in one crown one is false', () => {
    expect(links([tree(-0.5, 0, 20), tree(1, 0, 20)], [tree(0, 0, 20)])).toEqual([[0, 0]]);
  });

  test('the nearest pair is not taken where that leaves its neighbours without', () => {
    // nearest first would pair found 0 with reference 1 (0.9 m) and leave found 1, 3.1 m from reference 0, alone
    const found = [tree(1.2, 0, 20), tree(3.1, 0, 20)], reference = [tree(0, 0, 20), tree(2.1, 0, 20)];
    // gains: 0-0 1 - 1.44/9 = 0.84, 1-1 1 - 1/9 = 0.89; 0-1 alone 1 - 0.81/9 = 0.91
    expect(links(found, reference)).toEqual([[0, 0], [1, 1]]);
  });

  test('a missed and a false tree at the ends of a row do not shift its pairs', () => {
    // trees 2.9 m apart: shifted by one, all five found trees could be paired at 2.9 m, next to the limit of 3 m
    const row = [0, 1, 2, 3, 4, 5].map((k) => tree(2.9 * k, 0, 20));
    expect(links(row.slice(1), row.slice(0, 5))).toEqual([[0, 1], [1, 2], [2, 3], [3, 4]]);
  });

  test('scores by hand: 3 of 4 found are right, 3 of 5 trees are found', () => {
    const reference = [tree(0, 0, 20), tree(10, 0, 20), tree(20, 0, 20), tree(30, 0, 20), tree(40, 0, 20)];
    const found = [tree(0, 0, 21), tree(10, 0, 19), tree(20, 1, 20.6), tree(100, 0, 20)];
    const scores = scoreMatches(matchTrees(found, reference), found.length, reference.length);
    expect(scores).toMatchObject({ pairs: 3, precision: 0.75, recall: 0.6 });
    expect(scores.f1).toBeCloseTo(2 * 0.75 * 0.6 / 1.35, 12);
    expect(scores.heightBiasM).toBeCloseTo(0.2, 12); // (1 - 1 + 0.6) / 3
    expect(scores.heightRmseM).toBeCloseTo(Math.sqrt((1 + 1 + 0.36) / 3), 12);
  });

  test('nothing found has no precision, nothing there no recall', () => {
    expect(scoreMatches([], 0, 3)).toMatchObject({ precision: null, recall: 0, f1: 0, heightRmseM: null });
    expect(scoreMatches([], 2, 0)).toMatchObject({ precision: 0, recall: null, f1: 0 });
    expect(matchTrees([], [tree(0, 0, 1)])).toEqual([]);
  });

  test('a tree without height is refused by its number', () => {
    expect(() => matchTrees([tree(0, 0, 5), tree(1, 1, NaN)], [tree(0, 0, 5)])).toThrow(InvalidInput);
  });
});

const gainOf = (a: TreePlace, b: TreePlace): number =>
  1 - ((a.xM - b.xM) ** 2 + (a.yM - b.yM) ** 2) / distanceLimitM(MATCH_LIMITS, b.heightM) ** 2 - ((a.heightM - b.heightM) / heightLimitM(MATCH_LIMITS, b.heightM)) ** 2;

/** The largest sum of gains over every way to pair `found` with `reference`. */
function bestByTrying(found: TreePlace[], reference: TreePlace[], taken = 0): number {
  const [first, ...rest] = found;
  if (!first) return 0;
  let best = bestByTrying(rest, reference, taken);
  reference.forEach((other, j) => {
    const gain = gainOf(first, other);
    if (gain > 0 && (taken & (1 << j)) === 0) best = Math.max(best, gain + bestByTrying(rest, reference, taken | (1 << j)));
  });
  return best;
}

const place = fc.record({ xM: fc.integer({ min: 0, max: 60 }), yM: fc.integer({ min: 0, max: 60 }), heightM: fc.integer({ min: 30, max: 60 }) })
  .map(({ xM, yM, heightM }) => tree(xM / 10, yM / 10, heightM / 4)); // a crowd: 6 x 6 m, many rivals, many ties
const crowd = fc.array(place, { maxLength: 7 });

describe('against every way to pair', () => {
  test('no pairing gains more, no tree is used twice, no pair is beyond the limits', () => {
    fc.assert(fc.property(crowd, crowd, (found, reference) => {
      const pairs = matchTrees(found, reference), gains = pairs.map((pair) => gainOf(found[pair.found]!, reference[pair.reference]!));
      expect(gains.every((gain) => gain > 0)).toBe(true);
      expect(new Set(pairs.map((pair) => pair.found)).size).toBe(pairs.length);
      expect(new Set(pairs.map((pair) => pair.reference)).size).toBe(pairs.length);
      expect(gains.reduce((sum, gain) => sum + gain, 0)).toBeCloseTo(bestByTrying(found, reference), 9);
    }), { seed: 5, numRuns: 400 });
  });

  test('the order of trees changes no pair', () => {
    const distinct = fc.uniqueArray(place, { maxLength: 30, selector: (t) => `${t.xM} ${t.yM} ${t.heightM}` });
    fc.assert(fc.property(distinct, distinct, (found, reference) => {
      const named = (f: TreePlace[], r: TreePlace[]): string[] => matchTrees(f, r).map((pair) => JSON.stringify([f[pair.found], r[pair.reference]])).sort();
      expect(named(found.toReversed(), reference.toReversed())).toEqual(named(found, reference));
    }), { seed: 6, numRuns: 100 });
  });

  test('of two equally good tops the western one is taken, whichever comes first', () => {
    const [west, east] = [tree(-1, 0, 20), tree(1, 0, 20)];
    expect(links([west, east], [tree(0, 0, 20)])).toEqual([[0, 0]]);
    expect(links([east, west], [tree(0, 0, 20)])).toEqual([[1, 0]]);
  });

  test('ten thousand trees in one crowded stand are matched with themselves', () => {
    const grid = Array.from({ length: 10_000 }, (_, k) => tree((k % 100) * 1.5, Math.floor(k / 100) * 1.5, 20 + (k % 7) * 0.3));
    const found = grid.map((t) => tree(t.xM + 0.3, t.yM - 0.2, t.heightM + 0.1));
    const pairs = matchTrees(found, grid);
    expect(pairs).toHaveLength(10_000);
    expect(pairs.every((pair) => pair.found === pair.reference)).toBe(true);
  });
});
