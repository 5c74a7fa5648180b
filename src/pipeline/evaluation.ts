// pipeline/evaluation.ts: an inventory against reference trees and plots: what `evaluate` prints and table `evaluation` holds. IO.
import Flatbush from 'flatbush';
import type { Box, Plot, PlotTree } from '../types.ts';
import { UsageError } from '../errors.ts';
import { scorePlots } from '../evaluate/agreement.ts';
import type { PlotComparison } from '../evaluate/agreement.ts';
import { groundOfArea, groundOfHull, groundOfPlots } from '../evaluate/ground.ts';
import type { Ground } from '../evaluate/ground.ts';
import { FEWEST_UNITS } from '../evaluate/bootstrap.ts';
import { detectionByHeight } from '../evaluate/detection-rate.ts';
import type { DetectionClass, PlotHeights } from '../evaluate/detection-rate.ts';
import { MATCH_LIMITS } from '../evaluate/match-trees.ts';
import { countedTrees, figuresOf, measuredFigures } from '../evaluate/plot-figures.ts';
import { regionOfPlot } from '../evaluate/regions.ts';
import type { Score } from '../evaluate/score.ts';
import { scoreTrees } from '../evaluate/tree-scores.ts';
import type { FoundTree, ReferenceTree } from '../evaluate/tree-scores.ts';
import { growBox, unionBox } from '../geo/box.ts';
import type { Crs } from '../geo/crs.ts';
import { roundTo } from '../geo/units.ts';
import { readPlotTrees, readPlots } from '../ingest/plots.ts';
import type { InventorySource, InventoryTree } from './inventory-source.ts';
import { readArea } from './reference-files.ts';

/** Files of a reference: trees, plots, or plots with their trees; an area for mapped trees without plots. */
export interface ReferenceFiles {
  plots?: string;
  trees?: string;
  area?: string;
}

export interface EvaluationOptions {
  surveyCrs: Crs;
  /** of x, y in the files; default: the survey's */
  statedCrs?: Crs;
  /** the least diameter of the field plots: both sides are summed from it on; default 0 */
  minDbhCm?: number;
  /** how a file is called in the rows; default: its path as given */
  nameOf?: (path: string) => string;
}

/** A row of table `evaluation`. */
export interface EvaluationRow extends Score {
  reference: string;
  of: 'trees' | 'plots';
}

export interface Evaluation {
  rows: EvaluationRow[];
  /** rows of table `detection`, by which stand_metrics corrects stems; none without plots */
  detection: (Omit<DetectionClass, 'n' | 'rate'> & { rate: number; source: string })[];
  /** what a reader must know: areas taken, trees and plots left out and why */
  notes: string[];
}

/** A reference tree as read. */
type ListedTree = PlotTree;

/** Plots whose valid share is below this are left out of plot figures. */
export const LEAST_VALID_SHARE = 0.9;
/** The inventory is fetched in blocks of this size. */
const FETCH_M = 500;

/**
 * Compare an inventory with a reference: trees one by one where they were mapped, plots as sums.
 * Memory holds the reference and the inventory's trees near it.
 *
 * @throws {UsageError} for an area beside plots, or a reference without anything to compare; {InvalidInput} as the readers do
 */
export async function evaluateReference(source: InventorySource, files: ReferenceFiles, options: EvaluationOptions): Promise<Evaluation> {
  const { surveyCrs, statedCrs, minDbhCm = 0, nameOf = (path) => path } = options, notes: string[] = [], read = { surveyCrs, ...(statedCrs ? { statedCrs } : {}), onNote: (note: string) => { notes.push(note); } };
  if (files.plots !== undefined && files.area !== undefined) throw new UsageError('an area is for mapped trees without plots: plots state their own; leave one of the two out');
  const plots = files.plots === undefined ? null : await Array.fromAsync(readPlots(files.plots, read));
  const trees: ListedTree[] | null = files.trees === undefined ? null : await Array.fromAsync(readPlotTrees(files.trees, read));
  const rows: EvaluationRow[] = [];
  const add = (of: EvaluationRow['of'], path: string, scores: readonly Score[]): void => {
    for (const score of scores) rows.push({ reference: nameOf(path), of, ...score, value: round6(score.value), lo: round6(score.lo), hi: round6(score.hi) });
  };
  if (trees?.some(isTarget)) {
    const ground = plots ? groundOfPlots(plots) : files.area !== undefined ? groundOfArea(await readArea(files.area, { surveyCrs, onNote: read.onNote })) : groundOfHull(trees.filter(isPlaced));
    notes.push(ground.note);
    add('trees', files.trees!, await treeScores(source, trees, ground, notes));
  } else if (trees) notes.push(unmatched(trees, files, plots !== null));
  const compared = plots && (await comparePlots(source, plots, trees, { minDbhCm, notes }));
  if (compared) add('plots', files.plots!, scorePlots(compared.plots));
  const detection = detectionByHeight(compared?.heights ?? []).map(({ layer, fromM, toM, rate, logError }) => ({ layer, fromM, toM, rate: roundTo(rate!, 6), logError: round6(logError), source: nameOf(files.plots!) }));
  const bare = (['trees', 'plots'] as const).filter((of) => lacksIntervals(rows.filter((row) => row.of === of && row.stratum === 'all')));
  if (bare.length > 0) notes.push(`no intervals for the ${bare.join(' and the ')}: with fewer than ${FEWEST_UNITS} plots or blocks nobody knows how much places differ`);
  return { rows, detection, notes };
}

const lacksIntervals = (rows: readonly EvaluationRow[]): boolean => rows.length > 0 && rows.every(({ lo }) => lo === null);

/** Why trees are not matched one by one. A list without any height has no tree that could be found or missed. */
function unmatched(trees: readonly ListedTree[], { trees: file }: ReferenceFiles, hasPlots: boolean): string {
  const lacks = trees.some(isPlaced) ? 'height_m' : 'x, y';
  return hasPlots ? `the trees have no ${lacks}: they are summed by plot, not matched one by one` : `${file}: no tree has ${lacks}; nothing can be matched without its plots: name them with --plots`;
}

const round6 = (value: number | null): number | null => (value === null ? null : roundTo(value, 6));

type Placed = ListedTree & { xM: number; yM: number };

const isPlaced = (tree: ListedTree): tree is Placed => tree.xM !== null && tree.yM !== null;
const isTarget = (tree: ListedTree): boolean => isPlaced(tree) && tree.heightM !== null;

async function treeScores(source: InventorySource, trees: readonly ListedTree[], ground: Ground, notes: string[]): Promise<Score[]> {
  const reference: ReferenceTree[] = [], left = { place: 0, outside: 0, invalid: 0, height: 0 };
  for (const tree of trees) {
    const unit = isPlaced(tree) ? ground.unitOf(tree) : null;
    if (!isPlaced(tree)) left.place++;
    else if (unit === null) left.outside++;
    else if (!(await source.isValid(tree.xM, tree.yM))) left.invalid++;
    else {
      if (tree.heightM === null) left.height++;
      reference.push({ xM: tree.xM, yM: tree.yM, heightM: tree.heightM, crownDiameterM: tree.crownDiameterM, dbhCm: tree.dbhCm, layer: tree.layer, unit });
    }
  }
  const say = (count: number, what: string): void => { if (count > 0) notes.push(`${count} of ${trees.length} reference trees ${what}`); };
  say(left.place, 'have no x, y and are left out of matching');
  say(left.outside, 'stand outside the plots or the area and are left out');
  say(left.invalid, 'stand where the survey has no valid canopy height and are left out: what was not seen cannot be found');
  say(left.height, 'have no height: they are no targets, and trees found near them are not counted as false');
  if (left.invalid === trees.length) notes.push('no reference tree stands on the survey: check the CRS of its x, y');
  if (reference.length === 0) return [];
  return scoreTrees(await foundNear(source, reference, ground), reference, { unitAt: ground.unitAt });
}

/** The inventory's trees inside the ground, or within reach of a reference tree. */
async function foundNear(source: InventorySource, reference: readonly ReferenceTree[], { regions, unitAt }: Ground): Promise<FoundTree[]> {
  const reachM = MATCH_LIMITS.distance.maxM, index = new Flatbush(reference.length), found = new Map<string, FoundTree>();
  for (const { xM, yM } of reference) index.add(xM, yM, xM, yM);
  index.finish();
  const isNear = ({ xM, yM }: InventoryTree): boolean => unitAt(xM, yM) !== null || index.neighbors(xM, yM, 1, reachM).length > 0;
  const boxes = [...regions.map(({ box }) => box), ...reference.map(({ xM, yM }) => ({ x0: xM, y0: yM, x1: xM, y1: yM }))].map((box) => growBox(box, reachM));
  for (const box of fetchBoxes(boxes)) {
    for (const tree of await source.trees(box)) if (tree.heightM !== null && isNear(tree)) found.set(tree.treeId, { ...tree, heightM: tree.heightM });
  }
  return [...found.values()];
}

/** Boxes cut by blocks of `FETCH_M`, those of one block joined: none meets another. */
function fetchBoxes(boxes: readonly Box[]): Box[] {
  const blocks = new Map<string, Box>();
  for (const box of boxes) {
    for (let x0 = Math.floor(box.x0 / FETCH_M) * FETCH_M; x0 <= box.x1; x0 += FETCH_M) {
      for (let y0 = Math.floor(box.y0 / FETCH_M) * FETCH_M; y0 <= box.y1; y0 += FETCH_M) {
        const part = { x0: Math.max(box.x0, x0), y0: Math.max(box.y0, y0), x1: Math.min(box.x1, x0 + FETCH_M), y1: Math.min(box.y1, y0 + FETCH_M) }, key = `${x0}_${y0}`, known = blocks.get(key);
        blocks.set(key, known ? unionBox(known, part) : part);
      }
    }
  }
  return [...blocks.values()];
}

async function comparePlots(source: InventorySource, plots: readonly Plot[], trees: readonly ListedTree[] | null, { minDbhCm, notes }: { minDbhCm: number; notes: string[] }): Promise<{ plots: PlotComparison[]; heights: PlotHeights[] }> {
  const heights: PlotHeights[] = [];
  const byPlot = trees && Map.groupBy(trees, ({ plotId }) => plotId ?? ''), comparisons: PlotComparison[] = [], left: string[] = [], unlisted: string[] = [];
  for (const plot of plots) {
    const region = regionOfPlot(plot), validShare = await source.validShare(region), listed = byPlot?.get(plot.plotId) ?? null;
    const measured = measuredFigures(plot, listed, { minDbhCm });
    if (Object.values(measured).every((figure) => figure === null)) unlisted.push(plot.plotId);
    if (validShare < LEAST_VALID_SHARE) {
      left.push(`${plot.plotId} (${Math.round(100 * validShare)} %)`);
      continue;
    }
    const found = (await source.trees(growBox(region.box, EDGE_M))).filter(({ xM, yM }) => region.holds(xM, yM));
    const inside = found.filter(({ dbhCm }) => minDbhCm <= 0 || dbhCm === null || dbhCm >= minDbhCm);
    if (measured.stemsPerHa !== null) heights.push(heightsOf(found, { standing: measured.stemsPerHa * plot.areaHa, validShare, listed: plot.stemsPerHa === null ? countedTrees(listed ?? [], { minDbhCm }) : [] }));
    comparisons.push({ plotId: plot.plotId, measured, estimated: figuresOf(inside, plot.areaHa * validShare), validShare, trees: inside.length });
  }
  if (left.length > 0) notes.push(`${left.length} of ${plots.length} plots are left out of the plot figures, since less than ${100 * LEAST_VALID_SHARE} % of them has a valid canopy height: ${left.join(', ')}`);
  if (unlisted.length > 0) notes.push(`${unlisted.length} plots have neither trees nor figures of their own and are left out (write stems_per_ha 0 where none stands): ${unlisted.join(', ')}`);
  notes.push(`plot figures count trees of any status${minDbhCm > 0 ? ` of at least ${minDbhCm} cm, on both sides` : ''}; a plot's sums are divided by its valid hectares`);
  return { plots: comparisons, heights };
}

/** What was found and stands on a plot, by height where every standing tree was measured. Of a plot that is void in part, standing trees count by its valid share. */
function heightsOf(found: readonly InventoryTree[], { standing, validShare, listed }: { standing: number; validShare: number; listed: readonly ListedTree[] }): PlotHeights {
  const heights = listed.flatMap(({ heightM }) => (heightM === null ? [] : [heightM]));
  return { found: found.flatMap(({ heightM }) => (heightM === null ? [] : [heightM])), standingCount: standing * validShare, standing: Math.abs(heights.length - standing) < 0.5 ? heights : null };
}

/** Half-open boxes leave their upper edge out: a tree on a plot's border is fetched and then asked. */
const EDGE_M = 0.001;
