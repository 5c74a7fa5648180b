import { describe, expect, test } from 'vitest';
import { scoreClasses } from '../../src/evaluate/classes.ts';
import { countClass, scoreCounts } from '../../src/evaluate/counts.ts';
import type { Score } from '../../src/evaluate/score.ts';

const valueIn = (scores: readonly Score[], metric: string, stratum = 'all') => scores.find((score) => score.stratum === stratum && score.metric === metric)?.value;

describe('counts', () => {
  const scenes = ([['a', 10, 14], ['b', 40, 36], ['c', 100, 80], ['d', 50, 50]] as const).map(([picture, measured, estimated]) => ({ picture, unit: picture, strata: [], measured, estimated }));

  test('errors of +4, -4, -20, 0: MAE 7, RMSE sqrt(108), bias -5, R2 1 - 432 / 4200', () => {
    const scores = scoreCounts(scenes);
    expect(valueIn(scores, 'count_mae')).toBe(7);
    expect(valueIn(scores, 'count_rmse')).toBeCloseTo(Math.sqrt(108), 12);
    expect(valueIn(scores, 'count_bias')).toBe(-5);
    expect(valueIn(scores, 'count_bias_percent')).toBe(-10);
    expect(valueIn(scores, 'count_r2')).toBeCloseTo(1 - 432 / 4200, 12); // mean 50: 1600 + 100 + 2500 + 0
  });

  test('a count low where trees are dense shows in its class: 90 and more trees are 20 short', () => {
    const scores = scoreCounts(scenes);
    expect(valueIn(scores, 'count_bias', 'trees:90-')).toBe(-20);
    expect(valueIn(scores, 'count_bias', 'trees:30-60')).toBe(-2);
    expect([countClass(0), countClass(29), countClass(30), countClass(90)]).toEqual(['trees:0-30', 'trees:0-30', 'trees:30-60', 'trees:90-']);
  });

  test('the mean of all as every estimate has an R2 of 0', () => {
    expect(valueIn(scoreCounts(scenes.map((scene) => ({ ...scene, estimated: 50 }))), 'count_r2')).toBeCloseTo(0, 12);
  });
});

describe('classes', () => {
  const crown = (reference: string, found: string | null, i: number) => ({ picture: String(i), unit: String(i), strata: [], reference, found });
  /** 8 alive: 6 right, 1 called dead, 1 undecided. 2 dead: 1 right. */
  const cases = [...Array(6).fill(['alive', 'alive']), ['alive', 'dead'], ['alive', null], ['dead', 'dead'], ['dead', 'alive']].map(([reference, found], i) => crown(reference, found, i));

  test('balanced accuracy is the mean of 6/8 and 1/2, not the 7/10 that are right', () => {
    const scores = scoreClasses(cases, ['alive', 'dead']);
    expect(valueIn(scores, 'balanced_accuracy')).toBe(0.625);
    expect(valueIn(scores, 'accuracy')).toBe(0.7);
    expect(valueIn(scores, 'undecided')).toBe(0.1);
    expect(valueIn(scores, 'precision_dead')).toBe(0.5);
    expect(valueIn(scores, 'confusion_alive_as_dead')).toBe(1);
    expect(valueIn(scores, 'confusion_dead_as_dead')).toBe(1);
  });

  test('without a dead crown there is no balanced accuracy', () => {
    expect(valueIn(scoreClasses(cases.slice(0, 8), ['alive', 'dead']), 'balanced_accuracy')).toBeUndefined();
  });
});
