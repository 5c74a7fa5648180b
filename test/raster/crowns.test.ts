import { describe, expect, test } from 'vitest';
import { contains } from '../../src/geo/lattice.ts';
import { crownHaloM, crownPixelCounts, growCrowns } from '../../src/raster/crowns.ts';
import type { CrownMethodName, CrownParams } from '../../src/raster/crowns.ts';
import { findTreetops } from '../../src/raster/treetops.ts';
import type { Raster, Window } from '../../src/types.ts';
import { coresThatDiffer, drawn, HARD, hardRaster } from './rasters.ts';

const METHODS: readonly CrownMethodName[] = ['watershed', 'dalponte', 'silva'];
const fixed = (diameterM: number) => ({ baseM: diameterM, perHeight: 0, maxM: diameterM });
const paramsOf = (method: CrownMethodName, more: Partial<CrownParams> = {}): CrownParams =>
  ({ method, maxRadiusM: 10, minHeightM: 2, window: fixed(2), ...more });

/** Labels as rows of digits. */
function picture(chm: Raster, params: CrownParams): string[] {
  const labels = growCrowns(chm, findTreetops(chm, params), params), { width, height } = chm.window;
  return Array.from({ length: height }, (_, row) => labels.subarray(row * width, (row + 1) * width).join(''));
}

describe('climb', () => {
  test('pixels climb to their own treetop, and the valley parts crowns', () => {
    expect(picture(drawn('3 5 8 5 4 6 9 6 3'), paramsOf('watershed'))).toEqual(['111122222']); // the best neighbour of the 4 is the 6
  });

  test('a low branch inside a crown floods to the crown: it is no treetop in a wide window', () => {
    // 6 is a local maximum but no top within 2 m of the 9; the flood leaves it by the higher side, the 5, and meets the 7.
    expect(picture(drawn('9 7 5 6 3 1'), paramsOf('watershed', { window: fixed(8) }))).toEqual(['111110']); // and 3 climbs to 6
  });

  test('a flood goes by the highest pass, not by the nearest higher pixel', () => {
    // From the 5 in the middle: west over a 4 to the 9, east over a 3 to the 8. Both tops are in its window of radius 3.
    const chm = drawn('9 7 4 5 3 8 8.5'), params = paramsOf('watershed', { window: fixed(6) });
    expect(findTreetops(chm, params).map((t) => t.heightM)).toEqual([9, 8.5]);
    expect(picture(chm, params)).toEqual(['1111222']);
  });

  test('a flood stays in the window of the pixel it starts from, even where a higher pass leads out of it', () => {
    // From the 8: west by 7.5, 7, 6.9 to the 9, but that is 4 m off and the window's radius is 3; so east over the 6.5 to the 12.
    expect(picture(drawn('9 6.9 7 7.5 8 6.5 12 15'), paramsOf('watershed', { window: fixed(6) }))).toEqual(['11222222']);
    expect(picture(drawn('9 7 7.5 8 6.5 12 15'), paramsOf('watershed', { window: fixed(6) }))).toEqual(['1111222']); // 3 m: within it
  });

  test('a pixel whose way leaves the largest radius is no crown, though it lies within it', () => {
    // The way of the last pixel leads round the bend: within 3 m of the top, but by a pixel farther off.
    const chm = drawn(`
      9 8 7 6
      1 1 1 5
      1 1 1 4
      2.8 2.9 3 3.5`);
    const labels = growCrowns(chm, [{ col: 0, row: 0, heightM: 9 }], paramsOf('watershed', { maxRadiusM: 3, seedShare: 0 }));
    expect(Array.from(labels)).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(Array.from(growCrowns(chm, [{ col: 0, row: 0, heightM: 9 }], paramsOf('watershed', { maxRadiusM: 5, seedShare: 0 }))).filter(Boolean)).toHaveLength(10);
  });

  test('pixels below three tenths of the top are dropped, and what they cut off goes too', () => {
    expect(picture(drawn('10 8 6 3 2.9 2.5'), paramsOf('watershed'))).toEqual(['111100']);
    expect(picture(drawn('10 3 2.5 3.5 1'), paramsOf('watershed', { window: fixed(8) }))).toEqual(['11000']);
  });

  test('crowns keep together by edges, not by corners', () => {
    expect(picture(drawn(`
      9 1
      1 5`), paramsOf('watershed', { window: fixed(6) }))).toEqual(['10', '00']);
  });

  test('equal heights climb to the earlier pixel only, so a plateau is one crown', () => {
    expect(picture(drawn(`
      5 5 5
      5 5 5`), paramsOf('watershed', { window: fixed(8) }))).toEqual(['111', '111']);
  });

  test('a single void in a crown does not cut off the branch behind it', () => {
    // The 6 beyond the void is a local maximum; the flood crosses the void last of all, and the row below holds the crown together.
    expect(picture(drawn(`
      9 . 6
      8 7 5`), paramsOf('watershed', { window: fixed(6) }))).toEqual(['101', '111']);
  });

  test('a crown depends on pixels as far from its top as R and the window radius together, and no farther', () => {
    // R 4, window radius 3. The 8 is 4 m from the top; its flood goes west over 6.8 and 7 to the 9, which is 7 m from the top.
    const heights = '9 7 6.8 8 6.5 12 15 20', params = paramsOf('watershed', { maxRadiusM: 4, window: fixed(6) });
    const crown = (from: number) => picture(drawn(heights.split(' ').slice(from).join(' ')), params)[0]!.slice(3 - from);
    expect(crown(0)).toBe('12222');
    expect(crown(1)).toBe('11111'); // without the 9 the flood turns east, to the 12
  });

  test('on noise nearly every pixel above the least height has a way to a treetop', () => {
    const chm = hardRaster('noise', 9), params = paramsOf('watershed', { maxRadiusM: 1000, window: fixed(6), seedShare: 0 });
    const tops = findTreetops(chm, params), inCrowns = crownPixelCounts(growCrowns(chm, tops, params), tops.length).reduce((a, b) => a + b, 0);
    const high = chm.data.filter((z, i) => chm.mask[i] === 1 && z >= 2).length;
    expect(inCrowns / high).toBeGreaterThan(0.5); // the rest hangs on by corners only
  });
});

describe('Dalponte', () => {
  test('a pixel joins above 0.45 of the seed and 0.55 of the mean, up to 1.05 of the seed', () => {
    // Seed 10: 4.6 joins (> 4.5; > 0.55 x 8 = 4.4), 4.5 does not (not above 0.45 x 10).
    expect(picture(drawn('10 6 4.6 4.5'), paramsOf('dalponte'))).toEqual(['1110']);
    // 5.4 is above 0.45 x 10 but not above 0.55 x 10, the mean of the first pass; nothing lowers the mean, so it stays out.
    expect(picture(drawn('10 5.4 1'), paramsOf('dalponte'))).toEqual(['100']);
    // With a 6 on the other side the mean falls to 8 after the first pass, and 5.4 joins in the second.
    expect(picture(drawn('6 10 5.4 1'), paramsOf('dalponte'))).toEqual(['1110']);
  });

  test('the limit is a box: closer than R along each axis', () => {
    const chm = drawn(Array.from({ length: 7 }, (_, r) => Array.from({ length: 7 }, (_, c) => (r === 3 && c === 3 ? 10 : 9)).join(' ')).join('\n'));
    const pixels = (maxRadiusM: number) => growCrowns(chm, [{ col: 3, row: 3, heightM: 10 }], paramsOf('dalponte', { maxRadiusM })).filter(Boolean).length;
    expect(pixels(2)).toBe(9);
    expect(pixels(2.01)).toBe(25);
    expect(pixels(3.5)).toBe(49);
  });

  test('between two seeds a pixel goes to the one that reached it in the earlier pass, at a tie to the higher', () => {
    const chm = drawn('10 9 9 9 9.5');
    expect(picture(chm, paramsOf('dalponte', { window: fixed(6) }))).toEqual(['11122']);
    expect(picture(drawn('9.5 9 9 9 10'), paramsOf('dalponte', { window: fixed(6) }))).toEqual(['11222']);
    expect(picture(drawn('10 9 9 9 10'), paramsOf('dalponte', { window: fixed(6) }))).toEqual(['11122']); // equal: the earlier
  });

  test('what a rival cuts off from its seed is dropped', () => {
    // The western seed alone reaches the east, round the 9.9; the part beyond the rival's pixels hangs on nothing.
    const labels = picture(drawn('10 9 9.9 9 9'), paramsOf('dalponte', { window: fixed(1) }));
    expect(new Set(labels[0]!.split('')).size).toBeGreaterThan(1);
    expect(labels[0]!.startsWith('1')).toBe(true);
    expect(labels).toEqual(['12345']);
  });
});

describe('Silva', () => {
  test('pixels go to the nearest top, above 0.3 of the highest in the region and within 0.6 of it', () => {
    // hmax 10: at least 3, within 6 m.
    expect(picture(drawn('10 9 3 2.9 9 5 5 5'), paramsOf('silva', { window: fixed(20), maxRadiusM: 20 }))).toEqual(['11100000']);
    expect(picture(drawn('5 5 5 5 5 5 5 5 10'), paramsOf('silva', { window: fixed(20), maxRadiusM: 20 }))).toEqual(['001111111']);
  });

  test('a pixel as near to two tops goes to the higher', () => {
    expect(picture(drawn('9 8 8 8 10'), paramsOf('silva', { window: fixed(6) }))).toEqual(['11222']);
    expect(picture(drawn('10 8 8 8 10'), paramsOf('silva', { window: fixed(6) }))).toEqual(['11122']);
  });
});

describe.each(METHODS)('%s', (method) => {
  test('voids and low pixels belong to no crown, every other top holds its own pixel', () => {
    for (const kind of HARD) {
      const chm = hardRaster(kind, 5), params = paramsOf(method, { window: fixed(3), maxRadiusM: 4 }), tops = findTreetops(chm, params);
      const labels = growCrowns(chm, tops, params), { col, row, width } = chm.window;
      expect(labels.filter((label, i) => label > 0 && !(chm.mask[i] === 1 && chm.data[i]! >= 2))).toHaveLength(0);
      expect(tops.map((top) => labels[(top.row - row) * width + top.col - col])).toEqual(tops.map((_, t) => t + 1));
    }
  });

  test('every crown hangs together by edges and reaches no farther than R', () => {
    for (const kind of HARD) {
      const chm = hardRaster(kind, 6), params = paramsOf(method, { window: fixed(3), maxRadiusM: 4 }), tops = findTreetops(chm, params);
      expect(tops.length).toBeGreaterThan(10);
      expect(brokenCrowns(growCrowns(chm, tops, params), chm.window)).toBe(0);
      const labels = growCrowns(chm, tops, params), { col, row, width } = chm.window;
      const tooFar = labels.filter((label, i) => {
        if (label === 0) return false;
        const top = tops[label - 1]!, dx = Math.abs(top.col - col - (i % width)) * 0.5, dy = Math.abs(top.row - row - Math.floor(i / width)) * 0.5;
        return method === 'dalponte' ? Math.max(dx, dy) >= 4 : Math.hypot(dx, dy) > 4;
      });
      expect(tooFar).toHaveLength(0);
    }
  });

  test.each([[fixed(3), 4], [{ baseM: 1, perHeight: 0.4, maxM: 6 }, 2.5], [fixed(1), 2]])(
    'crowns of tops in a core are the same from the whole survey and from the core with its halo, and not with less (%#)', (window, maxRadiusM) => {
      const params = paramsOf(method, { window, maxRadiusM });
      const crownsIn = (raster: Raster) => crownsByCore(raster, params);
      expect(coresThatDiffer(Math.ceil(crownHaloM(params, 0.5) / 0.5), crownsIn)).toBe(0);
      expect(coresThatDiffer(Math.floor(maxRadiusM / 0.5) - 1, crownsIn)).toBeGreaterThan(0);
    });

  test('a top outside the raster, and a radius without a bound, are refused', () => {
    expect(() => growCrowns(drawn('5 5'), [{ col: 2, row: 0, heightM: 5 }], paramsOf(method))).toThrow(/col 2, row 0/);
    expect(() => growCrowns(drawn('5 5'), [], paramsOf(method, { maxRadiusM: Infinity }))).toThrow(/max_radius_m/);
  });
});

test('the halo of each method is the sum of LOCALITY: R 8, window radius 4.3, pixel 0.5', () => {
  const halo = (method: CrownMethodName) => crownHaloM(paramsOf(method, { maxRadiusM: 8, window: { baseM: 3, perHeight: 0.07, maxM: 8.6 } }), 0.5);
  expect(halo('watershed')).toBeCloseTo(12.8, 9);
  expect(halo('dalponte')).toBe(24);
  expect(halo('silva')).toBeCloseTo(20.3, 9);
});

/** Crowns of the tops in a core, pixel by pixel in global numbers. */
function crownsByCore(chm: Raster, params: CrownParams): (core: Window) => string {
  const tops = findTreetops(chm, params), labels = growCrowns(chm, tops, params), { col, row, width } = chm.window;
  const pixels = tops.map((): string[] => []);
  labels.forEach((label, i) => label > 0 && pixels[label - 1]!.push(`${col + (i % width)},${row + Math.floor(i / width)}`));
  return (core) => tops.flatMap((top, t) => (contains(core, top.col, top.row) ? [`${top.col},${top.row}: ${pixels[t]!.join(' ')}`] : [])).join('\n');
}

/** How many labels have more than one 4-connected part. */
function brokenCrowns(labels: Int32Array, { width, height }: Window): number {
  const seen = new Set<number>(), parts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0 || seen.has(i)) continue;
    parts.set(labels[i]!, (parts.get(labels[i]!) ?? 0) + 1);
    const stack = [i];
    seen.add(i);
    for (let p = stack.pop(); p !== undefined; p = stack.pop()) {
      const col = p % width, row = Math.floor(p / width);
      for (const [c, r] of [[col - 1, row], [col + 1, row], [col, row - 1], [col, row + 1]] as const) {
        const q = r * width + c;
        if (c < 0 || r < 0 || c >= width || r >= height || labels[q] !== labels[p] || seen.has(q)) continue;
        seen.add(q);
        stack.push(q);
      }
    }
  }
  return [...parts.values()].filter((count) => count > 1).length;
}
