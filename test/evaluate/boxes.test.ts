import { describe, expect, test } from 'vitest';
import { averagePrecision, boxIou, scoreBoxes } from '../../src/evaluate/boxes.ts';
import type { BoxScene, ScoredBox } from '../../src/evaluate/boxes.ts';
import type { Box } from '../../src/types.ts';

const box = (x0: number, y0: number, width: number, height = width): Box => ({ x0, y0, x1: x0 + width, y1: y0 + height });
const scored = (of: Box, score: number): ScoredBox => ({ ...of, score });
const scene = (found: ScoredBox[], reference: Box[], picture = 'a'): BoxScene => ({ picture, unitAt: () => picture, strata: [], found, reference });
const valueOf = (scenes: BoxScene[], metric: string, options = { threshold: 0.3 }) => scoreBoxes(scenes, options).find((score) => score.stratum === 'all' && score.metric === metric)?.value;

describe('boxes', () => {
  test('a box moved by half of its side overlaps by a third', () => {
    expect(boxIou(box(0, 0, 4), box(2, 0, 4))).toBeCloseTo(1 / 3, 12);
    expect(boxIou(box(0, 0, 4), box(4, 0, 4))).toBe(0);
    expect(boxIou(box(0, 0, 4), box(0, 0, 2))).toBe(0.25);
  });

  test('of three detections one overlaps by 0.6, one by 0.25, one is below the threshold: F1 at 0.4 is 2 / (2 + 2)', () => {
    // 10 x 10 against 10 x 6 inside: IoU 0.6; against 5 x 5 inside: 0.25
    const scenes = [scene([scored(box(0, 0, 10, 6), 0.9), scored(box(20, 0, 5), 0.8), scored(box(40, 0, 10), 0.2)], [box(0, 0, 10), box(20, 0, 10)])];
    expect(valueOf(scenes, 'precision_at_iou40')).toBe(0.5);
    expect(valueOf(scenes, 'recall_at_iou40')).toBe(0.5);
    expect(valueOf(scenes, 'f1_at_iou40')).toBe(0.5);
    expect(valueOf(scenes, 'mean_iou_at_iou40')).toBeCloseTo(0.6, 12);
  });

  test('two detections of one crown: one is right, one is false', () => {
    const scenes = [scene([scored(box(0, 0, 10), 0.9), scored(box(1, 0, 10), 0.8)], [box(0, 0, 10)])];
    expect(valueOf(scenes, 'precision_at_iou40')).toBe(0.5);
    expect(valueOf(scenes, 'recall_at_iou40')).toBe(1);
  });

  test('a detection whose best crown is taken by a surer one keeps the next: optimal pairs and pairs by score may differ', () => {
    // the surer one takes A, on which the second depends alone; it could have taken B
    const a = box(0, 0, 10), b = box(5, 0, 10), sure = scored(box(2, 0, 10), 0.9), second = scored(box(-3, 0, 10), 0.8);
    const scenes = [scene([sure, second], [a, b])];
    expect(boxIou(sure, a)).toBeGreaterThan(boxIou(sure, b));
    expect(boxIou(second, b)).toBeLessThan(0.4);
    expect(valueOf(scenes, 'f1_greedy_at_iou40')).toBe(0.5);
    expect(valueOf(scenes, 'f1_at_iou40')).toBe(1);
  });
});

describe('AP50', () => {
  test('right, false, right of four crowns: 1 x 1/4 + 2/3 x 1/4', () => {
    const ranked = [{ score: 0.9, isRight: true, unit: 0 }, { score: 0.8, isRight: false, unit: 0 }, { score: 0.7, isRight: true, unit: 0 }];
    expect(averagePrecision(ranked, [1], 4)).toBeCloseTo(1 / 4 + (2 / 3) / 4, 12);
  });

  test('precision may not rise with recall: false, right, right of two is 2/3 all along', () => {
    const ranked = [{ score: 0.9, isRight: false, unit: 0 }, { score: 0.8, isRight: true, unit: 0 }, { score: 0.7, isRight: true, unit: 0 }];
    expect(averagePrecision(ranked, [1], 2)).toBeCloseTo(2 / 3, 12);
  });

  test('equal scores enter together: their order does not show', () => {
    const right = { score: 0.5, isRight: true, unit: 0 }, wrong = { score: 0.5, isRight: false, unit: 0 };
    expect(averagePrecision([right, wrong], [1], 1)).toBe(0.5);
    expect(averagePrecision([wrong, right], [1], 1)).toBe(0.5);
  });

  test('a picture drawn twice counts twice, one not drawn not at all', () => {
    const ranked = [{ score: 0.9, isRight: true, unit: 0 }, { score: 0.8, isRight: false, unit: 1 }];
    expect(averagePrecision(ranked, [2, 0], 2)).toBe(1);
    expect(averagePrecision(ranked, [0, 2], 2)).toBe(0);
  });

  test('takes detections below the threshold of F1, over pictures by score', () => {
    const a = scene([scored(box(0, 0, 10), 0.9)], [box(0, 0, 10)], 'a'), b = scene([scored(box(0, 0, 10), 0.1), scored(box(50, 0, 10), 0.2)], [box(0, 0, 10)], 'b');
    // by score: right (a), false (b), right (b): 1/2 + 2/3 x 1/2
    expect(valueOf([a, b], 'ap50')).toBeCloseTo(1 / 2 + (2 / 3) / 2, 12);
    expect(valueOf([a, b], 'recall_at_iou40')).toBe(0.5);
  });
});
