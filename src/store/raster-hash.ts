// store/raster-hash.ts: the canonical hash of a raster: its valid pixels, row by row, however it is cut. Pure.
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { canonicalJson } from '../files/hash.ts';
import { toUnits } from '../geo/units.ts';
import type { Lattice, PixelArray, Window } from '../types.ts';

/** A row at work: its valid pixels so far, and the run of them that may go on. */
interface Row {
  values: Hash;
  runs: Hash;
  first: number;
  end: number;
}

/** Bytes of a typed array, where it stands. */
const bytesOf = (array: Float64Array | PixelArray, count: number): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, count * array.BYTES_PER_ELEMENT);

/**
 * Hashes a raster that comes in pieces. The hash is the sha256 of the lattice (JSON, integers of 1e-5 m) and then, from north to
 * south, of every row with a valid pixel: its number on the lattice (double), the sha256 of its valid pixels from west to east,
 * and the sha256 of its mask as runs of valid pixels, each (first column, length) in doubles; all little-endian.
 *
 * Only valid pixels and their places on the lattice enter: no window, tile, file or block does, and neither does what stands
 * under a void. Memory follows the rows of one piece, never their length.
 */
export class RasterHash {
  /** valid pixels so far */
  validPx = 0;
  readonly #hash: Hash;
  #band = -Infinity;
  #rows: (Row | undefined)[] = [];

  constructor({ resM, x0M, y0M }: Lattice) {
    this.#hash = createHash('sha256').update(canonicalJson({ res: toUnits(resM), x0: toUnits(x0M), y0: toUnits(y0M) }));
  }

  /**
   * Add a piece: pieces of one band of rows from west to east, bands from north to south.
   *
   * @param mask  1 valid, 0 void
   */
  add(window: Window, data: PixelArray, mask: Uint8Array): void {
    if (window.row !== this.#band) this.#closeBand(window.row);
    const { width, height } = window, values = data.slice(0, width), runs = new Float64Array(width + 2);
    for (let r = 0; r < height; r++) {
      let row = this.#rows[r], valueCount = 0, runCount = 0;
      for (let c = 0, i = r * width; c < width; c++, i++) {
        if (!mask[i]) continue;
        const col = window.col + c;
        if (row === undefined) row = this.#rows[r] = { values: createHash('sha256'), runs: createHash('sha256'), first: col, end: col };
        if (row.end !== col) {
          runs[runCount++] = row.first;
          runs[runCount++] = row.end - row.first;
          row.first = col;
        }
        row.end = col + 1;
        values[valueCount++] = data[i]!;
      }
      if (valueCount === 0) continue;
      this.validPx += valueCount;
      row!.values.update(bytesOf(values, valueCount));
      row!.runs.update(bytesOf(runs, runCount));
    }
  }

  /** The hash, as hex, of what was added; nothing can be added after. */
  digest(): string {
    this.#closeBand(Infinity);
    return this.#hash.digest('hex');
  }

  #closeBand(next: number): void {
    const last = new Float64Array(2), number = new Float64Array(1);
    this.#rows.forEach((row, r) => {
      if (!row) return;
      number[0] = this.#band + r;
      last.set([row.first, row.end - row.first]);
      this.#hash.update(bytesOf(number, 1)).update(row.values.digest()).update(row.runs.update(bytesOf(last, 2)).digest());
    });
    this.#rows = [];
    this.#band = next;
  }
}
