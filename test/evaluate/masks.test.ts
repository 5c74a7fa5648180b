import { describe, expect, test } from 'vitest';
import { connectedParts, scoreMasks } from '../../src/evaluate/masks.ts';
import type { MaskScene } from '../../src/evaluate/masks.ts';

/** A mask as drawn: # is 1. */
const drawn = (rows: string[]): Uint8Array => Uint8Array.from(rows.join(''), (each) => (each === '#' ? 1 : 0));
function scene(found: string[], reference: string[], { resM = 1, own = null, valid }: { resM?: number; own?: Int32Array | null; valid?: Uint8Array } = {}): MaskScene {
  const width = found[0]!.length;
  return { picture: 'a', unit: 'a', strata: [], width, resM, valid: valid ?? new Uint8Array(width * found.length).fill(1), found: drawn(found), reference: drawn(reference), own };
}
const valueOf = (of: MaskScene, metric: string, minAreaM2 = 1) => scoreMasks([of], { minAreaM2 }).find((score) => score.stratum === 'all' && score.metric === metric)?.value;

describe('masks', () => {
  test('six pixels of one, four of the other, three of both: IoU 3/7, precision 1/2, recall 3/4', () => {
    const of = scene(['###...', '###...'], ['.##...', '.#...#']);
    expect(valueOf(of, 'pixel_iou')).toBeCloseTo(3 / 7, 12);
    expect(valueOf(of, 'pixel_precision')).toBe(0.5);
    expect(valueOf(of, 'pixel_recall')).toBe(0.75);
  });

  test('pixels that touch at a corner are one object', () => {
    const parts = connectedParts(drawn(['#...', '.#..', '...#']), 4, 1);
    expect(parts.count).toBe(2);
    expect([...parts.pixels]).toEqual([2, 1]);
    expect([parts.col[0], parts.row[0]]).toEqual([0.5, 0.5]);
    expect(connectedParts(drawn(['..#', '.#.', '#..']), 3, 1).count).toBe(1);
    expect(connectedParts(drawn(['#..', '...', '..#', '#..']), 3, 1).count).toBe(3); // the last of a row and the first of the next do not touch
  });

  test('an object pairs by an overlap of 0.3, or a centroid within 3 m, and not otherwise', () => {
    // 3 px against 3 px, 2 of both: IoU 2/4
    expect(valueOf(scene(['.###......'], ['..###.....']), 'object_f1')).toBe(1);
    // no pixel of both, centroids 3 px apart: 3 m at 1 m, 3.3 m at 1.1 m
    expect(valueOf(scene(['###.......'], ['...###....']), 'object_f1')).toBe(1);
    expect(valueOf(scene(['###.......'], ['...###....'], { resM: 1.1 }), 'object_f1')).toBe(0);
  });

  test('small objects are dropped from what was found, not from the reference', () => {
    const of = scene(['##....#...'], ['##....#...'], { resM: 2 }); // 8 m2 and 4 m2
    expect(valueOf(of, 'object_recall', 8)).toBe(0.5);
    expect(valueOf(of, 'object_precision', 8)).toBe(1);
    expect(valueOf(of, 'object_recall', 4)).toBe(1);
  });

  test('one found part over two trees is one pair; the program\'s own objects part it', () => {
    const of = scene(['##########'], ['####..####'], { resM: 2, own: Int32Array.of(1, 1, 1, 1, 1, 2, 2, 2, 2, 2) });
    expect(valueOf(of, 'object_precision')).toBe(1);
    expect(valueOf(of, 'object_recall')).toBe(0.5);
    expect(valueOf(of, 'tree_recall')).toBe(1);
  });

  test('void pixels count for neither side', () => {
    const valid = Uint8Array.of(1, 1, 1, 0, 0, 0);
    expect(valueOf(scene(['##.###'], ['.##.##'], { valid }), 'pixel_iou')).toBeCloseTo(1 / 3, 12);
  });
});
