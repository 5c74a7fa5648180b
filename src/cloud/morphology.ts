// cloud/morphology.ts: opening of rasters with holes, by squares and discs. Pure.

/** A grid of heights, row-major; NaN cells are empty and never count. */
export interface HeightGrid {
  width: number;
  height: number;
  data: Float64Array;
}

export type WindowShape = 'square' | 'disc';

/** Half-widths of a window's rows, from dy = 0 outward: a disc holds cells with dx2 + dy2 <= r2. */
export function halfWidths(shape: WindowShape, radius: number): number[] {
  return Array.from({ length: radius + 1 }, (_, dy) => (shape === 'square' ? radius : Math.floor(Math.sqrt(radius * radius - dy * dy))));
}

/**
 * Masked opening: for each cell the highest, over the windows that hold it, of the lowest height in the window.
 *
 * Empty cells never count, and windows are centred on cells with a height only. Were a window allowed to stand on empty ground,
 * one that just touches the rim of a crown beside a hole or the survey's border would keep that crown as terrain: on Megaplot
 * the terrain by SMRF is then off by 1.7 m RMSE instead of 0.2, on MixedConifer with discs by 3.6 m instead of 0.1.
 * The price: opening an opened grid equals opening the original only where nothing is empty, so filters open the original.
 *
 * Proof of the halo, 2 r cells: a window that holds the cell is centred within r of it and reaches r farther.
 *
 * @param radius cells; 0 returns a copy
 * @returns NaN where the input is NaN
 */
export function openGrid(grid: HeightGrid, radius: number, shape: WindowShape): Float64Array {
  const r = radius, width = grid.width + 2 * r, height = grid.height + 2 * r;
  const padded = new Float64Array(width * height).fill(Infinity);
  for (let row = 0; row < grid.height; row++) {
    for (let col = 0; col < grid.width; col++) {
      const h = grid.data[row * grid.width + col]!;
      if (h === h) padded[(row + r) * width + col + r] = h;
    }
  }
  const lows = windowMinimum(padded, width, height, halfWidths(shape, r));
  // dilation is erosion of the negative; a window on an empty cell (Infinity) never wins
  for (let i = 0; i < lows.length; i++) lows[i] = padded[i] === Infinity ? Infinity : -lows[i]!;
  const highs = windowMinimum(lows, width, height, halfWidths(shape, r));
  const out = new Float64Array(grid.data.length).fill(NaN);
  for (let row = 0; row < grid.height; row++) {
    for (let col = 0; col < grid.width; col++) {
      const i = row * grid.width + col;
      if (grid.data[i]! === grid.data[i]!) out[i] = -highs[(row + r) * width + col + r]!;
    }
  }
  return out;
}

/** Lowest value in a window around each cell; beyond the grid nothing counts. Rows of the window by half-width from its centre row. */
function windowMinimum(values: Float64Array, width: number, height: number, half: readonly number[]): Float64Array {
  const out = new Float64Array(values.length).fill(Infinity);
  // rows of equal half-width share one horizontal pass; a square has one
  let dy = half.length - 1;
  while (dy >= 0) {
    const h = half[dy]!;
    let first = dy;
    while (first > 0 && half[first - 1] === h) first--;
    const rows = rowMinimum(values, width, height, h);
    if (first === 0) columnMinimum(rows, width, height, dy, out);
    else for (let d = first; d <= dy; d++) { lowerShifted(out, rows, width, height, d); lowerShifted(out, rows, width, height, -d); }
    dy = first - 1;
  }
  return out;
}

/** Lowest of 2h + 1 cells along each row: van Herk 1992, three comparisons a cell whatever h is. */
function rowMinimum(values: Float64Array, width: number, height: number, h: number): Float64Array {
  if (h === 0) return values;
  const out = new Float64Array(values.length), block = 2 * h + 1;
  const length = Math.ceil((width + 2 * h) / block) * block;
  const line = new Float64Array(length).fill(Infinity), ahead = new Float64Array(length), behind = new Float64Array(length);
  for (let row = 0; row < height; row++) {
    for (let col = 0; col < width; col++) line[h + col] = values[row * width + col]!;
    vanHerk(line, block, ahead, behind);
    for (let col = 0; col < width; col++) {
      const a = behind[col]!, b = ahead[col + 2 * h]!;
      out[row * width + col] = a < b ? a : b;
    }
  }
  return out;
}

/** Running minima forward (`ahead`) and backward (`behind`) within blocks of a line. */
function vanHerk(line: Float64Array, block: number, ahead: Float64Array, behind: Float64Array): void {
  for (let start = 0; start < line.length; start += block) {
    let low = Infinity;
    for (let i = start; i < start + block; i++) { if (line[i]! < low) low = line[i]!; ahead[i] = low; }
    low = Infinity;
    for (let i = start + block - 1; i >= start; i--) { if (line[i]! < low) low = line[i]!; behind[i] = low; }
  }
}

/** Lower `out` to the lowest of 2h + 1 cells along each column. */
function columnMinimum(rows: Float64Array, width: number, height: number, h: number, out: Float64Array): void {
  const block = 2 * h + 1, length = Math.ceil((height + 2 * h) / block) * block;
  const line = new Float64Array(length).fill(Infinity), ahead = new Float64Array(length), behind = new Float64Array(length);
  for (let col = 0; col < width; col++) {
    for (let row = 0; row < height; row++) line[h + row] = rows[row * width + col]!;
    vanHerk(line, block, ahead, behind);
    for (let row = 0; row < height; row++) {
      const a = behind[row]!, b = ahead[row + 2 * h]!, low = a < b ? a : b, i = row * width + col;
      if (low < out[i]!) out[i] = low;
    }
  }
}

/** Lower `out` to the values `dy` rows on. */
function lowerShifted(out: Float64Array, rows: Float64Array, width: number, height: number, dy: number): void {
  const from = Math.max(0, -dy) * width, to = Math.min(height, height - dy) * width, shift = dy * width;
  for (let i = from; i < to; i++) if (rows[i + shift]! < out[i]!) out[i] = rows[i + shift]!;
}
