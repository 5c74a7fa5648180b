import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Points, Raster, Tile } from '../../src/types.ts';
import { insideBox, selectPoints } from '../../src/cloud/select.ts';
import { growBox } from '../../src/geo/box.ts';
import { indexIn } from '../../src/geo/lattice.ts';
import type { CanopyParams } from '../../src/pipeline/canopy-params.ts';
import { canopyParams } from '../../src/pipeline/canopy-params.ts';
import type { CanopyResult } from '../../src/pipeline/canopy.ts';
import { computeCanopy } from '../../src/pipeline/canopy.ts';
import { canopyHalos } from '../../src/pipeline/halo.ts';
import { JobSchema } from '../../src/pipeline/job-schema.ts';
import { tilesOfBox } from '../../src/tile/grid.ts';

/** The square that is compared, and how far points reach beyond it on all sides. */
const AREA = { x0: 320_000, y0: 4_100_000, x1: 320_080, y1: 4_100_080 }, BEYOND_M = 130;

const paramsOf = (keys: object, method: 'classified' | 'smrf' | 'pmf' = 'classified'): CanopyParams =>
  canopyParams(JobSchema.parse({ survey: 's', output: 'out', inputs: { lidar: { files: ['a.las'] } }, ...keys }), method);

/** Random returns per square metre; `latticeM`: ground on a lattice, so that four points are cocircular everywhere; heights in whole metres tie everywhere. */
function hardCloud(seed: number, { perM2, latticeM, wholeMetres }: { perM2: number; latticeM: number; wholeMetres: boolean }): Points {
  let state = seed;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const side = AREA.x1 - AREA.x0 + 2 * BEYOND_M, places: [number, number, number, number][] = [];
  const at = (dx: number, dy: number, z: number, c: number) => places.push([(AREA.x0 - BEYOND_M + dx) * 1e5, (AREA.y0 - BEYOND_M + dy) * 1e5, Math.round((wholeMetres ? Math.round(z) : z) * 1000) * 100, c]);
  for (let x = 0; x < side; x += latticeM) for (let y = 0; y < side; y += latticeM) at(x, y, 100 + 3 * random(), 2);
  for (let i = 0; i < side * side * perM2; i++) at(Math.round(random() * side * 1000) / 1000, Math.round(random() * side * 1000) / 1000, 100 + 25 * random() ** 2, 5);
  // a void of 15 m across the middle
  const kept = places.filter(([x, y]) => Math.hypot(x / 1e5 - 320_043, y / 1e5 - 4_100_037) > 7.5);
  const count = kept.length, column = (i: 0 | 1 | 2 | 3) => kept.map((place) => Math.round(place[i]));
  return {
    count, x: Float64Array.from(column(0)), y: Float64Array.from(column(1)), z: Float64Array.from(column(2)), classification: Uint8Array.from(column(3)),
    intensity: new Uint16Array(count).fill(7), returnNumber: new Uint8Array(count).fill(1), returnCount: new Uint8Array(count).fill(1),
  };
}

/** The chain over all tiles of one size, each given only the points within `haloM` of its core; put together over the area. */
function inTiles(cloud: Points, params: CanopyParams, sizeM: number, haloM: number) {
  const tiles = tilesOfBox({ ...AREA, x1: AREA.x1 - 0.01, y1: AREA.y1 - 0.01 }, sizeM);
  const results = tiles.map((tile) => ({ tile, result: computeCanopy({ points: selectPoints(cloud, insideBox(cloud, growBox(tile.core, haloM))), tile, params }) }));
  const inside = ({ xM, yM }: { xM: number; yM: number }) => xM >= AREA.x0 && xM < AREA.x1 && yM >= AREA.y0 && yM < AREA.y1;
  return {
    crowns: results.flatMap(({ result }) => result.crowns).filter(inside).sort((a, b) => a.row - b.row || a.col - b.col),
    cells: results.flatMap(({ result }) => result.cells).sort((a, b) => a.row - b.row || a.col - b.col),
    chm: pixelsOf(results, ({ chm }) => chm), dtm: pixelsOf(results, ({ dtm }) => dtm!), mask: pixelsOf(results, ({ chm, crownMask }) => ({ ...chm, data: Float32Array.from(crownMask) })),
  };
}

function pixelsOf(results: { tile: Tile; result: CanopyResult }[], rasterOf: (result: CanopyResult) => Raster): string[] {
  const pixels: string[] = [];
  for (const { result } of results) {
    const { window, data, mask } = rasterOf(result);
    for (let row = window.row; row < window.row + window.height; row++) {
      for (let col = window.col; col < window.col + window.width; col++) {
        const i = indexIn(window, col, row);
        pixels.push(`${row} ${col} ${mask[i] ? data[i] : 'void'}`);
      }
    }
  }
  return pixels.sort();
}

const CHAINS: { name: string; params: CanopyParams }[] = [
  { name: 'defaults', params: paramsOf({}) },
  { name: 'p2r, pits filled, median, Dalponte', params: paramsOf({ chm: { method: 'p2r', sub_circle_m: 0.2, pit_fill: true, smooth: 'median' }, crowns: { method: 'dalponte', max_radius_m: 5 } }) },
  { name: 'noise by voxels, Silva, fixed window', params: paramsOf({ noise: { method: 'voxels', size_m: 2, min_points: 4 }, crowns: { method: 'silva', max_radius_m: 5 }, treetops: { window: { base_m: 4, per_height: 0 } } }) },
  { name: 'ground by SMRF', params: paramsOf({ ground: { method: 'smrf', window_m: 6 } }, 'smrf') },
];
const CLOUDS = [
  { name: 'noise over ground on a 1 m lattice', cloud: hardCloud(1, { perM2: 1.5, latticeM: 1, wholeMetres: false }) },
  { name: 'heights in whole metres over a sparse 4 m lattice', cloud: hardCloud(2, { perM2: 1, latticeM: 4, wholeMetres: true }) },
];

describe.each(CHAINS)('$name', ({ params }) => {
  test.each(CLOUDS)('gives the same crowns, cells and rasters in tiles of 80, 40 and 20 m on $name', ({ cloud }) => {
    const haloM = canopyHalos(params).points, whole = inTiles(cloud, params, 80, BEYOND_M);
    expect(whole.crowns.length).toBeGreaterThan(20);
    expect(inTiles(cloud, params, 40, haloM)).toEqual(whole);
    expect(inTiles(cloud, params, 20, haloM)).toEqual(whole);
  });
});

test.each(CHAINS)('with less than the sum of the halos, $name differs in each result somewhere', ({ params }) => {
  const pairs = CLOUDS.map(({ cloud }) => [inTiles(cloud, params, 80, BEYOND_M), inTiles(cloud, params, 20, 4)] as const);
  for (const name of ['crowns', 'mask', 'chm', 'dtm', 'cells'] as const) {
    const differs = pairs.some(([whole, short]) => JSON.stringify(whole[name]) !== JSON.stringify(short[name]));
    expect(differs, name).toBe(true);
  }
});

test('the order of points changes nothing', () => {
  const { params } = CHAINS[0]!, { cloud } = CLOUDS[1]!, whole = inTiles(cloud, params, 40, 60);
  fc.assert(fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => {
    const order = Array.from({ length: cloud.count }, (_, i) => i).sort((a, b) => (Math.imul(a + 1, seed | 1) >>> 0) - (Math.imul(b + 1, seed | 1) >>> 0));
    const shuffled = Object.fromEntries(Object.entries(cloud).map(([name, column]) => [name, typeof column === 'number' ? column : column.map((_: number, i: number) => column[order[i]!]!)])) as unknown as Points;
    expect(inTiles(shuffled, params, 40, 60)).toEqual(whole);
  }), { numRuns: 3, seed: 5 });
});
