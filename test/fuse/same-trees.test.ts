import { describe, expect, test } from 'vitest';
import type { TreePlace } from '../../src/fuse/match-trees.ts';
import { sameTreeHaloM, sameTrees } from '../../src/fuse/same-trees.ts';
import { growBox } from '../../src/geo/box.ts';
import type { Box } from '../../src/types.ts';
import { randomOf } from '../raster/rasters.ts';

const at = (...places: [number, number][]): TreePlace[] => places.map(([xM, yM]) => ({ xM, yM, heightM: null }));
const seen = (trees: TreePlace[], radiusM = 3, taken: number[] = []) => ({ trees, radiusM, isTaken: (i: number) => taken.includes(i) });
const ownersOf = (...models: ReturnType<typeof seen>[]) => sameTrees(models).map((owners) => [...owners]);

describe('image trees of several models', () => {
  test('that all see one tree are one: the first model in the job keeps its row', () => {
    expect(ownersOf(seen(at([0, 0])), seen(at([1, 0])), seen(at([0, 2])))).toEqual([[0], [0], [0]]);
    expect(ownersOf(seen(at([0, 0], [10, 0])), seen(at([10, 1], [20, 0])))).toEqual([[0, 1], [1, 3]]); // the tree at 20 m is the second model's alone
  });

  test('farther apart than the larger of their radii they are two; at exactly the radius one', () => {
    expect(ownersOf(seen(at([0, 0]), 1), seen(at([3, 0]), 3))).toEqual([[0], [0]]);
    expect(ownersOf(seen(at([0, 0]), 1), seen(at([3.00001, 0]), 3))).toEqual([[0], [1]]);
  });

  test('two of one model are never joined: of two boxes near one point the nearer is its tree, the other a tree of its own', () => {
    expect(ownersOf(seen(at([0, 0])), seen(at([2, 0], [-1, 0])))).toEqual([[0], [1, 0]]);
  });

  test('of one that pairs with two earlier models the first has it; what pairs only with one that has gone stays', () => {
    expect(ownersOf(seen(at([0, 0])), seen(at([4, 0])), seen(at([2, 0])))).toEqual([[0], [1], [0]]); // 4 m: the first two are two trees
    expect(ownersOf(seen(at([0, 0])), seen(at([2, 0])), seen(at([4, 0])))).toEqual([[0], [0], [2]]); // the third is 4 m from the row
    expect(ownersOf(seen(at([0, 0])), seen(at([2, 0])), seen(at([-1, 0], [3, 0])))).toEqual([[0], [0], [0, 3]]); // the third model says that there are two
  });

  test('one that LiDAR has found is no row, and takes none with it', () => {
    expect(ownersOf(seen(at([0, 0]), 3, [0]), seen(at([1, 0])))).toEqual([[-1], [1]]);
    expect(ownersOf(seen(at([0, 0])), seen(at([1, 0]), 3, [0]))).toEqual([[0], [-1]]);
  });

  test('one model alone, and none, keep all their trees', () => {
    expect(ownersOf(seen(at([0, 0], [0.5, 0])))).toEqual([[0, 1]]);
    expect(ownersOf()).toEqual([]);
  });
});

test('tiles of three sizes give the same rows, seen by the same models, in any order of trees; with the radius alone as halo they do not', () => {
  const radiiM = [2, 3, 1.5, 2.5], haloM = sameTreeHaloM(radiiM), extentM = 40;
  const key = (model: number, { xM, yM }: TreePlace) => `${model} ${xM} ${yM}`;
  const isIn = (box: Box, { xM, yM }: TreePlace) => xM >= box.x0 && xM <= box.x1 && yM >= box.y0 && yM <= box.y1;
  /** The rows of a core: each with what belongs to it. */
  function rows(models: TreePlace[][], core: Box, reachM: number): string[] {
    const around = growBox(core, reachM), near = models.map((trees) => trees.filter((tree) => isIn(around, tree))), all = near.flatMap((trees, m) => trees.map((tree) => ({ tree, name: key(m, tree) })));
    const owners = sameTrees(near.map((trees, m) => ({ trees, radiusM: radiiM[m]!, isTaken: (i) => (trees[i]!.xM * 7 + trees[i]!.yM) % 5 === 0 }))).flatMap((own) => [...own]); // by place: the same in every tile
    return all.flatMap(({ tree, name }, i) => (owners[i] === i && tree.xM >= core.x0 && tree.xM < core.x1 && tree.yM >= core.y0 && tree.yM < core.y1 ? [[name, ...all.filter((_, j) => j !== i && owners[j] === i).map((each) => each.name).sort()].join(' + ')] : []));
  }
  const inTiles = (models: TreePlace[][], sizeM: number, reachM: number): string[] => {
    const found: string[] = [];
    for (let y0 = 0; y0 < extentM; y0 += sizeM) for (let x0 = 0; x0 < extentM; x0 += sizeM) found.push(...rows(models, { x0, y0, x1: x0 + sizeM, y1: y0 + sizeM }, reachM));
    return found.sort();
  };
  let lost = 0;
  expect(haloM).toBe(15);
  for (const seed of [1, 2, 3]) {
    const random = randomOf(seed), place = () => Math.floor(random() * 2 * extentM) / 2; // half metres: ties everywhere
    const models = radiiM.map(() => [...new Map(Array.from({ length: 200 }, () => ({ xM: place(), yM: place(), heightM: null })).map((tree) => [`${tree.xM} ${tree.yM}`, tree])).values()]);
    const whole = rows(models, { x0: 0, y0: 0, x1: extentM, y1: extentM }, 0).sort();
    expect(whole.length).toBeLessThan(models.flat().length * 0.75);
    expect(whole.filter((row) => row.split(' + ').length > 2).length).toBeGreaterThan(10);
    expect(rows(models.map((trees) => trees.toReversed()), { x0: 0, y0: 0, x1: extentM, y1: extentM }, 0).sort()).toEqual(whole);
    for (const sizeM of [5, 8, 20]) {
      expect(inTiles(models, sizeM, haloM), `${sizeM} m`).toEqual(whole);
      if (JSON.stringify(inTiles(models, sizeM, 3)) !== JSON.stringify(whole)) lost++;
    }
  }
  expect(lost).toBeGreaterThan(0);
});
