// Tasks that give maps: regress-raster, segment, and the count of density under polygons.
import { afterAll, describe, expect, test } from 'vitest';
import { pixelShares } from '../../src/geo/polygon-shares.ts';
import { contains, indexIn } from '../../src/geo/lattice.ts';
import type { CardOf } from '../../src/infer/card.ts';
import { runDensityBlock } from '../../src/infer/density.ts';
import type { ReadInput } from '../../src/infer/input.ts';
import { patchTask } from '../../src/infer/registry.ts';
import type { BlockResult } from '../../src/infer/registry.ts';
import { runRegressRasterBlock } from '../../src/infer/regress-raster.ts';
import { runSegmentBlock } from '../../src/infer/segment.ts';
import type { Session, Tensor } from '../../src/infer/session.ts';
import type { Polygon, Raster, Window } from '../../src/types.ts';
import { lattice, redAt } from './fixtures.ts';
import { blocksOf, closeSessions, imageOf, onePatch, plain, sampleCardOf, saying, sessionOf, tensor } from './detect-fixtures.ts';
import type { Json } from './detect-fixtures.ts';

afterAll(closeSessions);

const SIDE = 64;
const small = (card: Json) => Object.assign(card.input, { patch_px: SIDE, margin_px: 16 });
const plane = (valueAt: (col: number, row: number) => number): Tensor => ({ data: Float32Array.from({ length: SIDE * SIDE }, (_, i) => valueAt(i % SIDE, Math.floor(i / SIDE))), dims: [1, 1, SIDE, SIDE] });
const at = ({ data, mask, window }: Raster, col: number, row: number): number | null => (mask[indexIn(window, col, row)] ? data[indexIn(window, col, row)]! : null);

describe('regress-raster', () => {
  const card = (change: (card: Json) => void = () => {}) => sampleCardOf('band-height', 'regress-raster', (record) => { small(record); change(record); });
  const run = (of: CardOf<'regress-raster'>, session: Session, readInput: ReadInput = plain) => runRegressRasterBlock(onePatch(of), of, session, readInput, lattice);

  test('the sample: height is red / 8 + nir / 16 + 1.5 m with a deviation of red / 64, in this order, and void where the image is', async () => {
    const of = sampleCardOf('band-height', 'regress-raster'), readInput = imageOf((col, row, band) => (col === 40 && row === 50 ? null : band === 0 ? 80 : band === 3 ? col : 0));
    const { rasters, boxes, valid, voids, statistics } = await run(of, await sessionOf('band-height'), readInput);
    expect(rasters.map(({ name, unit }) => [name, unit])).toEqual([['height_m', 'm'], ['height_m_sd', 'm']]);
    expect([at(rasters[0]!.raster, 32, 60), at(rasters[0]!.raster, 96, 60), at(rasters[1]!.raster, 96, 60)]).toEqual([13.5, 17.5, 1.25]); // 80 / 8 + 32 / 16 + 1.5; 80 / 64
    expect([at(rasters[0]!.raster, 40, 50), at(rasters[1]!.raster, 40, 50)]).toEqual([null, null]);
    expect([boxes, valid]).toEqual([[], null]);
    expect(voids).toEqual([{ source: 'band-height', reason: 'image pixels missing or masked', areaM2: 0.25 }]);
    expect(statistics).toMatchObject({ validPx: 96 * 96 - 1, voidPx: 1, min: 12.5, max: 18.4375 }); // columns 16 to 111
  });

  test('300.2 m and 412.7 Mg/ha come back unchanged', async () => {
    const of = card((record) => { record.outputs[0].range = [0, 500]; });
    const { rasters } = await run(of, saying({ height: plane((col) => (col < 32 ? 300.2 : 412.7)), height_sd: plane(() => 0.1) }));
    expect([at(rasters[0]!.raster, 20, 20), at(rasters[0]!.raster, 40, 20), at(rasters[1]!.raster, 40, 20)]).toEqual([Math.fround(300.2), Math.fround(412.7), Math.fround(0.1)]);
  });

  test('a card that names the deviation first gives the measure first all the same', async () => {
    const of = card((record) => record.outputs.reverse()), { rasters } = await run(of, saying({ height: plane(() => 5), height_sd: plane(() => 1) }));
    expect(rasters.map(({ name, raster }) => [name, at(raster, 20, 20)])).toEqual([['height_m', 5], ['height_m_sd', 1]]);
  });

  test('the activation and the factor of each output are applied: e^x, in tonnes', async () => {
    const of = card((record) => Object.assign(record.outputs[0], { activation: 'exp', factor: 0.001, range: [0, 500] }));
    expect(at((await run(of, saying({ height: plane(() => Math.log(5000)), height_sd: plane(() => 1) }))).rasters[0]!.raster, 20, 20)).toBeCloseTo(5, 5);
  });

  test('nodata of the raw output is a void in the map and in its deviation, never a value, even inside the range', async () => {
    const of = card((record) => { record.outputs[0].factor = 2; record.post.nodata = 10.1; }), height = plane((col) => (col === 20 ? 10.1 : 10)), height_sd = plane((_, row) => (row === 30 ? 10.1 : 3));
    const { rasters: [map, sd], voids, statistics } = await run(of, saying({ height, height_sd }));
    expect([at(map!.raster, 20, 20), at(map!.raster, 21, 20), at(map!.raster, 21, 30)]).toEqual([null, 20, 20]);
    expect([at(sd!.raster, 20, 20), at(sd!.raster, 21, 20), at(sd!.raster, 21, 30)]).toEqual([null, 3, null]);
    expect(statistics).toMatchObject({ voidPx: 32, min: 20, max: 20 });
    expect(voids).toEqual([{ source: 'band-height', reason: 'image pixels missing or masked, or nodata of the model', areaM2: 8 }]);
  });

  test.each<[string, number, number, RegExp]>([
    ['NaN', NaN, 1, /output height at its pixel 30,30: a value is NaN/],
    ['70 m, where the card ends at 60', 70, 1, /70 m is outside the card's range \[0, 60\]/],
    ['a negative deviation', 5, -1, /output height_sd at its pixel 30,30: -1 m is outside the card's range \[0, 60\]/],
  ])('%s in a valid pixel stops the task', async (_, value, sd, message) => {
    await expect(run(card(), saying({ height: plane((col, row) => (col === 30 && row === 30 ? value : 5)), height_sd: plane((col, row) => (col === 30 && row === 30 ? sd : 1)) }))).rejects.toThrow(message);
  });
});

describe('segment', () => {
  test('with the climb gives the map of probability: red / 255 of the sample', async () => {
    const card = sampleCardOf('red-probability', 'segment'), { runBlock } = await patchTask(card);
    const { rasters, boxes } = await runBlock(onePatch(card), card, await sessionOf('red-probability'), imageOf((col, _, band) => (band === 0 && col % 2 ? 255 : 51)), lattice);
    expect(rasters.map(({ name, unit, raster }) => [name, unit, at(raster, 41, 40), at(raster, 40, 40)])).toEqual([['dead', '1', 1, Math.fround(0.2)]]);
    expect(boxes).toEqual([]);
  });

  const card = (change: (card: Json) => void = () => {}) => sampleCardOf('red-probability', 'segment', (record) => {
    small(record);
    record.outputs = [{ name: 'masks', variable: 'crown', unit: '1', range: [0, 1], stride_px: 1 }, { name: 'scores', variable: 'scores', unit: '1', range: [0, 1], stride_px: 1 }];
    record.post = { objects: 'instances', threshold: 0.5, score_threshold: 0.4, max_overlap: 0.3, max_radius_m: 5, min_area_m2: 2 };
    change(record);
  });
  const inBox = (x0: number, y0: number, x1: number, y1: number) => (col: number, row: number) => col >= x0 && col < x1 && row >= y0 && row < y1;
  const instances = (list: [number, (col: number, row: number) => number | boolean][]): Session => saying({
    masks: tensor(list.flatMap(([, mask]) => [...plane((col, row) => Number(mask(col, row))).data]), [1, list.length, SIDE, SIDE]), scores: tensor(list.map(([score]) => score), [1, list.length]),
  });
  const run = (session: Session, readInput: ReadInput = plain, of = card()): Promise<BlockResult> => runSegmentBlock(onePatch(of), of, session, readInput, lattice);

  test('outlines the largest part of each mask, with its hole, at 0.5 m pixels', async () => {
    const ring = (col: number, row: number) => inBox(20, 20, 26, 24)(col, row) && !inBox(22, 21, 24, 23)(col, row);
    const { boxes, rasters } = await run(instances([[0.75, (col, row) => (ring(col, row) || inBox(40, 40, 43, 43)(col, row) ? 0.5 : 0.49)]]));
    expect(rasters).toEqual([]);
    expect(boxes).toEqual([{
      xM: 11.5, yM: -11, x0M: 10, y0M: -12, x1M: 13, y1M: -10, score: 0.75, classIndex: 0,
      polygon: [[[10, -10], [10, -12], [13, -12], [13, -10], [10, -10]], [[11, -10.5], [12, -10.5], [12, -11.5], [11, -11.5], [11, -10.5]]],
    }]);
  });

  test('parts that touch by a corner only are two; of equal ones the northern stays', async () => {
    const { boxes } = await run(instances([[0.75, (col, row) => inBox(20, 20, 24, 24)(col, row) || inBox(24, 24, 28, 28)(col, row)]]));
    expect(boxes.map(({ x0M, y0M, x1M, y1M }) => [x0M, y0M, x1M, y1M])).toEqual([[10, -12, 12, -10]]);
  });

  test('drops poor scores, small and large ones, and those whose middle another patch holds', async () => {
    const kept = inBox(30, 30, 33, 33), found = await run(instances([
      [0.39, inBox(20, 20, 24, 24)], [0.9, kept], [0.8, inBox(36, 20, 38, 23)], [0.8, inBox(20, 40, 41, 44)], [0.8, inBox(8, 20, 20, 24)], [0.7, () => false],
    ])); // 9 px are 2.25 m2, 6 px 1.5; 21 px are 10.5 m; the middle of 8 to 20 is 14, in the margin
    expect(found.boxes.map(({ x0M, score }) => [x0M, Math.fround(score)])).toEqual([[15, Math.fround(0.9)]]);
  });

  test('void pixels belong to no mask', async () => {
    const { boxes } = await run(instances([[0.75, inBox(20, 20, 26, 24)]]), imageOf((col) => (col < 22 ? null : 7)));
    expect(boxes.map(({ x0M, x1M }) => [x0M, x1M])).toEqual([[11, 13]]);
  });

  test('a mask with NaN, and masks without scores, stop the task', async () => {
    await expect(run(instances([[0.75, (col) => (col === 9 ? NaN : 1)]]))).rejects.toThrow(/output masks at its pixel 9 of an instance is NaN/);
    await expect(run(saying({ masks: tensor(new Array<number>(2 * SIDE * SIDE).fill(1), [2, SIDE, SIDE]), scores: tensor([0.9], [1]) }))).rejects.toThrow(/gave 2 masks and 1 scores/);
  });
});

test('density: the heat of a second output is a map beside the stems', async () => {
  const card = sampleCardOf('red-density', 'density', (record) => {
    small(record);
    Object.assign(record.input, { stride_px: 1 });
    record.outputs[0].stride_px = 1;
    record.outputs.push({ name: 'heat', variable: 'heat', unit: '1', stride_px: 1, range: [0, 1] });
  });
  const { rasters } = await runDensityBlock(onePatch(card), card, saying({ density: plane(() => 0.25), heat: plane((col) => col / 64) }), plain, lattice);
  expect(rasters.map(({ name, raster }) => [name, at(raster, 16, 20)])).toEqual([['stems', 0.25], ['heat', 0.25]]);
});

test('the count is kept to 1e-4 when polygons cut pixels, whatever the size of the blocks', async () => {
  const image = { col: 904_000, row: -8_890_320, width: 200, height: 160 }, card = sampleCardOf('box-density', 'density'), session = await sessionOf('box-density');
  const readInput = imageOf((col, row, band) => (contains(image, col, row) ? (band === 0 ? redAt(col, row) : 0) : null));
  const x = 452_000, y = 4_445_080; // south-west corner; 100 x 80 m, cut in three by slanted lines through no pixel corner
  const p = (e: number, n: number): [number, number] => [x + e, y + n];
  const parts: Polygon[] = [[[p(0, 0), p(37.3, 0), p(51.7, 80), p(0, 80), p(0, 0)]], [[p(37.3, 0), p(100, 0), p(100, 33.1), p(44.77, 41.5), p(37.3, 0)]], [[p(44.77, 41.5), p(100, 33.1), p(100, 80), p(51.7, 80), p(44.77, 41.5)]]];
  const counts = async (n: number) => {
    let total = 0;
    const sums = [0, 0, 0];
    for (const block of blocksOf(card, image as Window, n)) {
      const { rasters, statistics } = await runDensityBlock(block, card, session, readInput, lattice), { raster } = rasters[0]!;
      total += Number.isNaN(statistics.sum) ? 0 : statistics.sum;
      parts.forEach((polygon, k) => {
        const { index, share } = pixelShares([polygon], raster.lattice, raster.window);
        index.forEach((i, j) => { if (raster.mask[i]) sums[k]! += raster.data[i]! * share[j]!; });
      });
    }
    return { total, sums };
  };
  const one = await counts(1), three = await counts(3);
  expect(one.total).toBeGreaterThan(50);
  // (37.3, 0) to (51.7, 80) passes (44.77, 41.5): the three parts tile the image but for a sliver of 1e-2 m2
  expect(Math.abs(one.sums.reduce((a, b) => a + b) - one.total)).toBeLessThan(1e-4);
  one.sums.forEach((sum, k) => expect(Math.abs(sum - three.sums[k]!)).toBeLessThan(1e-4));
});
