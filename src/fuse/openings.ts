// fuse/openings.ts: canopy openings: labelled per tile core, joined across tiles without bound. Pure.
import type { CornerPolygon } from '../raster/polygonise.ts';
import { cornerPolygons, polygonInMetres } from '../raster/polygonise.ts';
import { joinSets, rootOf, singletons } from '../raster/union-find.ts';
import type { MultiPolygon, Raster, Window } from '../types.ts';

export { dissolvePieces } from '../raster/dissolve.ts';

/** The part of an opening that lies in one tile's core. */
export interface OpeningPiece {
  /** first pixel by (row, col) */
  row: number;
  col: number;
  pixels: number;
  /** outline: a polygon for each 4-connected part; the parts touch in points */
  polygons: MultiPolygon;
}

/** A run of pixels of one piece along an edge of the core: what joining needs, and all it needs. */
export interface OpeningEdge {
  side: 'north' | 'south' | 'west' | 'east';
  /** row of a northern or southern edge, col of a western or eastern one */
  line: number;
  /** first and last col (north, south) or row (west, east), both included */
  from: number;
  to: number;
  /** index in `pieces` */
  piece: number;
}

export interface OpeningPieces {
  window: Window;
  /** by (row, col) of their first pixels */
  pieces: OpeningPiece[];
  edges: OpeningEdge[];
  /** row-major over `window`: 0 = no opening, i + 1 = pieces[i] */
  labels: Int32Array;
}

/** An opening of the survey. */
export interface Opening {
  /** `row_col` of its first pixel by (row, col) */
  id: string;
  row: number;
  col: number;
  pixels: number;
  areaM2: number;
}

/**
 * Label the openings of one tile core: 8-connected valid pixels lower than `belowM`.
 *
 * @param chm  height above ground, metres, of the core and nothing else; voids are no opening and part none from another
 * @returns pieces by (row, col) of first pixels, and the runs by which `joinOpenings` puts them together
 */
export function labelOpenings(chm: Raster, { belowM }: { belowM: number }): OpeningPieces {
  const { window } = chm, { width, height } = window;
  const { first, eight, four } = components(chm, belowM);
  const number = new Map<number, number>(), pieces: OpeningPiece[] = [], labels = new Int32Array(width * height), parts = new Int32Array(width * height);
  for (let i = 0; i < labels.length; i++) {
    const label = first[i]!;
    if (label === 0) continue;
    const root = rootOf(eight, label);
    let piece = number.get(root);
    if (piece === undefined) {
      number.set(root, piece = pieces.length);
      pieces.push({ row: window.row + Math.floor(i / width), col: window.col + (i % width), pixels: 0, polygons: [] });
    }
    pieces[piece]!.pixels++;
    labels[i] = piece + 1;
    parts[i] = rootOf(four, label);
  }
  for (const [part, rings] of cornerPolygons(parts, window)) {
    const polygon: CornerPolygon = rings;
    pieces[number.get(rootOf(eight, part))!]!.polygons.push(polygonInMetres(polygon, chm.lattice));
  }
  return { window, pieces, edges: edgeRuns(labels, window), labels };
}

/** Provisional labels in raster order, with the sets that make them 4-connected and 8-connected components. */
function components({ data, mask, window: { width, height } }: Raster, belowM: number): { first: Int32Array; four: Int32Array; eight: Int32Array } {
  const first = new Int32Array(width * height), most = Math.ceil((width * height) / 2) + 2;
  const four = singletons(most), eight = singletons(most);
  let count = 0;
  for (let row = 0, i = 0; row < height; row++) {
    for (let col = 0; col < width; col++, i++) {
      if (mask[i] === 0 || !(data[i]! < belowM)) continue;
      const north = row > 0 ? first[i - width]! : 0, west = col > 0 ? first[i - 1]! : 0;
      const label = north || west || ++count;
      first[i] = label;
      if (north !== 0 && west !== 0 && north !== west) {
        joinSets(four, north, west);
        joinSets(eight, north, west);
      }
      if (row === 0 || north !== 0) continue; // north of it touches the diagonals already
      if (col > 0 && first[i - width - 1] !== 0) joinSets(eight, label, first[i - width - 1]!);
      if (col + 1 < width && first[i - width + 1] !== 0) joinSets(eight, label, first[i - width + 1]!);
    }
  }
  return { first, four, eight };
}

function edgeRuns(labels: Int32Array, { col, row, width, height }: Window): OpeningEdge[] {
  const edges: OpeningEdge[] = [];
  const run = (side: OpeningEdge['side'], line: number, begin: number, count: number, start: number, step: number): void => {
    for (let k = 0; k < count; k++) {
      const label = labels[start + k * step]!, from = k;
      if (label === 0) continue;
      while (k + 1 < count && labels[start + (k + 1) * step] === label) k++;
      edges.push({ side, line, from: begin + from, to: begin + k, piece: label - 1 });
    }
  };
  if (width === 0 || height === 0) return edges;
  run('north', row, col, width, 0, 1);
  run('south', row + height - 1, col, width, (height - 1) * width, 1);
  run('west', col, row, height, 0, width);
  run('east', col + width - 1, row, height, width - 1, width);
  return edges;
}

/** What `joinOpenings` reads of a tile. */
export interface JoinablePieces {
  pieces: readonly Pick<OpeningPiece, 'row' | 'col' | 'pixels'>[];
  edges: readonly OpeningEdge[];
}

/**
 * Join the pieces of all tiles into openings: union-find over pixels that touch across core edges, also by a corner.
 *
 * Cores are disjoint; their order and size do not matter. Memory follows the number of pieces and edge runs. A least area is
 * applied to what comes back, never to pieces.
 *
 * @param resM  pixel size, metres
 * @returns `ids[t][i]`: the opening of piece i of tile t; openings by (row, col) of their first pixels
 */
export function joinOpenings(tiles: readonly JoinablePieces[], { resM }: { resM: number }): { ids: string[][]; openings: Opening[] } {
  const offsets: number[] = [];
  let count = 0;
  for (const { pieces } of tiles) {
    offsets.push(count);
    count += pieces.length;
  }
  const parent = singletons(count);
  const runs = (side: OpeningEdge['side']): Map<number, Run[]> => runsByLine(tiles, offsets, side);
  joinLines(runs('south'), runs('north'), parent);
  joinLines(runs('east'), runs('west'), parent);
  return openingsOf(tiles, offsets, parent, resM);
}

interface Run {
  from: number;
  to: number;
  piece: number;
}

function runsByLine(tiles: readonly JoinablePieces[], offsets: readonly number[], wanted: OpeningEdge['side']): Map<number, Run[]> {
  const lines = new Map<number, Run[]>();
  tiles.forEach(({ edges }, t) => {
    for (const { side, line, from, to, piece } of edges) {
      if (side !== wanted) continue;
      const run = { from, to, piece: piece + offsets[t]! }, runs = lines.get(line);
      if (runs === undefined) lines.set(line, [run]);
      else runs.push(run);
    }
  });
  for (const runs of lines.values()) runs.sort((a, b) => a.from - b.from);
  return lines;
}

/** Join runs on a line with runs on the next one that touch them along an edge or by a corner. */
function joinLines(before: Map<number, Run[]>, after: Map<number, Run[]>, parent: Int32Array): void {
  for (const [line, runs] of before) {
    const others = after.get(line + 1) ?? [];
    let start = 0;
    for (const { from, to, piece } of runs) {
      while (start < others.length && others[start]!.to < from - 1) start++;
      for (let k = start; k < others.length && others[k]!.from <= to + 1; k++) joinSets(parent, piece, others[k]!.piece);
    }
  }
}

function openingsOf(tiles: readonly JoinablePieces[], offsets: readonly number[], parent: Int32Array, resM: number): { ids: string[][]; openings: Opening[] } {
  const byRoot = new Map<number, Opening>();
  const rootOfPiece = (t: number, i: number): number => rootOf(parent, offsets[t]! + i);
  tiles.forEach(({ pieces }, t) => pieces.forEach(({ row, col, pixels }, i) => {
    const root = rootOfPiece(t, i), opening = byRoot.get(root);
    if (opening === undefined) {
      byRoot.set(root, { id: '', row, col, pixels, areaM2: 0 });
      return;
    }
    opening.pixels += pixels;
    if (row < opening.row || (row === opening.row && col < opening.col)) Object.assign(opening, { row, col });
  }));
  for (const opening of byRoot.values()) {
    opening.id = `${opening.row}_${opening.col}`;
    opening.areaM2 = opening.pixels * resM * resM;
  }
  const ids = tiles.map(({ pieces }, t) => pieces.map((_, i) => byRoot.get(rootOfPiece(t, i))!.id));
  const openings = [...byRoot.values()].sort((a, b) => a.row - b.row || a.col - b.col);
  return { ids, openings };
}
