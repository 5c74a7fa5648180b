// fuse/objects.ts: a map of probability to objects: dead trees, crowns. Pure.
import { holdsPoint } from '../geo/box.ts';
import { xOfCol, yOfRow } from '../geo/lattice.ts';
import { UNITS_PER_M, roundTo, toUnits } from '../geo/units.ts';
import type { SegmentPost } from '../infer/post.ts';
import type { CrownParams } from '../raster/crowns.ts';
import { crownHaloM, crownPixelCounts, growCrowns } from '../raster/crowns.ts';
import { crownPolygons } from '../raster/polygonise.ts';
import { findTreetops } from '../raster/treetops.ts';
import type { Box, Polygon, Raster, Treetop } from '../types.ts';

export type ClimbPost = Extract<SegmentPost, { objects: 'climb' }>;

/** One object of a map of probability. */
export interface ImageObject {
  /** pixel of the peak on the map's lattice */
  col: number;
  row: number;
  /** centre of the peak's pixel: the core that holds it owns the object */
  xM: number;
  yM: number;
  /** mean of its pixels' centres, rounded to 1e-5 m: the middle of the object, also where the peak is a plateau's first pixel */
  middleXM: number;
  middleYM: number;
  areaM2: number;
  /** over its pixels */
  meanProbability: number;
  maxProbability: number;
  /** outline along pixel edges */
  polygon: Polygon;
}

const treetopsOf = ({ threshold, window_m }: ClimbPost) => ({ minHeightM: threshold, window: { baseM: window_m, perHeight: 0, maxM: window_m } });

/** The climb with the probability as the height; an object ends at the threshold alone, not at a share of its peak. */
const crownsOf = (post: ClimbPost): CrownParams => ({ method: 'watershed', maxRadiusM: post.max_radius_m, minHeightM: post.threshold, window: treetopsOf(post).window, seedShare: 0 });

/** Distance around a core to read, metres: that of the climb, R + w + 1 px with R `max_radius_m`, w half of `window_m`. The proof stands beside it. */
export const objectHaloM = (post: ClimbPost, resM: number): number => crownHaloM(crownsOf(post), resM);

/**
 * Make objects of a map of probability: pixels of at least `threshold` that climb to one peak.
 *
 * A peak is a pixel that none within `window_m` / 2 exceeds; of equal ones the earlier in (row, col) is it. Pixels climb to their peak along
 * higher neighbours (of equal ones to the earlier) and belong to it within `max_radius_m`. Voids belong to nothing.
 *
 * Plateaus, such as a saturated 1.0, are settled by that order alone; nothing is smoothed. One that fits into the window (no two of its pixels are
 * farther apart than `window_m` / 2) is one object with its peak where it begins (its northernmost, then westernmost pixel). A wider one has
 * another peak at each place where its outline begins anew with no equal pixel before it within the window: a shoulder of a round crown, an arm that
 * opens northward; such objects share its pixels. A square stand of 1.0 has one. Where maps saturate, give the card a window as wide as crowns.
 * An object ends `max_radius_m` from its peak: what of a plateau lies farther from all of them is in no object. It counts in the area above the
 * threshold (the mask) alone.
 *
 * @param probability  of the core and `objectHaloM` around it
 * @param core         half-open: objects whose peak's pixel centre it holds are given
 * @returns objects by (row, col) of their peaks, of at least `min_area_m2`
 */
export function objectsOfMap(probability: Raster, post: ClimbPost, core: Box): ImageObject[] {
  const { lattice, window } = probability, tops = findTreetops(probability, treetopsOf(post)), labels = growCrowns(probability, tops, crownsOf(post));
  const counts = crownPixelCounts(labels, tops.length), pixelM2 = (toUnits(lattice.resM) / UNITS_PER_M) ** 2;
  const isOwned = ({ col, row }: Treetop) => holdsPoint(core, xOfCol(lattice, col), yOfRow(lattice, row));
  const wanted = new Set(tops.flatMap((top, t) => (isOwned(top) && counts[t]! > 0 && counts[t]! * pixelM2 >= post.min_area_m2 - 1e-9 ? [t + 1] : [])));
  const polygons = crownPolygons(labels, window, lattice, wanted), sums = sumsOf(probability, labels, tops.length);
  return [...wanted].map((label) => {
    const { col, row, heightM } = tops[label - 1]!, pixels = counts[label - 1]!, middle = (sum: Float64Array) => sum[label - 1]! / pixels;
    return {
      col, row, xM: xOfCol(lattice, col), yM: yOfRow(lattice, row),
      middleXM: roundTo(xOfCol(lattice, middle(sums.col)), 5), middleYM: roundTo(yOfRow(lattice, middle(sums.row)), 5),
      areaM2: pixels * pixelM2, meanProbability: middle(sums.probability), maxProbability: heightM, polygon: polygons.get(label)!,
    };
  });
}

/** Sums over the pixels of each object, in raster order: the same bits in every window that holds it. Columns and rows are those of the lattice. */
function sumsOf({ data, window }: Raster, labels: Int32Array, count: number): { col: Float64Array; row: Float64Array; probability: Float64Array } {
  const sums = { col: new Float64Array(count), row: new Float64Array(count), probability: new Float64Array(count) };
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label === 0) continue;
    const row = Math.floor(i / window.width);
    sums.col[label - 1]! += window.col + i - row * window.width;
    sums.row[label - 1]! += window.row + row;
    sums.probability[label - 1]! += data[i]!;
  }
  return sums;
}
