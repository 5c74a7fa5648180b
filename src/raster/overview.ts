// raster/overview.ts: coarser levels of an image whose tiles come row by row, made as they come. Pure.
import type { PixelArray } from '../types.ts';

/**
 * What an overview pixel holds of the up to four pixels under it; it is valid if at least one of them is.
 *
 * - `mean`: the mean of the valid ones, whole numbers rounded, half up. NaN is a value that cannot be averaged: it is passed over, and stays NaN where nothing else is valid.
 * - `any`: the greatest of the valid ones. For masks of 0 and 1, whose mean would be no category: 1 if any is 1, so that a mask
 *   of what is valid agrees at every level with the raster that it belongs to. Areas are never taken from overviews.
 */
export type OverviewRule = 'mean' | 'any';

/** A level of an image: its pixels, and its tiles. */
export interface Level {
  width: number;
  height: number;
  across: number;
  down: number;
}

/** A tile of a level; arrays of `tilePx x tilePx`, which are used again once the tile has been taken. */
export interface LevelTile {
  /** 0 is the image itself; each further one has half the pixels a side */
  level: number;
  col: number;
  row: number;
  data: PixelArray;
  mask: Uint8Array;
}

/** The image and its overviews, halved (rounded up) until one tile holds all. */
export function pyramid({ width, height }: { width: number; height: number }, tilePx: number): Level[] {
  const levels = [{ width, height, across: Math.ceil(width / tilePx), down: Math.ceil(height / tilePx) }];
  while (width > tilePx || height > tilePx) {
    width = Math.ceil(width / 2);
    height = Math.ceil(height / 2);
    levels.push({ width, height, across: Math.ceil(width / tilePx), down: Math.ceil(height / tilePx) });
  }
  return levels;
}

interface LevelRow { data: PixelArray[]; mask: Uint8Array[] }

/**
 * Makes overviews from tiles that come row by row, each from the level below it. Memory holds one row of tiles a level, together
 * less than one row of tiles of the image: it follows the image's width, never its height.
 */
export class OverviewCascade {
  readonly #levels: readonly Level[];
  readonly #tilePx: number;
  readonly #rule: OverviewRule;
  readonly #make: (length: number) => PixelArray;
  readonly #rows: LevelRow[];

  constructor(levels: readonly Level[], { tilePx, rule, make }: { tilePx: number; rule: OverviewRule; make: (length: number) => PixelArray }) {
    this.#levels = levels;
    this.#tilePx = tilePx;
    this.#rule = rule;
    this.#make = make;
    this.#rows = levels.map(() => ({ data: [], mask: [] }));
  }

  /** Add the image's next tile, left as it was; gives it, and then the tiles of coarser levels that it completes, finest first. */
  *add(tile: LevelTile): Generator<LevelTile> {
    yield tile;
    let below = tile;
    while (below.level + 1 < this.#levels.length) {
      const { across, down } = this.#levels[below.level]!, above = this.#tileAbove(below);
      halveInto(above, below, this.#tilePx, this.#rule);
      const isLast = (below.col % 2 === 1 || below.col === across - 1) && (below.row % 2 === 1 || below.row === down - 1);
      if (!isLast) return;
      yield above;
      below = above;
    }
  }

  /** The tile that a tile lies in, one level up; cleared when the first of the four comes. */
  #tileAbove({ level, col, row }: LevelTile): LevelTile {
    const { data, mask } = this.#rows[level + 1]!, at = col >> 1, pixels = this.#tilePx ** 2;
    if (!data[at]) {
      data[at] = this.#make(pixels);
      mask[at] = new Uint8Array(pixels);
    } else if (col % 2 === 0 && row % 2 === 0) {
      data[at].fill(0);
      mask[at]!.fill(0);
    }
    return { level: level + 1, col: at, row: row >> 1, data: data[at], mask: mask[at]! };
  }
}

/** Write a tile at half its size into its quarter of the tile above; sums run north-west, north-east, south-west, south-east. */
function halveInto(above: LevelTile, { col, row, data, mask }: LevelTile, tilePx: number, rule: OverviewRule): void {
  const half = tilePx / 2, corner = (row % 2) * half * tilePx + (col % 2) * half, out = above.data, isMean = rule === 'mean';
  const isWhole = !(out instanceof Float32Array || out instanceof Float64Array);
  for (let r = 0; r < half; r++) {
    let to = corner + r * tilePx, nw = 2 * r * tilePx;
    for (let c = 0; c < half; c++, to++, nw += 2) {
      let sum = 0, count = 0, valid = 0, greatest = -Infinity;
      for (let k = 0, i = nw; k < 4; k++, i += k === 2 ? tilePx - 1 : 1) {
        if (!mask[i]) continue;
        valid = 1;
        const value = data[i]!;
        if (value !== value) continue; // NaN
        sum += value;
        count++;
        if (value > greatest) greatest = value;
      }
      above.mask[to] = valid;
      if (valid) out[to] = count === 0 ? NaN : !isMean ? greatest : isWhole ? Math.floor(sum / count + 0.5) : sum / count;
    }
  }
}
