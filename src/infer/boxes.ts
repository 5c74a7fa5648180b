// infer/boxes.ts: boxes in pixels of a patch to detections in the survey's CRS, each owned by one patch. Pure.
import { holdsPoint } from '../geo/box.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import { UNITS_PER_M, toMetres, toUnits } from '../geo/units.ts';
import type { Lattice, Polygon, Window } from '../types.ts';
import type { AnyCard } from './card.ts';

/** A detection in the survey's CRS, metres; coordinates are whole units of 1e-5 m. */
export interface ImageBox {
  /** middle of the box */
  xM: number;
  yM: number;
  x0M: number;
  y0M: number;
  x1M: number;
  y1M: number;
  /** 0 to 1 */
  score: number;
  /** index in `post.classes`; 0 where there is one class */
  classIndex: number;
  /** outline of an instance's mask on the output's pixels; null where the model gives boxes */
  polygon: Polygon | null;
}

/** A box as a network gives it: pixels of its patch, rows southward, x0 <= x1, y0 <= y1. */
export interface PatchBox {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  score: number;
  classIndex: number;
}

/**
 * A box of a patch in the survey's CRS, edges rounded to 1e-5 m.
 *
 * @param window  pixels of the patch on the image's lattice
 */
export function imageBoxOf({ x0, y0, x1, y1, score, classIndex }: PatchBox, window: Window, lattice: Lattice): ImageBox {
  const res = toUnits(lattice.resM), originX = toUnits(lattice.x0M), originY = toUnits(lattice.y0M);
  const x = (px: number) => (originX + (window.col + px) * res) / UNITS_PER_M, y = (px: number) => (originY - (window.row + px) * res) / UNITS_PER_M;
  return imageBoxOfEdges([x(x0), y(y1), x(x1), y(y0)], { score, classIndex, polygon: null });
}

/** A box by its western, southern, eastern and northern edge, metres, each rounded to 1e-5 m, and then its middle. */
export function imageBoxOfEdges(edges: readonly [number, number, number, number], { score, classIndex, polygon }: Pick<ImageBox, 'score' | 'classIndex' | 'polygon'>): ImageBox {
  const [west, south, east, north] = edges.map(toUnits) as [number, number, number, number];
  return {
    xM: toMetres(Math.round((west + east) / 2)), yM: toMetres(Math.round((south + north) / 2)),
    x0M: toMetres(west), y0M: toMetres(south), x1M: toMetres(east), y1M: toMetres(north), score, classIndex, polygon,
  };
}

/** True for a box whose middle lies in a window of pixels, half-open like every core: [x0, x1) x [y0, y1). */
export const middleIn = ({ xM, yM }: ImageBox, window: Window, lattice: Lattice): boolean => holdsPoint(boxOfWindow(lattice, window), xM, yM);

/**
 * Farthest that the middle of a box may lie outside the core of the block that it belongs to, along either axis, metres: add it to what is read around a
 * place. 0 where boxes belong by their middle; a centre with a size belongs by its pixel, and its box's middle may lie half of `max_box_m` off.
 */
export const boxReachM = (card: AnyCard): number => (card.task === 'detect' && card.post.format === 'centre-size' ? card.post.max_box_m / 2 : 0);

/** The longest side of a box, metres: a whole number of 1e-5 m. */
export const longestSideM = ({ x0M, y0M, x1M, y1M }: ImageBox): number =>
  Math.max(toUnits(x1M) - toUnits(x0M), toUnits(y1M) - toUnits(y0M)) / UNITS_PER_M;

/** Order of detections: the better first, then by x, y, edges and class; equal in all of them is one detection. */
export const byScore = (a: ImageBox, b: ImageBox): number =>
  b.score - a.score || a.xM - b.xM || a.yM - b.yM || a.x0M - b.x0M || a.y0M - b.y0M || a.x1M - b.x1M || a.y1M - b.y1M || a.classIndex - b.classIndex;

/**
 * Intersection over union of two boxes: 0 where they do not meet. Areas are whole square units, exact up to 900 km2, so that
 * equal boxes overlap by exactly 1 and the answer does not depend on which box comes first.
 */
export function boxOverlap(a: ImageBox, b: ImageBox): number {
  const width = toUnits(Math.min(a.x1M, b.x1M)) - toUnits(Math.max(a.x0M, b.x0M)), height = toUnits(Math.min(a.y1M, b.y1M)) - toUnits(Math.max(a.y0M, b.y0M));
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (areaOf(a) + areaOf(b) - both);
}

const areaOf = ({ x0M, y0M, x1M, y1M }: ImageBox): number => (toUnits(x1M) - toUnits(x0M)) * (toUnits(y1M) - toUnits(y0M));
