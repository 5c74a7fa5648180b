// evaluate/masks.ts: how well a map of objects (dead crowns) agrees with a drawn one: by pixel and by object. Pure.
import Flatbush from 'flatbush';
import { joinSets, rootOf, singletons } from '../raster/union-find.ts';
import { ratio, scoreFigures } from './figures.ts';
import type { Figure } from './figures.ts';
import { greedyPairs, mostPairs } from './pairs.ts';
import type { Candidate } from './pairs.ts';
import type { Score } from './score.ts';

/** One picture: masks of 0 and 1, row-major, of one size. */
export interface MaskScene {
  picture: string;
  /** the place that is resampled as a whole */
  unit: string;
  strata: readonly string[];
  width: number;
  /** side of a pixel */
  resM: number;
  /** pixels that the model looked at; the others count for neither side */
  valid: Uint8Array;
  found: Uint8Array;
  reference: Uint8Array;
  /** the program's own objects (peaks and climb): their number + 1 a pixel, 0 where there is none; null: not asked for */
  own: Int32Array | null;
}

export interface MaskScoreOptions {
  /** objects of the found mask smaller than this are none, as the card's `min_area_m2` says; the reference's all count */
  minAreaM2: number;
  /** two objects are one from this overlap on ... */
  minIou?: number;
  /** ... or with centroids this near */
  nearM?: number;
}

const BOTH = 0, FOUND_PX = 1, REFERENCE_PX = 2, PAIRS = 3, GREEDY = 4, FOUND = 5, REFERENCE = 6, OWN_PAIRS = 7, OWN = 8, OWN_REFERENCE = 9, LENGTH = 10;

const f1 = (pairs: number, found: number, reference: number): number | null => ratio(2 * pairs, found + reference);

const FIGURES: readonly Figure[] = [
  { metric: 'pixel_iou', value: (s) => ratio(s[BOTH]!, s[FOUND_PX]! + s[REFERENCE_PX]! - s[BOTH]!), n: (s) => s[REFERENCE_PX]! },
  { metric: 'pixel_precision', value: (s) => ratio(s[BOTH]!, s[FOUND_PX]!), n: (s) => s[FOUND_PX]! },
  { metric: 'pixel_recall', value: (s) => ratio(s[BOTH]!, s[REFERENCE_PX]!), n: (s) => s[REFERENCE_PX]! },
  { metric: 'object_precision', value: (s) => ratio(s[PAIRS]!, s[FOUND]!), n: (s) => s[FOUND]! },
  { metric: 'object_recall', value: (s) => ratio(s[PAIRS]!, s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: 'object_f1', value: (s) => f1(s[PAIRS]!, s[FOUND]!, s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: 'object_f1_greedy', value: (s) => f1(s[GREEDY]!, s[FOUND]!, s[REFERENCE]!), n: (s) => s[REFERENCE]! },
  { metric: 'tree_precision', value: (s) => ratio(s[OWN_PAIRS]!, s[OWN]!), n: (s) => s[OWN]! },
  { metric: 'tree_recall', value: (s) => ratio(s[OWN_PAIRS]!, s[OWN_REFERENCE]!), n: (s) => s[OWN_REFERENCE]! },
  { metric: 'tree_f1', value: (s) => f1(s[OWN_PAIRS]!, s[OWN]!, s[OWN_REFERENCE]!), n: (s) => s[OWN_REFERENCE]! },
];

/**
 * Score masks.
 *
 * `pixel_*`: pixels of both, of one. `object_*`: 8-connected parts of both masks, one to one, a pair where the intersection over union is at least 0.3 or the
 * centroids lie within 3 m; the most pairs, then the best overlap. `tree_*`: the same with the program's own objects in the place of the found parts: a
 * stand of dead crowns that touch is one part, but several trees.
 */
export function scoreMasks(scenes: readonly MaskScene[], options: MaskScoreOptions): Score[] {
  return scoreFigures(scenes.map((scene) => ({ picture: scene.picture, unit: scene.unit, strata: scene.strata, sums: tallyScene(scene, options) })), FIGURES);
}

function tallyScene({ width, resM, valid, found: seen, reference: drawn, own }: MaskScene, { minAreaM2, minIou = 0.3, nearM = 3 }: MaskScoreOptions): Float64Array {
  const sums = new Float64Array(LENGTH), found = seen.map((each, i) => each & valid[i]!), reference = drawn.map((each, i) => each & valid[i]!);
  for (let i = 0; i < found.length; i++) {
    sums[BOTH]! += found[i]! & reference[i]!;
    sums[FOUND_PX]! += found[i]!;
    sums[REFERENCE_PX]! += reference[i]!;
  }
  const leastPx = minAreaM2 / resM ** 2 - 1e-9, limits = { minIou, nearPx: nearM / resM };
  const parts = connectedParts(found, width, leastPx), truth = connectedParts(reference, width, 1), candidates = partCandidates(parts, truth, limits);
  sums[PAIRS] = mostPairs(candidates, parts.count, truth.count).length;
  sums[GREEDY] = greedyPairs(candidates).length;
  sums[FOUND] = parts.count;
  sums[REFERENCE] = truth.count;
  if (!own) return sums;
  const trees = partsOfLabels(own.map((label, i) => (valid[i] ? label : 0)), width);
  sums[OWN_PAIRS] = mostPairs(partCandidates(trees, truth, limits), trees.count, truth.count).length;
  sums[OWN] = trees.count;
  sums[OWN_REFERENCE] = truth.count;
  return sums;
}

/** Objects of a picture. */
export interface Parts {
  count: number;
  /** number of the object + 1, 0 where there is none */
  labels: Int32Array;
  pixels: Float64Array;
  /** centroids, in pixels: that of pixel (0, 0) alone is 0, 0 */
  col: Float64Array;
  row: Float64Array;
}

/** The 8-connected parts of a mask of at least `leastPx` pixels, numbered by their first pixel in raster order. */
export function connectedParts(mask: Uint8Array, width: number, leastPx: number): Parts {
  const sets = singletons(mask.length), labels = new Int32Array(mask.length), pixels = new Int32Array(mask.length);
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const col = i % width;
    if (col > 0 && mask[i - 1]) joinSets(sets, i, i - 1);
    for (let c = Math.max(0, col - 1); i >= width && c <= Math.min(width - 1, col + 1); c++) if (mask[i - width - col + c]) joinSets(sets, i, i - width - col + c);
  }
  for (let i = 0; i < mask.length; i++) if (mask[i]) pixels[rootOf(sets, i)]!++;
  const numbers = new Map<number, number>();
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const root = rootOf(sets, i);
    if (pixels[root]! < leastPx) continue;
    if (!numbers.has(root)) numbers.set(root, numbers.size + 1);
    labels[i] = numbers.get(root)!;
  }
  return partsOfLabels(labels, width);
}

/** Objects by their labels; those without a pixel are left out, and the others keep their order. */
export function partsOfLabels(labels: Int32Array, width: number): Parts {
  const most = labels.reduce((a, b) => Math.max(a, b), 0), number = new Int32Array(most + 1), there = new Uint8Array(most + 1);
  for (const label of labels) there[label] = 1;
  let count = 0;
  for (let label = 1; label <= most; label++) if (there[label]) number[label] = ++count;
  const parts: Parts = { count, labels: labels.map((label) => number[label]!), pixels: new Float64Array(count), col: new Float64Array(count), row: new Float64Array(count) };
  for (let i = 0; i < labels.length; i++) {
    const n = parts.labels[i]! - 1;
    if (n < 0) continue;
    parts.pixels[n]! += 1;
    parts.col[n]! += i % width;
    parts.row[n]! += Math.floor(i / width);
  }
  for (let n = 0; n < count; n++) {
    parts.col[n]! /= parts.pixels[n]!;
    parts.row[n]! /= parts.pixels[n]!;
  }
  return parts;
}

function partCandidates(found: Parts, reference: Parts, { minIou, nearPx }: { minIou: number; nearPx: number }): Candidate[] {
  if (found.count === 0 || reference.count === 0) return [];
  const common = new Map<number, number>(), key = (f: number, r: number): number => f * reference.count + r;
  for (let i = 0; i < found.labels.length; i++) {
    const f = found.labels[i]! - 1, r = reference.labels[i]! - 1;
    if (f >= 0 && r >= 0) common.set(key(f, r), (common.get(key(f, r)) ?? 0) + 1);
  }
  const index = new Flatbush(reference.count);
  for (let r = 0; r < reference.count; r++) index.add(reference.col[r]!, reference.row[r]!, reference.col[r]!, reference.row[r]!);
  index.finish();
  const pairs = new Set(common.keys());
  for (let f = 0; f < found.count; f++) for (const r of index.neighbors(found.col[f]!, found.row[f]!, Infinity, nearPx + 1e-9)) pairs.add(key(f, r));
  return [...pairs].flatMap((pair) => {
    const f = Math.floor(pair / reference.count), r = pair % reference.count, both = common.get(pair) ?? 0, iou = both / (found.pixels[f]! + reference.pixels[r]! - both);
    const distance = Math.hypot(found.col[f]! - reference.col[r]!, found.row[f]! - reference.row[r]!);
    if (iou < minIou && distance > nearPx + 1e-9) return [];
    return [{ found: f, reference: r, loss: 1 - Math.min(1, iou + 0.01 / (1 + distance)) }]; // of equal overlaps, none above all, the nearer
  });
}
