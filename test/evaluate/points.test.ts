import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { greedyDifference, scorePoints } from '../../src/evaluate/points.ts';
import type { Place } from '../../src/evaluate/pair-tally.ts';
import type { PointScene } from '../../src/evaluate/points.ts';
import { mostPairs } from '../../src/evaluate/pairs.ts';
import type { Candidate } from '../../src/evaluate/pairs.ts';

const places = (...pairs: [number, number][]): Place[] => pairs.map(([xM, yM]) => ({ xM, yM }));
const scene = (picture: string, found: Place[], reference: Place[]): PointScene => ({ picture, unitAt: () => picture, strata: [], found, reference });
const valueOf = (scenes: PointScene[], radiusM: number, metric: string, stratum = 'all') => scorePoints(scenes, radiusM).find((score) => score.stratum === stratum && score.metric === `${metric}_at_${radiusM}m`)?.value;

describe('points', () => {
  test('three found, four standing, two within 6 m: precision 2/3, recall 1/2, F1 4/7, and the position is off by the root mean square', () => {
    const scenes = [scene('a', places([0, 3], [20, 0], [50, 50]), places([0, 0], [20, 5], [90, 90], [95, 95]))];
    expect(valueOf(scenes, 6, 'precision')).toBeCloseTo(2 / 3, 12);
    expect(valueOf(scenes, 6, 'recall')).toBeCloseTo(1 / 2, 12);
    expect(valueOf(scenes, 6, 'f1')).toBeCloseTo(4 / 7, 12);
    expect(valueOf(scenes, 6, 'position_rmse_m')).toBeCloseTo(Math.sqrt((9 + 25) / 2), 9);
  });

  test('a pair at exactly the radius counts, one a millimetre farther does not', () => {
    expect(valueOf([scene('a', places([2.4, 0]), places([0, 0]))], 2.4, 'recall')).toBe(1);
    expect(valueOf([scene('a', places([2.401, 0]), places([0, 0]))], 2.4, 'recall')).toBe(0);
  });

  test('a row in which the nearest pair leaves two single: greedy finds one of two, optimal both, and the difference is told', () => {
    // found at 0 and 5, trees at 4 and 9.5: the nearest pair is 5-4; then 0 and 9.5 are left
    const scores = scorePoints([scene('a', places([0, 0], [5, 0]), places([4, 0], [9.5, 0]))], 5);
    expect(scores.find(({ metric }) => metric === 'f1_at_5m')!.value).toBe(1);
    expect(scores.find(({ metric }) => metric === 'f1_greedy_at_5m')!.value).toBe(0.5);
    expect(greedyDifference(scores)).toContain('f1_at_5m 1.0000, greedily 0.5000');
  });

  test('in all means of all trees, not the mean of pictures; an empty picture changes no share', () => {
    const scenes = [scene('a', places([0, 0]), places([0, 0])), scene('b', [], places([0, 0], [30, 0], [60, 0])), scene('c', [], [])];
    expect(valueOf(scenes, 6, 'recall')).toBe(0.25);
    expect(valueOf(scenes, 6, 'recall', 'picture:a')).toBe(1);
    expect(valueOf(scenes, 6, 'recall', 'picture:b')).toBe(0);
    expect(valueOf(scenes, 6, 'recall', 'picture:c')).toBeUndefined();
  });

  test('intervals resample places: pictures that are all alike have none, pictures that differ hold their own mean', () => {
    const alike = Array.from({ length: 6 }, (_, i) => scene(`p${i}`, places([0, 0]), places([0, 0], [50, 0])));
    expect(scorePoints(alike, 6).find(({ stratum, metric }) => stratum === 'all' && metric === 'recall_at_6m')).toMatchObject({ value: 0.5, lo: null, hi: null });
    const differing = Array.from({ length: 8 }, (_, i) => scene(`p${i}`, i % 2 === 0 ? places([0, 0]) : [], places([0, 0]))), score = scorePoints(differing, 6).find(({ stratum, metric }) => stratum === 'all' && metric === 'recall_at_6m')!;
    expect(score.value).toBe(0.5);
    expect(score.lo!).toBeLessThan(0.3);
    expect(score.hi!).toBeGreaterThan(0.7);
    // two pictures of one place are drawn together: of 8 pictures of 4 places the interval is wider
    const paired = differing.map((each, i) => ({ ...each, found: i % 4 < 2 ? places([0, 0]) : [], unitAt: () => `place${i >> 1}` }));
    expect(scorePoints(paired, 6).find(({ stratum, metric }) => stratum === 'all' && metric === 'recall_at_6m')!.lo).toBeNull(); // 4 places are too few
  });
});

test('no assignment has more pairs than the optimal one, nor as many at less distance', () => {
  const edges = fc.array(fc.record({ found: fc.nat(4), reference: fc.nat(4), loss: fc.integer({ min: 0, max: 8 }).map((n) => n / 8) }), { maxLength: 14 });
  fc.assert(fc.property(edges, (list) => {
    const candidates = [...new Map(list.map((each) => [each.found * 5 + each.reference, each])).values()], best = allOf(candidates);
    const pairs = mostPairs(candidates, 5, 5);
    expect(pairs).toHaveLength(best.pairs);
    expect(pairs.reduce((sum, { loss }) => sum + loss, 0)).toBeCloseTo(best.loss, 9);
    expect(new Set(pairs.map(({ found }) => found)).size).toBe(pairs.length);
    expect(new Set(pairs.map(({ reference }) => reference)).size).toBe(pairs.length);
  }), { seed: 8, numRuns: 200 });
});

/** The best of all assignments, by trying each. */
function allOf(candidates: readonly Candidate[], at = 0, taken: readonly Candidate[] = []): { pairs: number; loss: number } {
  const candidate = candidates[at];
  if (!candidate) return { pairs: taken.length, loss: taken.reduce((sum, { loss }) => sum + loss, 0) };
  const without = allOf(candidates, at + 1, taken);
  if (taken.some(({ found, reference }) => found === candidate.found || reference === candidate.reference)) return without;
  const along = allOf(candidates, at + 1, [...taken, candidate]);
  return along.pairs > without.pairs || (along.pairs === without.pairs && along.loss < without.loss) ? along : without;
}
