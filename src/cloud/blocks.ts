// cloud/blocks.ts: cut places into square blocks, so that no triangulation holds a whole window. Pure.
import { gridIndex, itemsInBox } from './grid-index.ts';
import type { GridIndex } from './grid-index.ts';
import { pick } from './unique-places.ts';
import type { Places } from './unique-places.ts';

/**
 * Places by block. Blocks change no result, only memory and time: a block is read with a margin of the method's halo,
 * so whatever is asked inside it is answered as by the whole (see `triangulate`).
 */
export interface Blocks {
  places: Places;
  index: GridIndex;
  x0: number;
  y0: number;
  /** side of a block, units */
  side: number;
  cols: number;
  rows: number;
}

/** A triangulation of so many places fits the processor's cache; much larger ones take up to twice the time a place. */
const PLACES_PER_BLOCK = 60_000;

/** Lay blocks over places so that each holds about `PLACES_PER_BLOCK`, but is not small against its margin. */
export function blocksOf(places: Places, marginUnits: number, perBlock = PLACES_PER_BLOCK): Blocks {
  const n = places.x.length;
  const rough = gridIndex(places.x, places.y, 1e5 * 4);
  const width = rough.cols * rough.cell, height = rough.rows * rough.cell;
  const side = Math.max(6 * marginUnits, Math.ceil(Math.sqrt((width * height * perBlock) / Math.max(1, n))), rough.cell);
  return {
    places, index: rough, x0: rough.x0, y0: rough.y0, side,
    cols: Math.max(1, Math.ceil(width / side)), rows: Math.max(1, Math.ceil(height / side)),
  };
}

/** The places of a block with `margin` units around it. */
export function placesOfBlock({ places, index, x0, y0, side }: Blocks, col: number, row: number, margin: number): Places {
  const left = x0 + col * side, low = y0 + row * side;
  const chosen = itemsInBox(index, places.x, places.y, left - margin, low - margin, left + side + margin, low + side + margin);
  return pick(places.x, places.y, places.z, chosen);
}
