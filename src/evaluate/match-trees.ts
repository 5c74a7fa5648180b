// evaluate/match-trees.ts: found trees matched with reference trees one to one, and the scores of that. Pure.
import Flatbush from 'flatbush';
import { InvalidInput } from '../errors.ts';

/** A tree as matching sees it: apex in the survey's CRS and height above ground, metres. */
export interface TreePlace {
  xM: number;
  yM: number;
  heightM: number;
}

/** How far a found tree may stand from its reference; both limits follow the height h of the REFERENCE tree, metres. */
export interface MatchLimits {
  /** horizontal: min(maxM, baseM + perHeight x h) */
  distance: { baseM: number; perHeight: number; maxM: number };
  /** of heights: max(leastM, perHeight x h) */
  height: { leastM: number; perHeight: number };
}

/** 2 m at a height of 10 m, 4 m from 30 m on; heights within 15 % of the reference (as in Reitberger et al. 2009), but no closer than 2 m is asked. */
export const MATCH_LIMITS: MatchLimits = {
  distance: { baseM: 1, perHeight: 0.1, maxM: 4 },
  height: { leastM: 2, perHeight: 0.15 },
};

/** One pair: indices into the arrays as they were given. */
export interface TreePair {
  found: number;
  reference: number;
  distanceM: number;
  /** found minus reference */
  heightErrorM: number;
}

export interface MatchScores {
  pairs: number;
  found: number;
  reference: number;
  /** share of found trees that have a reference; null where none was found */
  precision: number | null;
  /** share of reference trees that were found; null where there is none */
  recall: number | null;
  f1: number | null;
  /** mean of found minus reference height over the pairs; null without pairs */
  heightBiasM: number | null;
  heightRmseM: number | null;
}

export const distanceLimitM = ({ distance }: MatchLimits, heightM: number): number => Math.min(distance.maxM, distance.baseM + distance.perHeight * heightM);

export const heightLimitM = ({ height }: MatchLimits, heightM: number): number => Math.max(height.leastM, height.perHeight * heightM);

/**
 * Match found trees with reference trees, one to one, so that the sum of the pairs' gains is the largest there is.
 *
 * With d the distance of two trees, e their difference in height, D and E the limits at the reference's height, a pair is possible
 * where q = (d/D)^2 + (e/E)^2 < 1, and gains 1 - q. A pair at the limit gains next to nothing, so one good pair beats two
 * poor ones: a missed tree here and a false one there are not chained into a row of shifted pairs, as the largest *number* of pairs would have it.
 *
 * Exact (shortest augmenting paths on the possible pairs alone, Jonker & Volgenant 1987), and no path leaves its connected
 * component of possible pairs, so time follows the number of pairs. Trees are sorted first by (x, y, height): the order of the input
 * changes no pair, save among trees that are equal in all three.
 *
 * @returns pairs by index of the reference tree
 * @throws {InvalidInput} when a coordinate or height is not finite
 */
export function matchTrees(found: readonly TreePlace[], reference: readonly TreePlace[], limits: MatchLimits = MATCH_LIMITS): TreePair[] {
  const rows = sortedIndices(found, 'found'), columns = sortedIndices(reference, 'reference');
  if (rows.length === 0 || columns.length === 0) return [];
  const edges = possiblePairs(rows.map((i) => found[i]!), columns.map((j) => reference[j]!), limits);
  const pairs: TreePair[] = [];
  assign(edges, rows.length, columns.length).forEach((row, column) => {
    if (row < 0) return;
    const f = rows[row]!, r = columns[column]!, a = found[f]!, b = reference[r]!;
    pairs.push({ found: f, reference: r, distanceM: Math.hypot(a.xM - b.xM, a.yM - b.yM), heightErrorM: a.heightM - b.heightM });
  });
  return pairs.sort((a, b) => a.reference - b.reference);
}

/** Precision, recall, F1 and the errors of height of a matching. */
export function scoreMatches(pairs: readonly TreePair[], found: number, reference: number): MatchScores {
  const n = pairs.length, share = (of: number): number | null => (of === 0 ? null : n / of);
  const mean = (value: (pair: TreePair) => number): number | null => (n === 0 ? null : pairs.reduce((sum, pair) => sum + value(pair), 0) / n);
  const meanSquare = mean(({ heightErrorM }) => heightErrorM ** 2);
  return {
    pairs: n, found, reference, precision: share(found), recall: share(reference),
    f1: found + reference === 0 ? null : (2 * n) / (found + reference),
    heightBiasM: mean(({ heightErrorM }) => heightErrorM), heightRmseM: meanSquare === null ? null : Math.sqrt(meanSquare),
  };
}

function sortedIndices(trees: readonly TreePlace[], name: string): number[] {
  trees.forEach(({ xM, yM, heightM }, i) => {
    if (!Number.isFinite(xM + yM + heightM)) throw new InvalidInput(`${name} tree ${i}: x ${xM}, y ${yM}, height ${heightM}; leave trees without place or height out`, { source: name, tree: String(i) });
  });
  const order = (a: number, b: number): number => trees[a]!.xM - trees[b]!.xM || trees[a]!.yM - trees[b]!.yM || trees[a]!.heightM - trees[b]!.heightM || a - b;
  return trees.map((_, i) => i).sort(order);
}

/** Possible pairs of each row, in columns' order: row i has [start[i], start[i + 1]). */
export interface Edges {
  start: Int32Array;
  column: number[];
  gain: number[];
}

function possiblePairs(rows: readonly TreePlace[], columns: readonly TreePlace[], limits: MatchLimits): Edges {
  const index = new Flatbush(columns.length), reachM = limits.distance.maxM;
  for (const { xM, yM } of columns) index.add(xM, yM, xM, yM);
  index.finish();
  const start = new Int32Array(rows.length + 1), column: number[] = [], gain: number[] = [];
  rows.forEach(({ xM, yM, heightM }, i) => {
    for (const j of index.search(xM - reachM, yM - reachM, xM + reachM, yM + reachM).sort((a, b) => a - b)) {
      const tree = columns[j]!, distance = distanceLimitM(limits, tree.heightM), height = heightLimitM(limits, tree.heightM);
      const q = ((xM - tree.xM) ** 2 + (yM - tree.yM) ** 2) / distance ** 2 + ((heightM - tree.heightM) / height) ** 2;
      if (!(q < 1)) continue;
      column.push(j);
      gain.push(1 - q);
    }
    start[i + 1] = column.length;
  });
  return { start, column, gain };
}

/**
 * The assignment of largest total gain; a row or column may stay single, which gains 0.
 *
 * Rows enter one by one. Each looks, by Dijkstra over reduced losses, for the cheapest place to end: a free column, or a row on the way
 * that gives its column up (the last column but `row`, a place of its own where that row stays single: of equal ends, the later row yields).
 *
 * @returns the row of each column, -1 where single
 */
export function assign({ start, column, gain }: Edges, rows: number, columns: number): Int32Array {
  const rowOf = new Int32Array(columns + rows).fill(-1), u = new Float64Array(rows), v = new Float64Array(columns + rows);
  const distance = new Float64Array(columns + rows).fill(Infinity), from = new Int32Array(columns + rows), done = new Uint8Array(columns + rows);
  for (let row = 0; row < rows; row++) {
    const heap = new ColumnHeap(distance), touched: number[] = [], scanned: number[] = [];
    const relax = (r: number, base: number): void => {
      const offer = (c: number, loss: number): void => {
        const far = base + loss - u[r]! - v[c]!;
        if (done[c] || !(far < distance[c]!)) return;
        if (distance[c] === Infinity) touched.push(c);
        distance[c] = far;
        from[c] = r;
        heap.push(c, far);
      };
      for (let e = start[r]!; e < start[r + 1]!; e++) offer(column[e]!, -gain[e]!);
      offer(rowOf.length - 1 - r, 0);
    };
    relax(row, 0);
    let end = heap.pop();
    while (rowOf[end]! >= 0) {
      done[end] = 1;
      scanned.push(end);
      relax(rowOf[end]!, distance[end]!);
      end = heap.pop();
    }
    const least = distance[end]!;
    u[row] = u[row]! + least;
    for (const c of scanned) {
      u[rowOf[c]!]! += least - distance[c]!;
      v[c]! -= least - distance[c]!;
    }
    turnPath(end, row, { rowOf, from, start, column });
    for (const c of touched) distance[c] = Infinity;
    for (const c of scanned) done[c] = 0;
  }
  return rowOf.subarray(0, columns);
}

/** Give each row on the path the column that it reached, back to the row that entered. */
function turnPath(end: number, entered: number, { rowOf, from, start, column }: Pick<Edges, 'start' | 'column'> & { rowOf: Int32Array; from: Int32Array }): void {
  for (let c = end; ;) {
    const r = from[c]!, before = r === entered ? -1 : columnOf(r, rowOf, start, column);
    rowOf[c] = r;
    if (before < 0) return;
    c = before;
  }
}

/** The column that a row has held so far. */
function columnOf(row: number, rowOf: Int32Array, start: Int32Array, column: readonly number[]): number {
  for (let e = start[row]!; e < start[row + 1]!; e++) if (rowOf[column[e]!] === row) return column[e]!;
  return rowOf.length - 1 - row;
}

/** Columns by distance, then number; outdated entries are skipped when they come up. */
class ColumnHeap {
  private readonly items: { column: number; far: number }[] = [];
  private readonly distance: Float64Array;

  constructor(distance: Float64Array) {
    this.distance = distance;
  }

  push(column: number, far: number): void {
    const { items } = this, item = { column, far };
    let at = items.length;
    items.push(item);
    for (let up = (at - 1) >> 1; at > 0 && before(item, items[up]!); up = (at - 1) >> 1) {
      items[at] = items[up]!;
      at = up;
    }
    items[at] = item;
  }

  /** There always is one: a row may stay single. */
  pop(): number {
    for (;;) {
      const { column, far } = this.take();
      if (far === this.distance[column]) return column;
    }
  }

  private take(): { column: number; far: number } {
    const { items } = this, first = items[0]!, last = items.pop()!;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++;
      if (!before(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    if (items.length > 0) items[at] = last;
    return first;
  }
}

const before = (a: { column: number; far: number }, b: { column: number; far: number }): boolean => a.far < b.far || (a.far === b.far && a.column < b.column);
