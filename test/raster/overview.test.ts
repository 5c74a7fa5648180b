import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OverviewCascade, pyramid, type OverviewRule } from '../../src/raster/overview.ts';
import type { PixelArray } from '../../src/types.ts';

/** A whole level; null is a void. */
interface Picture { width: number; height: number; pixels: (number | null)[] }
const TILE = 16;

/** Feed a picture to the cascade tile by tile, and put together the levels that come out. */
function levelsOf(picture: Picture, rule: OverviewRule, make: (length: number) => PixelArray = (n) => new Float64Array(n)): Picture[] {
  const levels = pyramid(picture, TILE), cascade = new OverviewCascade(levels, { tilePx: TILE, rule, make });
  const out = levels.map(({ width, height }): Picture => ({ width, height, pixels: new Array<number | null>(width * height).fill(null) }));
  const came: string[] = [];
  for (let row = 0; row < levels[0]!.down; row++) {
    for (let col = 0; col < levels[0]!.across; col++) {
      const data = make(TILE ** 2), mask = new Uint8Array(TILE ** 2);
      eachPixel(picture, { col, row }, (at, from) => {
        data[at] = picture.pixels[from] ?? 99; // what stands under a void is no value
        mask[at] = picture.pixels[from] === null ? 0 : 1;
      });
      for (const tile of cascade.add({ level: 0, col, row, data, mask })) {
        came.push([tile.level, tile.col, tile.row].join());
        eachPixel(out[tile.level]!, tile, (at, to) => { out[tile.level]!.pixels[to] = tile.mask[at] ? tile.data[at]! : null; });
      }
    }
  }
  expect(new Set(came).size).toBe(came.length);
  expect(came).toHaveLength(levels.reduce((sum, { across, down }) => sum + across * down, 0)); // each tile of each level once
  return out;
}

function eachPixel({ width, height }: Picture, { col, row }: { col: number; row: number }, visit: (inTile: number, inPicture: number) => void): void {
  for (let r = 0; r < TILE && row * TILE + r < height; r++) for (let c = 0; c < TILE && col * TILE + c < width; c++) visit(r * TILE + c, (row * TILE + r) * width + col * TILE + c);
}

/** The level above, by definition. */
function halved({ width, height, pixels }: Picture, gives: (values: number[]) => number): Picture {
  const out: Picture = { width: Math.ceil(width / 2), height: Math.ceil(height / 2), pixels: [] };
  for (let row = 0; row < out.height; row++) {
    for (let col = 0; col < out.width; col++) {
      const under = [[0, 0], [1, 0], [0, 1], [1, 1]].filter(([c, r]) => 2 * col + c! < width && 2 * row + r! < height).map(([c, r]) => pixels[(2 * row + r!) * width + 2 * col + c!]!);
      const valid = under.filter((value) => value !== null);
      out.pixels.push(valid.length === 0 ? null : gives(valid));
    }
  }
  return out;
}

const pictures = fc.record({ width: fc.integer({ min: 1, max: 100 }), height: fc.integer({ min: 1, max: 100 }), holes: fc.constantFrom(1, 2, 3, 50), seed: fc.integer({ min: 0, max: 999 }) })
  .map(({ width, height, holes, seed }): Picture => ({ width, height, pixels: Array.from({ length: width * height }, (_, i) => ((Math.imul(i + seed, 2654435761) >>> 8) % holes === 0 && holes > 1 ? null : (i * 37 + seed) % 251)) }));
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test.each([['mean', mean], ['any', (values: number[]) => Math.max(...values)]] as const)('by the rule %s every level is made of the valid ones of four pixels of the level below, at every size and with any voids', (rule, gives) => {
  fc.assert(fc.property(pictures, (picture) => {
    const [first, ...coarser] = levelsOf(picture, rule);
    expect(first).toEqual(picture);
    let below = picture;
    for (const level of coarser) {
      below = halved(below, gives);
      expect(level).toEqual(below);
    }
    const { width, height } = below;
    expect(Math.max(width, height)).toBeLessThanOrEqual(TILE); // the last one is a single tile
  }), { seed: 4, numRuns: 60 });
});

test('what stood in a row of tiles enters no later one, in a strip whose last row of tiles has no second one below', () => {
  // 3 tiles high: 0 m, 100 m, 0 m; at level 5 the southern pixel covers the last tile and nothing else
  const pixels = Array.from({ length: 512 * 48 }, (_, i) => (i >= 512 * 16 && i < 512 * 32 ? 100 : 0));
  expect(levelsOf({ width: 512, height: 48, pixels }, 'mean')[5]).toEqual({ width: 16, height: 2, pixels: [...new Array<number>(16).fill(50), ...new Array<number>(16).fill(0)] });
});

test('means of whole numbers are rounded, half up: 3, 4 and two voids are 4', () => {
  const pixels: (number | null)[] = new Array<null>(32 * 2).fill(null);
  pixels[0] = 3;
  pixels[1] = 4;
  expect(levelsOf({ width: 32, height: 2, pixels }, 'mean', (n) => new Uint16Array(n))[1]!.pixels[0]).toBe(4);
});

test.each(['mean', 'any'] as const)('by the rule %s a NaN is passed over, and stays where there is nothing else: it never becomes 0 or a void', (rule) => {
  const pixels: (number | null)[] = new Array<null>(32 * 2).fill(null);
  pixels[0] = NaN;
  pixels[1] = 5;
  pixels[4] = NaN;
  expect(levelsOf({ width: 32, height: 2, pixels }, rule)[1]!.pixels.slice(0, 4)).toEqual([5, null, NaN, null]);
});
