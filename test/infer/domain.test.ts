import { describe, expect, test } from 'vitest';
import { sampleModels } from '../../data-samples/make/onnx.ts';
import { anchoredLattice, contains, emptyRaster } from '../../src/geo/lattice.ts';
import type { ImageBox } from '../../src/infer/boxes.ts';
import { isTableCard, parseAnyCard } from '../../src/infer/card.ts';
import type { ModelCard, TableCard } from '../../src/infer/card.ts';
import { FigureSum, cropTally, momentsOfFigures, patchFigures, patchTally, tableFigures } from '../../src/infer/domain.ts';
import { DomainSum, domainWarnings, withLastRun } from '../../src/infer/domain-report.ts';
import type { Domain } from '../../src/infer/domain-report.ts';
import { outputWindow, patchGrid, patchWindow, planBlocks } from '../../src/infer/patches.ts';
import type { Window } from '../../src/types.ts';
import { imageCard, lattice, redAt, syntheticInput } from './fixtures.ts';

/** red-density in patches of 32 px that trust 16 of them, with the given statistics on its card. */
function cardWith(statistics: Record<string, { mean: number; sd: number }> = {}, scale = 1): ModelCard {
  const record = JSON.parse(sampleModels()['red-density']!.card) as { input: object };
  return imageCard({ ...record, input: { ...record.input, patch_px: 32, margin_px: 8, scale, statistics } }, 'card');
}
const onlyRed = [true, false, false, false], image: Window = { col: -37, row: 5, width: 150, height: 90 }, holes = [{ col: 0, row: 20, width: 9, height: 11 }];

interface Looked {
  image?: Window;
  voids?: Window[];
  boxes?: ImageBox[];
  card?: ModelCard;
  /** to gather the red band's figures, unrounded */
  red?: FigureSum;
}

/** Run all blocks of some size over a picture: what each patch reads, and a map that is 1 everywhere it is valid. */
async function domainIn(blockPatches: number, { image: window = image, voids = holes, boxes = [], card = cardWith(), red = new FigureSum() }: Looked = {}): Promise<Domain> {
  const sum = new DomainSum(), grid = patchGrid(card.input);
  for (const block of planBlocks(window, card.input, blockPatches)) {
    const tally = patchTally(card.input, onlyRed), read = tally.reading(syntheticInput(window, voids)), { col, row, width, height } = block.patches;
    for (let r = row; r < row + height; r++) for (let c = col; c < col + width; c++) await read(patchWindow(grid, c, r));
    const raster = emptyRaster({ ...lattice, resM: 2 }, outputWindow(block.core, 4));
    const own = boxes.filter(({ xM, yM }) => Math.floor(xM / 0.5) >= block.core.col && Math.floor(xM / 0.5) < block.core.col + block.core.width && Math.floor(-yM / 0.5) >= block.core.row && Math.floor(-yM / 0.5) < block.core.row + block.core.height);
    for (const unit of patchFigures(tally.gathered(), { rasters: [{ name: 'stems', unit: 'stems/px', raster: { ...raster, data: raster.data.fill(1), mask: raster.mask.fill(1) } }], boxes: own }, card.input, lattice)) {
      sum.add(unit);
      if (unit.bands['red']) red.add(unit.bands['red']);
    }
  }
  return sum.domain(card, 0.25);
}

/** The same, pixel by pixel. */
function byHand(window: Window, voids: Window[]): { count: number; mean: number; sd: number } {
  const values: number[] = [];
  for (let row = window.row; row < window.row + window.height; row++) {
    for (let col = window.col; col < window.col + window.width; col++) if (!voids.some((hole) => contains(hole, col, row))) values.push(redAt(col, row));
  }
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { count: values.length, mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

describe('figures of what a network was given', () => {
  test('count each valid pixel once, though patches overlap: mean and deviation are those of the pixels', async () => {
    const { count, mean, sd } = byHand(image, holes), domain = await domainIn(8);
    expect(count).toBe(150 * 90 - 9 * 11);
    expect(domain.bands['red']).toMatchObject({ pixels: count, mean: expect.closeTo(mean, 6), sd: expect.closeTo(sd, 6) });
    expect(domain.valid_ha).toBeCloseTo((count * 0.25) / 10_000, 9);
    expect(Object.keys(domain.bands)).toEqual(['red']); // the others are the card's fill
  });

  test('are the same, bit for bit, in blocks of 1, 3 and 8 patches', async () => {
    const card = cardWith({}, 1 / 255), reds = [1, 3, 8].map(() => new FigureSum()); // values that are no whole numbers, so that sums round
    const [one, three, eight] = [await domainIn(1, { card, red: reds[0]! }), await domainIn(3, { card, red: reds[1]! }), await domainIn(8, { card, red: reds[2]! })];
    expect(one).toEqual(eight);
    expect(three).toEqual(eight);
    const [first, ...others] = reds.map((red) => momentsOfFigures(red.figures()));
    expect(others).toEqual([first, first]);
  });

  test('count beyond 4 deviations of the training, after scale', async () => {
    // red is 0 to 255; with mean 100 and sd 25 the range is 0 to 200
    const domain = await domainIn(8, { card: cardWith({ red: { mean: 100, sd: 25 } }), voids: [] });
    let above = 0;
    for (let row = image.row; row < image.row + image.height; row++) for (let col = image.col; col < image.col + image.width; col++) if (redAt(col, row) > 200) above++;
    expect(domain.bands['red']!.outside_share).toBeCloseTo(above / (150 * 90), 9);
    expect(domain.bands['red']).toMatchObject({ card_mean: 100, card_sd: 25, shift_sd: expect.closeTo(Math.abs(domain.bands['red']!.mean - 100) / 25, 6) });
  });

  test('of crops count all pixels of each crop', async () => {
    const { input } = cardWith(), tally = cropTally(input, onlyRed), read = tally.reading(syntheticInput(image));
    for (let i = 0; i < 2; i++) await read({ col: 0, row: 10, width: 6, height: 5 });
    const { count, mean } = byHand({ col: 0, row: 10, width: 6, height: 5 }, []);
    expect(tally.gathered()['red']).toMatchObject({ count: 2 * count });
    expect(tally.gathered()['red']!.sum.reduce((a, b) => a + b, 0) / (2 * count)).toBeCloseTo(mean, 9);
  });

  test('count detections by the hectare, also one whose middle lies in a patch of another block', async () => {
    const card = cardWith(), boxes = [[1, -4], [5, -30], [30, -12]].map(([xM, yM], i): ImageBox => ({ xM: xM!, yM: yM!, x0M: 0, y0M: 0, x1M: 0, y1M: 0, score: 0.5 + i / 10, classIndex: 0, polygon: null }));
    const [one, eight] = [await domainIn(1, { boxes }), await domainIn(8, { boxes })];
    expect(one).toEqual(eight);
    expect(eight.outputs['score']).toMatchObject({ count: 3, mean: expect.closeTo(0.6, 6) });
    const far = patchFigures(new Map(), { rasters: [], boxes }, card.input, anchoredLattice(0.5));
    expect(far.reduce((sum, { outputs }) => sum + outputs['score']!.count, 0)).toBe(3);
    expect(eight.detections_per_ha).toBeNull(); // a density model counts by its map
  });
});

/** A domain with one band and one map, as a run may have it. */
const domainOf = (mean: number, sd: number, { stems = 0.01, outside = 0 } = {}): Domain => ({
  valid_px: 100, valid_ha: 1, detections_per_ha: null, last_run: null, notes: [], outputs: { stems: { count: 10, mean: stems, sd: 0, min: 0, max: 1 } },
  bands: { red: { pixels: 100, mean, sd, min: 0, max: 255, card_mean: 100, card_sd: 40, shift_sd: Math.abs(mean - 100) / 40, sd_ratio: sd / 40, outside_share: outside } },
});

const warningsOf = (domain: Domain) => domainWarnings(domain, cardWith());

describe('warnings', () => {
  test('a picture like the training has none; a darker, a flatter and a strange one each say what', () => {
    expect(warningsOf(domainOf(110, 45, { outside: 0.01 }))).toEqual([]);
    expect(warningsOf(domainOf(50, 40))).toEqual(['red: mean 50 is 1.25 standard deviations from the 100 of the training images']);
    expect(warningsOf(domainOf(100, 20))).toEqual(['red: standard deviation 20 is 0.5 times the 40 of the training images']);
    expect(warningsOf(domainOf(100, 40, { outside: 0.1 }))).toEqual(['red: 10 % of the pixels lie outside the range of the training images']);
  });

  test('a count that halves, and a picture that darkens, since the last run are said with that run', () => {
    const domain = withLastRun(domainOf(100, 40, { stems: 0.005 }), { runId: 'r1', domain: domainOf(130, 40, { stems: 0.01 }) });
    expect(domain.last_run).toMatchObject({ run_id: 'r1', outputs: { stems: 0.5 }, bands: { red: { shift_sd: 0.75, sd_ratio: 1 } } });
    expect(warningsOf(domain)).toEqual(['red: its mean lies 0.75 standard deviations from that in the last run (r1)', 'stems: its mean 0.005 is 0.5 times that in the last run (r1)']);
    expect(warningsOf(withLastRun(domainOf(100, 40), { runId: 'r1', domain: domainOf(105, 40) }))).toEqual([]);
  });

  test('a card without statistics says so, and warns of nothing', async () => {
    const domain = await domainIn(8);
    expect(domain.notes).toEqual(['no statistics on the card']);
    expect(warningsOf(domain)).toEqual([]);
  });
});

describe('a table', () => {
  /** Reads zq95 and cover_first_returns; trained on rows with a zq95 of 20 +- 5 m. */
  function tableCard(): TableCard {
    const record = JSON.parse(sampleModels()['table-agb']!.card) as { input: object }, card = parseAnyCard({ ...record, input: { ...record.input, statistics: { zq95: { mean: 20, sd: 5 } } } }, 'card');
    if (!isTableCard(card)) throw new Error('table-agb reads a table');
    return card;
  }
  /** Cells by their zq95, null where it is missing: those are not run, as the card has no fill. */
  const looked = (...zq95: (number | null)[]) => tableFigures(tableCard(), [zq95, zq95.map(() => 0.5)], { agb: zq95.map((height) => height && 10 * height), agb_sd: zq95.map((height) => height && 1) });
  const domainOfRows = (...tiles: (number | null)[][]): Domain => {
    const sum = new DomainSum();
    for (const tile of tiles) sum.add(looked(...tile));
    return sum.domain(tableCard());
  };
  const warnings = (...heights: number[]) => domainWarnings(domainOfRows(heights), tableCard());

  test('is compared column by column with the rows of the training; a row that was not run counts for nothing', () => {
    const domain = domainOfRows([10, 30, 50, null]); // mean 30, variance (400 + 0 + 400) / 3
    expect(domain.bands['zq95']).toMatchObject({ pixels: 3, mean: 30, sd: expect.closeTo(16.3299, 4), min: 10, max: 50, card_mean: 20, shift_sd: 2, sd_ratio: expect.closeTo(3.26599, 4), outside_share: expect.closeTo(1 / 3, 8) }); // 50 > 20 + 4 x 5
    expect(domain.bands['cover_first_returns']).toMatchObject({ pixels: 3, mean: 0.5, card_mean: null });
    expect(domain.outputs['agb']).toMatchObject({ count: 3, mean: 300, max: 500 });
    expect(domain).toMatchObject({ valid_px: 0, valid_ha: null, notes: ['no statistics on the card for cover_first_returns'] });
    expect(domainOfRows([null]).notes[0]).toBe('no row');
  });

  test('has the same figures, bit for bit, in one tile and in three', () => {
    const rows = Array.from({ length: 50 }, (_, i) => 3 + Math.sqrt(i));
    expect(domainOfRows(rows.slice(30), rows.slice(0, 7), rows.slice(7, 30))).toEqual(domainOfRows(rows));
  });

  test('of one even stand is no fault; taller or more uneven forest than the training had is said', () => {
    expect(warnings(26, 27, 28)).toEqual([]); // 1.4 deviations off, a sixth of the spread
    expect(warnings(31, 32, 33)).toEqual(['zq95: mean 32 is 2.4 standard deviations from the 20 of the training rows']);
    expect(warnings(5, 20, 35)).toEqual(['zq95: standard deviation 12.2 is 2.45 times the 5 of the training rows']);
    expect(warnings(15, 20, 20, 20, 20, 20, 20, 20, 41)).toEqual(['zq95: 11.1 % of the rows lie outside the range of the training rows']); // sd 6.9: 1.38 times
  });
});
