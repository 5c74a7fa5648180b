// infer/domain.ts: what values a network is given and gives, gathered patch by patch, against those that it was trained on. Pure.
import { ExactSum } from '../geo/exact-sum.ts';
import { indexIn, pixelAt } from '../geo/lattice.ts';
import type { Lattice, Window } from '../types.ts';
import type { ImageBox } from './boxes.ts';
import type { AnyCard, CardInput, TableCard } from './card.ts';
import { readFinite } from './input.ts';
import type { InputWindow, ReadInput } from './input.ts';
import { outputWindow, patchGrid, patchesOfWindow, trustedCentre } from './patches.ts';
import type { PatchGrid } from './patches.ts';
import type { BlockResult } from './registry.ts';
import type { RowColumn, RowResults } from './regress-table.ts';

/** Training values reach so many standard deviations from their mean: no more than 1 in 16 of any distribution lies beyond 4 (Chebyshev). */
export const RANGE_SD = 4;

/** The name of detections' scores among outputs. */
export const SCORE = 'score';

/** Figures of some values: what adds up over patches. */
export interface Figures {
  count: number;
  /** beyond the training values' range; 0 where the card has none */
  outside: number;
  min: number;
  max: number;
  /** terms whose exact sum it is, of the values and of their squares */
  sum: number[];
  squares: number[];
}

/** The figures of a patch, or of the crops or rows of a tile. Names are bands (columns) of the card and variables of its outputs. */
export interface UnitFigures {
  /** col, row on the lattice of patches; null for crops and rows */
  patch: [col: number, row: number] | null;
  bands: Record<string, Figures>;
  outputs: Record<string, Figures>;
}

/** Adds figures of values, or figures of others: exactly, so in any order. */
export class FigureSum {
  private count = 0;
  private outside = 0;
  private min = 0;
  private max = 0;
  private readonly sum = new ExactSum();
  private readonly squares = new ExactSum();

  add({ count, outside, min, max, sum, squares }: Figures): void {
    if (count === 0) return;
    this.min = this.count === 0 ? min : Math.min(this.min, min);
    this.max = this.count === 0 ? max : Math.max(this.max, max);
    this.count += count;
    this.outside += outside;
    for (const term of sum) this.sum.add(term);
    for (const term of squares) this.squares.add(term);
  }

  figures(): Figures {
    return { count: this.count, outside: this.outside, ...extremes(this.count, this.min, this.max), sum: this.sum.terms(), squares: this.squares.terms() };
  }
}

/** Mean and standard deviation (n in the denominator); NaN of nothing. Sums are rounded once, here. */
export function momentsOfFigures({ count, sum, squares }: Figures): { mean: number; sd: number } {
  const mean = exactSum(sum) / count;
  return { mean, sd: Math.sqrt(Math.max(0, exactSum(squares) / count - mean * mean)) };
}

function exactSum(terms: readonly number[]): number {
  const sum = new ExactSum();
  for (const term of terms) sum.add(term);
  return sum.value();
}

/** Least and greatest of `count` values; of none Infinity and -Infinity. */
const extremes = (count: number, min: number, max: number) => (count === 0 ? { min: Infinity, max: -Infinity } : { min, max });

/**
 * Values of a window's part that are valid, times `scale`: counted and added in raster order, in double precision.
 *
 * The extremes begin with the first value, not at Infinity: twice, on a loaded machine, a maximum had begun with that of the call before it while sums
 * were right (V8 13.6, its compiler is suspected; thousands of tries did not repeat it). The first value owes nothing to an earlier call.
 */
function figuresOf(values: Float32Array, mask: Uint8Array, window: Window, part: Window, { scale = 1, low = -Infinity, high = Infinity } = {}): Figures {
  let count = 0, outside = 0, min = 0, max = 0, sum = 0, squares = 0;
  for (let row = part.row; row < part.row + part.height; row++) {
    for (let i = indexIn(window, part.col, row), end = i + part.width; i < end; i++) {
      if (!mask[i]) continue;
      const value = values[i]! * scale;
      if (count === 0 || value < min) min = value;
      if (count === 0 || value > max) max = value;
      count++;
      sum += value;
      squares += value * value;
      if (value < low || value > high) outside++;
    }
  }
  return { count, outside, ...extremes(count, min, max), sum: [sum], squares: [squares] };
}

/** Figures of numbers, whatever their order. */
export function figuresOfNumbers(values: readonly number[], { low = -Infinity, high = Infinity } = {}): Figures {
  const sum = new ExactSum(), squares = new ExactSum();
  let count = 0, outside = 0, min = 0, max = 0;
  for (const value of values) {
    sum.add(value);
    squares.add(value * value);
    if (count === 0 || value < min) min = value;
    if (count === 0 || value > max) max = value;
    count++;
    if (value < low || value > high) outside++;
  }
  return { count, outside, ...extremes(count, min, max), sum: sum.terms(), squares: squares.terms() };
}

/** The range of a band's or column's training values; everything where the card has none. */
function rangeOf({ statistics }: AnyCard['input'], band: string): { low: number; high: number } {
  const known = statistics[band];
  return known ? { low: known.mean - RANGE_SD * known.sd, high: known.mean + RANGE_SD * known.sd } : { low: -Infinity, high: Infinity };
}

function bandFigures(input: InputWindow, card: CardInput, given: readonly boolean[], window: Window, part: Window): Record<string, Figures> {
  return Object.fromEntries(card.bands.flatMap((band, b) => (given[b] ? [[band, figuresOf(input.bands[b]!, input.mask, window, part, { scale: card.scale, ...rangeOf(card, band) })]] : [])));
}

/** Gathers figures of what is read, beside the reading. */
export interface Tally<Gathered> {
  /** the reader, watched */
  reading(read: ReadInput): ReadInput;
  gathered(): Gathered;
}

/** Look at what a reader gives, on its way. */
const watching = (look: (input: InputWindow, window: Window) => void) => (read: ReadInput): ReadInput => async (window) => {
  const input = await readFinite(read, window);
  look(input, window);
  return input;
};

/**
 * Watch the reader of a block of patches: of each patch the valid pixels of its trusted centre count, which tile the plane, so each pixel counts once.
 *
 * @param given  which of the card's bands an input gives; one that the card's fill stands for has no figures
 * @returns figures of the bands by patch, `col_row`
 */
export function patchTally(card: CardInput, given: readonly boolean[]): Tally<Map<string, UnitFigures>> {
  const grid = patchGrid(card), units = new Map<string, UnitFigures>();
  return {
    reading: watching((input, window) => {
      const col = window.col / grid.stepPx, row = window.row / grid.stepPx, bands = bandFigures(input, card, given, window, trustedCentre(grid, col, row));
      if (Object.values(bands).some(({ count }) => count > 0)) units.set(`${col}_${row}`, { patch: [col, row], bands, outputs: {} });
    }),
    gathered: () => units,
  };
}

/** Watch the reader of crops: all valid pixels of each crop count, so those that crops share count in each: a crop is what the network is given. */
export function cropTally(card: CardInput, given: readonly boolean[]): Tally<Record<string, Figures>> {
  const sums = new Map<string, FigureSum>();
  return {
    reading: watching((input, window) => {
      for (const [band, figures] of Object.entries(bandFigures(input, card, given, window, window))) addTo(sums, band, figures);
    }),
    gathered: () => Object.fromEntries([...sums].map(([band, sum]) => [band, sum.figures()])),
  };
}

/**
 * The figures of a table that a network has read: of the rows that ran the values that are there, and what it gave. A value that the card's `fill` stands for has none.
 *
 * @param columns    in the order of `post.columns`
 * @param variables  of `runRows`: null in rows that did not run
 */
export function tableFigures({ input, post, outputs }: TableCard, columns: readonly RowColumn[], variables: RowResults['variables']): UnitFigures {
  const ran = variables[outputs[0]!.variable] ?? [];
  const bands = post.columns.map((name, c) => [name, figuresOfNumbers([...columns[c]!].filter((value, row): value is number => ran[row] !== null && Number.isFinite(value)), rangeOf(input, name))] as const);
  const given = Object.entries(variables).map(([name, values]) => [name, figuresOfNumbers(values.filter((value) => value !== null))] as const);
  return { patch: null, bands: Object.fromEntries(bands), outputs: Object.fromEntries(given) };
}

/** Add to the sum of a name. */
export function addTo(sums: Map<string, FigureSum>, name: string, figures: Figures): void {
  const sum = sums.get(name) ?? new FigureSum();
  sums.set(name, sum);
  sum.add(figures);
}

/**
 * The figures of a block's patches, with those of what the network gave there: valid pixels of each map within the trusted centre, or the
 * scores of the detections whose middle it holds. A detection may have its middle in a patch of another block; that patch then has figures from both.
 */
export function patchFigures(units: ReadonlyMap<string, UnitFigures>, { rasters, boxes }: Pick<BlockResult, 'rasters' | 'boxes'>, card: CardInput, lattice: Lattice): UnitFigures[] {
  const grid = patchGrid(card), all = new Map([...units].map(([name, unit]) => [name, { ...unit, outputs: { ...unit.outputs, ...mapFigures(rasters, trustedCentre(grid, ...unit.patch!), lattice) } }]));
  for (const [name, { patch, scores }] of scoresByPatch(boxes, grid, lattice)) {
    const unit = all.get(name) ?? { patch, bands: {}, outputs: {} };
    all.set(name, { ...unit, outputs: { ...unit.outputs, [SCORE]: figuresOfNumbers(scores) } });
  }
  return [...all.values()].sort((a, b) => a.patch![1] - b.patch![1] || a.patch![0] - b.patch![0]);
}

function mapFigures(rasters: BlockResult['rasters'], centre: Window, { resM }: Lattice): Record<string, Figures> {
  const found = rasters.map(({ name, raster: { lattice, window, data, mask } }) => [name, figuresOf(data, mask, window, outputWindow(centre, Math.round(lattice.resM / resM)))] as const);
  return Object.fromEntries(found.filter(([, { count }]) => count > 0));
}

interface PatchScores {
  patch: [col: number, row: number];
  scores: number[];
}

function scoresByPatch(boxes: readonly ImageBox[], grid: PatchGrid, lattice: Lattice): Map<string, PatchScores> {
  const byPatch = new Map<string, PatchScores>();
  for (const { xM, yM, score } of boxes) {
    const patch = patchesOfWindow(grid, { ...pixelAt(lattice, xM, yM), width: 1, height: 1 }), name = `${patch.col}_${patch.row}`, there = byPatch.get(name);
    if (there) there.scores.push(score);
    else byPatch.set(name, { patch: [patch.col, patch.row], scores: [score] });
  }
  return byPatch;
}
