// evaluate/tree-scores.ts: how well found trees agree with reference trees: in all, by canopy layer and by height class. Pure.
import Flatbush from 'flatbush';
import { wilson95 } from '../geo/quantiles.ts';
import { bootstrapLimits } from './bootstrap.ts';
import type { Limits } from './bootstrap.ts';
import { layersAmong } from './canopy-layers.ts';
import { detectionRate } from './detection-rate.ts';
import { addedUp, ratio, root, sumsOf } from './figures.ts';
import type { Figure } from './figures.ts';
import { MATCH_LIMITS, distanceLimitM, matchTrees } from './match-trees.ts';
import type { MatchLimits, TreePair } from './match-trees.ts';
import type { Score } from './score.ts';

/** A tree of the inventory near the reference. */
export interface FoundTree {
  xM: number;
  yM: number;
  heightM: number;
  crownDiameterM: number | null;
  dbhCm: number | null;
}

/** A reference tree with a place, on valid data, inside the reference's ground. */
export interface ReferenceTree {
  xM: number;
  yM: number;
  /** null: it is no target, but a tree found near it is not false either */
  heightM: number | null;
  crownDiameterM: number | null;
  dbhCm: number | null;
  /** as the reference states it; null where it does not */
  layer: string | null;
  /** the plot or block that is resampled as a whole */
  unit: string;
}

export interface TreeScoreOptions {
  limits?: MatchLimits;
  /** the unit of ground that a place belongs to; null outside the reference's ground, where no tree counts as false */
  unitAt: (xM: number, yM: number) => string | null;
}

/** Reference trees are told apart by classes of this height. */
export const HEIGHT_CLASS_M = 5;

/** `height:10-15` holds 10 <= h < 15. */
export const heightClass = (heightM: number): string => {
  const from = Math.floor(heightM / HEIGHT_CLASS_M) * HEIGHT_CLASS_M;
  return `height:${from}-${from + HEIGHT_CLASS_M}`;
};

/** Places in the array of sums that a unit has in a stratum. */
const PAIRS = 0, FALSE = 1, REFERENCE = 2, HEIGHT = 3, HEIGHT2 = 4, DISTANCE2 = 5, WITH_DBH = 6, DBH = 7, DBH2 = 8, LENGTH = 9;

/** Sums of each unit, by stratum. */
type Strata = Map<string, Map<string, Float64Array>>;

/**
 * Score found trees against reference trees.
 *
 * Pairs are those of `matchTrees`, over all plots at once. A pair counts in the stratum of its reference tree, wherever the found tree stands. A found tree
 * without pair inside the reference's ground is false, in the height class of its own height and, where layers are told by `layersAmong`, in the layer that it
 * would have among the reference trees; where the reference states layers itself, a false tree has none, and precision by layer is not given.
 *
 * @returns scores of `all`, then layers, then height classes from low to high; limits by the bootstrap over units
 */
export function scoreTrees(found: readonly FoundTree[], reference: readonly ReferenceTree[], { limits = MATCH_LIMITS, unitAt }: TreeScoreOptions): Score[] {
  const targets = reference.flatMap((tree) => (tree.heightM === null ? [] : [{ ...tree, heightM: tree.heightM }]));
  const pairs = matchTrees(found, targets, limits), layerOf = layersAmong(targets, limits), stated = targets.some(({ layer }) => layer !== null);
  const strata: Strata = new Map();
  const layers = (tree: FoundTree | (typeof targets)[number], given: string | null): string[] => (stated ? (given === null ? [] : [given]) : [layerOf(tree)]);
  const stratify = (tree: FoundTree | (typeof targets)[number], given: string | null): string[] => ['all', ...layers(tree, given).map((layer) => `layer:${layer}`), heightClass(tree.heightM)];
  const strataOf = targets.map((tree) => stratify(tree, tree.layer));
  targets.forEach(({ unit }, i) => strataOf[i]!.forEach((stratum) => { sumsIn(strata, stratum, unit)[REFERENCE]! += 1; }));
  for (const pair of pairs) for (const stratum of strataOf[pair.reference]!) addPair(sumsIn(strata, stratum, targets[pair.reference]!.unit), pair, found[pair.found]!, targets[pair.reference]!);
  for (const { tree, unit } of falseTrees(found, pairs, reference, { limits, unitAt })) for (const stratum of stratify(tree, null)) sumsIn(strata, stratum, unit)[FALSE]! += 1;
  return [...strata.keys()].sort(byStratum).flatMap((stratum) => scoresOf(stratum, strata.get(stratum)!, { withPrecision: !(stated && stratum.startsWith('layer:')) }));
}

function sumsIn(strata: Strata, stratum: string, unit: string): Float64Array {
  const units = strata.get(stratum) ?? new Map<string, Float64Array>();
  strata.set(stratum, units);
  return sumsOf(units, unit, LENGTH);
}

function addPair(sums: Float64Array, { heightErrorM, distanceM }: TreePair, found: FoundTree, reference: { dbhCm: number | null }): void {
  sums[PAIRS]! += 1;
  sums[HEIGHT]! += heightErrorM;
  sums[HEIGHT2]! += heightErrorM ** 2;
  sums[DISTANCE2]! += distanceM ** 2;
  if (found.dbhCm === null || reference.dbhCm === null) return;
  sums[WITH_DBH]! += 1;
  sums[DBH]! += found.dbhCm - reference.dbhCm;
  sums[DBH2]! += (found.dbhCm - reference.dbhCm) ** 2;
}

/** Found trees inside the reference's ground without pair, but for those that may be a reference tree whose height nobody measured. */
function falseTrees(found: readonly FoundTree[], pairs: readonly TreePair[], reference: readonly ReferenceTree[], { limits, unitAt }: Required<TreeScoreOptions>): { tree: FoundTree; unit: string }[] {
  const paired = new Set(pairs.map((pair) => pair.found)), unknown = reference.filter(({ heightM }) => heightM === null);
  const near = nearUnknown(unknown, limits);
  return found.flatMap((tree, i) => {
    const unit = paired.has(i) ? null : unitAt(tree.xM, tree.yM);
    return unit === null || near(tree) ? [] : [{ tree, unit }];
  });
}

function nearUnknown(unknown: readonly ReferenceTree[], limits: MatchLimits): (tree: FoundTree) => boolean {
  if (unknown.length === 0) return () => false;
  const index = new Flatbush(unknown.length);
  for (const { xM, yM } of unknown) index.add(xM, yM, xM, yM);
  index.finish();
  return ({ xM, yM, heightM }) => index.neighbors(xM, yM, 1, distanceLimitM(limits, heightM)).length > 0;
}

const LAYERS = ['layer:dominant', 'layer:codominant', 'layer:understorey'];
const rankOf = (stratum: string): number => (stratum === 'all' ? -1 : LAYERS.includes(stratum) ? LAYERS.indexOf(stratum) : stratum.startsWith('layer:') ? LAYERS.length : 9 + Number(/^height:(-?\d+)/.exec(stratum)?.[1]));
const byStratum = (a: string, b: string): number => rankOf(a) - rankOf(b) || (a < b ? -1 : 1);

const foundIn = (s: Float64Array): number => s[PAIRS]! + s[FALSE]!;

const FIGURES: readonly Figure[] = [
  { metric: 'precision', value: (s) => ratio(s[PAIRS]!, foundIn(s)), n: foundIn },
  { metric: 'recall', value: (s) => ratio(s[PAIRS]!, s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: 'f1', value: (s) => ratio(2 * s[PAIRS]!, foundIn(s) + s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: 'detection_rate', value: (s) => ratio(foundIn(s), s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: 'height_bias_m', value: (s) => ratio(s[HEIGHT]!, s[PAIRS]!), n: (s) => s[PAIRS]! },
  { metric: 'height_rmse_m', value: (s) => root(ratio(s[HEIGHT2]!, s[PAIRS]!)), n: (s) => s[PAIRS]! },
  { metric: 'position_rmse_m', value: (s) => root(ratio(s[DISTANCE2]!, s[PAIRS]!)), n: (s) => s[PAIRS]! },
  { metric: 'dbh_bias_cm', value: (s) => ratio(s[DBH]!, s[WITH_DBH]!), n: (s) => s[WITH_DBH]! },
  { metric: 'dbh_rmse_cm', value: (s) => root(ratio(s[DBH2]!, s[WITH_DBH]!)), n: (s) => s[WITH_DBH]! },
];
/** What false trees enter. */
const NEED_FALSE: readonly string[] = ['precision', 'f1', 'detection_rate'];
/** Shares of `n` trees. */
const SHARES: readonly string[] = ['precision', 'recall'];

/** Plots that are all alike, as where every tree was found, leave the bootstrap nothing to vary: a share gets Wilson's interval of its trees, another figure none. */
function widened(limits: Limits, { metric, value, n }: { metric: string; value: number | null; n: number }): Limits {
  if (limits.lo === null || limits.hi === null || limits.hi - limits.lo > 1e-9) return limits;
  return SHARES.includes(metric) && value !== null ? wilson95(value, n) : { lo: null, hi: null };
}

function scoresOf(stratum: string, units: ReadonlyMap<string, Float64Array>, { withPrecision }: { withPrecision: boolean }): Score[] {
  const figures = FIGURES.filter(({ metric }) => withPrecision || !NEED_FALSE.includes(metric));
  const sorted = [...units].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sums]) => sums), total = addedUp(sorted)!;
  const limits = bootstrapLimits(sorted, (sums) => figures.map(({ value }) => value(sums)));
  const scores = figures.map(({ metric, value, n }, i): Score => {
    const figure = { metric, value: value(total), n: n(total) };
    return { stratum, ...figure, ...widened(limits[i]!, figure) };
  }).filter(({ value }) => value !== null);
  if (!withPrecision) return scores;
  const { logError, n } = detectionRate(sorted.map((sums) => ({ found: foundIn(sums), reference: sums[REFERENCE]! })));
  return logError === null ? scores : [...scores, { stratum, metric: 'detection_rate_log_error', value: logError, lo: null, hi: null, n }];
}
