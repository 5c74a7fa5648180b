import { describe, expect, test } from 'vitest';
import { matchHaloM, matchTrees } from '../../src/fuse/match-trees.ts';
import type { TreePlace } from '../../src/fuse/match-trees.ts';
import { growBox, holdsPoint } from '../../src/geo/box.ts';
import { randomOf } from '../raster/rasters.ts';

const lidar = (...places: [number, number, number][]): TreePlace[] => places.map(([xM, yM, heightM]) => ({ xM, yM, heightM }));
const image = (...places: [number, number, (number | null)?][]): TreePlace[] => places.map(([xM, yM, heightM = null]) => ({ xM, yM, heightM }));
const match = (a: TreePlace[], b: TreePlace[], radiusM = 3) => [...matchTrees(a, b, radiusM)];

describe('a LiDAR tree and an image tree are one', () => {
  test('where each is the other\'s nearest within the radius, which is part of it', () => {
    expect(match(lidar([0, 0, 20]), image([5, 0], [3, 0]))).toEqual([1]);
    expect(match(lidar([0, 0, 20]), image([3.00001, 0]))).toEqual([-1]);
    expect(match(lidar([452_000.2, 4_445_000.1, 20]), image([452_003.2, 4_445_000.1]))).toEqual([0]); // 3 m, although the doubles differ by more
  });

  test('a tree that is nearer to another one\'s match stays single, though it has one in reach', () => {
    // l0 - i0 - l1: i0 is nearest to both, and prefers l1
    expect(match(lidar([0, 0, 20], [3.5, 0, 20]), image([2, 0]))).toEqual([-1, 0]);
    // the best assignment of all would pair l0 with i0 and l1 with i1; each other's best are l1 and i0 alone
    expect(match(lidar([0, 0, 20], [3.5, 0, 20]), image([2, 0], [5.5, 0]))).toEqual([-1, 0]);
  });

  test('of equally near ones the more alike in height, then the western, then the southern; an unknown height comes last', () => {
    expect(match(lidar([0, 0, 20]), image([2, 0, 12], [-2, 0, 21], [0, 2, 20.5]))).toEqual([2]);
    expect(match(lidar([0, 0, 20]), image([-2, 0, null], [2, 0, 3]))).toEqual([1]);
    expect(match(lidar([0, 0, 20]), image([2, 0], [-2, 0], [0, 2]))).toEqual([1]);
    expect(match(lidar([0, 0, 20]), image([0, 2], [0, -2]))).toEqual([1]);
    expect(match(lidar([2, 0, 20], [-2, 0, 14]), image([0, 0, 15]))).toEqual([-1, 0]);
  });

  test('without trees of one kind there are no pairs', () => {
    expect(match([], image([0, 0]))).toEqual([]);
    expect(match(lidar([0, 0, 20]), [])).toEqual([-1]);
  });
});

test('no image tree is in two pairs, whatever the order; tiles with a halo of twice the radius give the same pairs, with the radius alone not', () => {
  const radiusM = 3;
  let lost = 0;
  for (const seed of [1, 2, 3]) {
    const random = randomOf(seed), place = () => Math.floor(random() * 80) / 2; // half metres: ties everywhere
    const trees = lidar(...Array.from({ length: 300 }, () => [place(), place(), Math.floor(random() * 4)] as [number, number, number]));
    const seen = image(...Array.from({ length: 300 }, () => [place(), place(), random() < 0.5 ? null : Math.floor(random() * 4)] as [number, number, number | null]));
    const unique = <T extends TreePlace>(list: T[]) => [...new Map(list.map((each) => [`${each.xM} ${each.yM}`, each])).values()];
    const a = unique(trees), b = unique(seen);
    const pairsOf = (lidars: TreePlace[], images: TreePlace[]) => [...matchTrees(lidars, images, radiusM)].flatMap((i, l) => (i < 0 ? [] : [{ l: lidars[l]!, i: images[i]! }]));
    const text = (pairs: ReturnType<typeof pairsOf>) => pairs.map(({ l, i }) => JSON.stringify([l, i])).sort(), whole = pairsOf(a, b);
    expect(whole.length).toBeGreaterThan(60);
    expect(new Set(whole.map(({ i }) => i)).size).toBe(whole.length);
    expect(text(pairsOf(a.toReversed(), b.toSorted((p, q) => p.yM - q.yM)))).toEqual(text(whole));
    for (const sizeM of [4, 7, 20]) {
      const inTiles = (haloM: number) => {
        const pairs: ReturnType<typeof pairsOf> = [];
        for (let y = 0; y < 40; y += sizeM) for (let x = 0; x < 40; x += sizeM) {
          const core = { x0: x, y0: y, x1: x + sizeM, y1: y + sizeM }, reach = growBox(core, haloM), near = <T extends TreePlace>(list: T[]) => list.filter(({ xM, yM }) => holdsPoint(reach, xM, yM) || (xM <= reach.x1 && yM <= reach.y1 && xM >= reach.x0 && yM >= reach.y0));
          pairs.push(...pairsOf(near(a), near(b)).filter(({ l }) => holdsPoint(core, l.xM, l.yM)));
        }
        return text(pairs);
      };
      expect(inTiles(matchHaloM(radiusM))).toEqual(text(whole));
      if (JSON.stringify(inTiles(radiusM)) !== JSON.stringify(text(whole))) lost++;
    }
  }
  expect(lost).toBeGreaterThan(0);
});
