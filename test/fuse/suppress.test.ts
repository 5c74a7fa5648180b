import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { suppress, suppressHaloM } from '../../src/fuse/suppress.ts';
import { outlineOf, outlineOverlap } from '../../src/fuse/suppress-masks.ts';
import { growBox, holdsPoint } from '../../src/geo/box.ts';
import { pixelsInside } from '../../src/geo/polygon.ts';
import { boxOverlap, imageBoxOfEdges } from '../../src/infer/boxes.ts';
import type { ImageBox } from '../../src/infer/boxes.ts';
import { parseAnyCard } from '../../src/infer/card.ts';
import { crownPolygons } from '../../src/raster/polygonise.ts';
import { sampleModels } from '../../data-samples/make/onnx.ts';
import type { Polygon } from '../../src/types.ts';
import { randomOf } from '../raster/rasters.ts';

const box = (x0: number, y0: number, x1: number, y1: number, score: number, polygon: Polygon | null = null): ImageBox => imageBoxOfEdges([x0, y0, x1, y1], { score, classIndex: 0, polygon });
const polygonOverlap = (a: Polygon, b: Polygon) => outlineOverlap(outlineOf(a), outlineOf(b));
const keptOf = (boxes: ImageBox[], maxOverlap = 0.4) => [...suppress(boxes, maxOverlap)];

const ell = (x: number, y: number): Polygon => [[[x, y + 4], [x, y], [x + 4, y], [x + 4, y + 1], [x + 1, y + 1], [x + 1, y + 4], [x, y + 4]]]; // 7 m2 of a box of 16

describe('detections of one place', () => {
  test('two boxes of 10 x 10 m, 4 m apart, share 60 of 140 m2: 0.4286', () => {
    const a = box(0, 0, 10, 10, 0.8), b = box(4, 0, 14, 10, 0.9);
    expect(boxOverlap(a, b)).toBe(60 / 140);
    expect(keptOf([a, b], 0.42)).toEqual([0, 1]);
    expect(keptOf([a, b], 0.43)).toEqual([1, 1]);
    expect(keptOf([a, b], 60 / 140)).toEqual([1, 1]); // at the limit both stay
  });

  test('of equal scores the western stays, then the southern; of one detection twice, one', () => {
    expect(keptOf([box(1, 0, 11, 10, 0.8), box(0, 0, 10, 10, 0.8)])).toEqual([0, 1]);
    expect(keptOf([box(0, 1, 10, 11, 0.8), box(0, 0, 10, 10, 0.8)])).toEqual([0, 1]);
    expect(keptOf([box(0, 0, 10, 10, 0.8), box(0, 0, 10, 10, 0.8), box(0, 0, 10, 10, 0.8)])).toEqual([1, 0, 0]);
  });

  test('of equal scores about one middle the larger stays, and of one box with two masks always the same one, whatever the order', () => {
    const large = box(0, 0, 10, 10, 0.8), small = box(1, 1, 9, 9, 0.8); // 64 of 100 m2
    expect([keptOf([large, small]), keptOf([small, large])]).toEqual([[1, 0], [0, 1]]);
    const full: Polygon = [[[0, 4], [0, 0], [4, 0], [4, 4], [0, 4]]], a = box(0, 0, 4, 4, 0.8, full), b = box(0, 0, 4, 4, 0.8, ell(0, 0)); // 7 of 16 m2
    expect(keptOf([a, b])).toEqual(keptOf([b, a]).toReversed());
  });

  test('one that goes still takes the next with it: no chain has to be followed to its end', () => {
    expect(keptOf([box(0, 0, 10, 10, 0.9), box(4, 0, 14, 10, 0.8), box(8, 0, 18, 10, 0.7)])).toEqual([1, 0, 0]);
  });

  test('boxes that touch, and none at all', () => {
    expect(keptOf([box(0, 0, 10, 10, 0.9), box(10, 0, 20, 10, 0.8)], 0)).toEqual([1, 1]);
    expect(keptOf([])).toEqual([]);
  });
});


describe('instances', () => {
  test('go by their masks, not by their boxes: two crowns that lie in each other\'s corners stay', () => {
    const other: Polygon = [[[1, 4], [1, 1], [4, 1], [4, 4], [1, 4]]]; // the 9 m2 that the first leaves
    expect(polygonOverlap(ell(0, 0), other)).toBe(0);
    expect(keptOf([box(0, 0, 4, 4, 0.9, ell(0, 0)), box(0, 0, 4, 4, 0.8, other)])).toEqual([1, 1]);
    expect(keptOf([box(0, 0, 4, 4, 0.9), box(0, 0, 4, 4, 0.8, other)])).toEqual([1, 0]); // one has no mask: boxes
    expect(keptOf([box(0, 0, 4, 4, 0.9, ell(0, 0)), box(0, 0, 4, 4, 0.8, ell(0, 0))])).toEqual([1, 0]);
  });

  test('a hole is no part of a mask: a ring of 16 - 4 m2 and the crown of 4 m2 in it do not overlap', () => {
    const ring: Polygon = [[[0, 4], [0, 0], [4, 0], [4, 4], [0, 4]], [[1, 3], [3, 3], [3, 1], [1, 1], [1, 3]]], inner: Polygon = [[[1, 3], [1, 1], [3, 1], [3, 3], [1, 3]]];
    expect(polygonOverlap(ring, inner)).toBe(0);
    expect(polygonOverlap(ring, [ring[0]!])).toBe(12 / 16);
  });

  test('overlap is the count of shared pixels over that of all, for any outlines', () => {
    const lattice = { resM: 0.3, x0M: 452_000.1, y0M: 4_445_000.7 }, window = { col: 3, row: -7, width: 12, height: 9 }, seed = { row: 4, col: 6 };
    const masks = fc.array(fc.boolean(), { minLength: 108, maxLength: 108 });
    /** The part of a mask that hangs together with its middle pixel. */
    const partOf = (mask: boolean[]): Int32Array => {
      const labels = new Int32Array(108), queue = [seed.row * 12 + seed.col];
      labels[queue[0]!] = 1;
      for (const i of queue) for (const [j, ok] of [[i - 12, true], [i + 12, true], [i - 1, i % 12 > 0], [i + 1, i % 12 < 11]] as const) {
        if (!ok || j < 0 || j >= 108 || !mask[j] || labels[j]) continue;
        labels[j] = 1;
        queue.push(j);
      }
      return labels;
    };
    fc.assert(fc.property(masks, masks, (first, second) => {
      const a = partOf(first), b = partOf(second), [p, q] = [a, b].map((labels) => crownPolygons(labels, window, lattice).get(1)!);
      let both = 0, either = 0;
      a.forEach((each, i) => { both += each & b[i]!; either += each | b[i]!; });
      expect([...pixelsInside([p!], lattice, window)]).toEqual([...a]);
      expect(polygonOverlap(p!, q!)).toBe(both / either);
      expect(polygonOverlap(q!, p!)).toBe(both / either);
    }), { seed: 5, numRuns: 200 });
  });

  test('a slanted outline is refused', () => {
    expect(() => polygonOverlap([[[0, 0], [4, 0], [0, 4], [0, 0]]], ell(0, 0))).toThrow(/an edge from 4 0 to 0 4, which runs along no axis/);
  });
});

/** Boxes of up to 6 m in 60 x 60 m, few scores, corners on whole metres: ties everywhere. */
function crowd(seed: number, count = 400): ImageBox[] {
  const random = randomOf(seed), whole = (most: number) => Math.floor(random() * most);
  return Array.from({ length: count }, () => {
    const x = whole(60), y = whole(60), w = 3 + whole(4), h = 3 + whole(4);
    return box(x, y, x + w, y + h, (1 + whole(5)) / 8, random() < 0.3 ? [[[x, y + h], [x, y], [x + w, y], [x + w, y + h], [x, y + h]]] : null);
  });
}
const text = (each: ImageBox) => JSON.stringify(each);

describe('whatever the order and the tiles', () => {
  test('the order of detections changes nothing; no two that stay overlap by more than the limit, and each that goes has a better one', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), fc.infiniteStream(fc.nat()), (seed, draws) => {
      const boxes = crowd(seed, 60), shuffled = boxes.map((each) => [draws.next().value!, each] as const).sort((a, b) => a[0] - b[0]).map(([, each]) => each);
      const stay = (list: ImageBox[]) => list.filter((_, i) => suppress(list, 0.4)[i]), first = stay(boxes);
      expect(stay(shuffled).map(text).sort()).toEqual(first.map(text).sort());
      for (const a of first) for (const b of first) if (a !== b) expect(boxOverlap(a, b)).toBeLessThanOrEqual(0.4);
      const gone = boxes.filter((each) => !first.includes(each));
      for (const each of gone) expect(boxes.some((better) => better !== each && better.score >= each.score && boxOverlap(better, each) > 0.4)).toBe(true);
    }), { seed: 2, numRuns: 60 });
  });

  const card = parseAnyCard({ ...JSON.parse(sampleModels()['bright-boxes']!.card), post: { ...JSON.parse(sampleModels()['bright-boxes']!.card).post, max_box_m: 6 } }, 'bright-boxes');

  test('tiles that read the halo of the card keep the same detections; tiles that read none do not', () => {
    let lost = 0;
    expect(suppressHaloM(card)).toBeCloseTo(8.485, 3); // 6 m x 6 m
    for (const seed of [1, 2, 3, 4]) {
      const boxes = crowd(seed), kept = suppress(boxes, 0.3), whole = boxes.filter((_, i) => kept[i]).map(text).sort();
      for (const [sizeM, shiftM] of [[10, 0], [17, 5], [30, 1.5]] as const) {
        const inTiles = (haloM: number) => {
          const found: string[] = [];
          for (let y = -30 - shiftM; y < 70; y += sizeM) for (let x = -30 - shiftM; x < 70; x += sizeM) {
            const core = { x0: x, y0: y, x1: x + sizeM, y1: y + sizeM }, near = boxes.filter(({ xM, yM }) => holdsPoint(growBox(core, haloM), xM, yM)), stays = suppress(near, 0.3);
            found.push(...near.filter(({ xM, yM }, i) => stays[i] && holdsPoint(core, xM, yM)).map(text));
          }
          return found.sort();
        };
        expect(inTiles(suppressHaloM(card))).toEqual(whole);
        if (JSON.stringify(inTiles(1)) !== JSON.stringify(whole)) lost++;
      }
    }
    expect(lost).toBe(12);
  });

  test('instances reach twice their radius; a map has no boxes', () => {
    const segment = JSON.parse(sampleModels()['red-probability']!.card);
    expect(suppressHaloM(parseAnyCard(segment, 's'))).toBe(0);
    const instances = { ...segment, outputs: [...segment.outputs, { name: 'scores', variable: 'scores', unit: '1', range: [0, 1], stride_px: 1 }], post: { objects: 'instances', threshold: 0.5, score_threshold: 0.4, max_overlap: 0.3, max_radius_m: 5, min_area_m2: 2 } };
    expect(suppressHaloM(parseAnyCard(instances, 'i'))).toBeCloseTo(14.142, 3);
  });
});
