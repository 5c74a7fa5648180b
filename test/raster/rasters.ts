// test/raster/rasters.ts: rasters that are hard on kernels, cut into windows.
import { cropRaster, growWindow } from '../../src/geo/lattice.ts';
import type { Raster, Window } from '../../src/types.ts';

/** A raster from rows of numbers; '.' is a void. Pixels of 1 m at (0, 0) unless told. */
export function drawn(rows: string, { resM = 1, col = 0, row = 0 } = {}): Raster {
  const cells = rows.trim().split('\n').map((line) => line.trim().split(/\s+/));
  const flat = cells.flat();
  return {
    lattice: { resM, x0M: 0, y0M: 0 },
    window: { col, row, width: cells[0]!.length, height: cells.length },
    data: Float32Array.from(flat, (cell) => (cell === '.' ? 0 : Number(cell))),
    mask: Uint8Array.from(flat, (cell) => (cell === '.' ? 0 : 1)),
  };
}

/** A seeded generator of numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Hard = 'noise' | 'integers' | 'cones';
export const HARD: readonly Hard[] = ['noise', 'integers', 'cones'];

/** White noise, whole heights with ties everywhere, or smooth cones; each with single voids and round holes of voids. */
export function hardRaster(kind: Hard, seed: number, width = 110, height = 96, resM = 0.5): Raster {
  const random = randomOf(seed), data = new Float32Array(width * height), mask = new Uint8Array(width * height).fill(1);
  if (kind === 'noise') data.forEach((_, i) => (data[i] = random() * 25));
  if (kind === 'integers') data.forEach((_, i) => (data[i] = Math.floor(random() * 6) + (random() < 0.02 ? 8 : 0)));
  if (kind === 'cones') {
    for (let t = 0; t < (width * height) / 60; t++) {
      const col = random() * width, row = random() * height, top = 4 + 20 * random(), radius = 4 + 8 * random();
      for (let r = Math.max(0, Math.ceil(row - radius)); r < Math.min(height, row + radius); r++) {
        for (let c = Math.max(0, Math.ceil(col - radius)); c < Math.min(width, col + radius); c++) {
          data[r * width + c] = Math.max(data[r * width + c]!, top * (1 - Math.hypot(c - col, r - row) / radius));
        }
      }
    }
  }
  mask.forEach((_, i) => random() < 0.01 && (mask[i] = 0));
  for (let hole = 0; hole < 6; hole++) {
    const col = random() * width, row = random() * height;
    mask.forEach((_, i) => Math.hypot((i % width) - col, Math.floor(i / width) - row) < 3.5 && (mask[i] = 0));
  }
  return { lattice: { resM, x0M: 0, y0M: 0 }, window: { col: -31, row: 17, width, height }, data, mask };
}

/** Cores well inside a hard raster, of several sizes, some of them one pixel wide. */
export const coresOf = ({ window: { col, row, width, height } }: Raster): Window[] => [
  { col: col + (width >> 1) - 5, row: row + (height >> 1) - 8, width: 20, height: 16 },
  { col: col + 40, row: row + 38, width: 1, height: 20 },
  { col: col + 37, row: row + 41, width: 32, height: 9 },
  { col: col + 44, row: row + 35, width: 7, height: 7 },
];

/** What a tile reads: its core and a halo of `px`, voids where the survey ends. */
export const readWithHalo = (raster: Raster, core: Window, px: number): Raster => cropRaster(raster, growWindow(core, px));

/** The pixels of a raster in a core, as text that tells every bit apart. */
export function pixelsIn(raster: Raster, core: Window): string {
  const { data, mask } = cropRaster(raster, core);
  return `${Array.from(new Uint32Array(data.buffer)).map((bits, i) => (mask[i] ? bits : 'v')).join(' ')}`;
}

/** Runs a kernel on a raster once, then tells as text what it found in a core. */
export type InCore = (raster: Raster) => (core: Window) => string;

/** How many of the cores of the hard rasters come out otherwise when cut out with a halo of `px` than from the whole raster. */
export function coresThatDiffer(px: number, resultOf: InCore, seeds: readonly number[] = [1, 2]): number {
  let differ = 0;
  for (const kind of HARD) {
    for (const seed of seeds) {
      const raster = hardRaster(kind, seed), whole = resultOf(raster);
      for (const core of coresOf(raster)) if (whole(core) !== resultOf(readWithHalo(raster, core, px))(core)) differ++;
    }
  }
  return differ;
}
