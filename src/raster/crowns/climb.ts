// raster/crowns/climb.ts: a watershed that is exactly local: every pixel climbs to a treetop by itself. Pure.
import type { Raster, Treetop } from '../../types.ts';
import type { Surface } from '../surface.ts';
import { radius2PxOf, reachPx, surfaceIndex, surfaceOf } from '../surface.ts';
import type { TreetopWindow } from '../treetops.ts';
import { windowRadius2Px } from '../treetops.ts';
import type { CrownMethod, CrownParams } from './params.ts';
import { checkCrownParams } from './params.ts';
import { keepSeedParts } from './seed-parts.ts';

const UNKNOWN = 0, NONE = -1;

/**
 * The watershed of the treetops, by climbing.
 *
 * Pixels are ordered by height, equal ones by (row, col), earlier first. A pixel of at least `minHeightM` points to the best of
 * its eight neighbours, if that is better than itself. A local maximum that is no treetop points to the first better pixel that
 * a priority flood from it meets inside its own LMF window (8-connected; low pixels are crossed, voids last of all).
 * A pixel belongs to the treetop at the end of its pointers if every pixel on the way lies within R of it; then pixels lower
 * than `seedShare` of the top are dropped, and the part 4-connected to the top is kept.
 *
 * Departs from the marker-controlled watershed of the field, which floods the whole raster from the markers and has no bound:
 * about 99 % of pixels agree.
 *
 * Halo of a top's crown: R + w + 1 px, w the largest window radius. Proof: its pixels, and all pixels on their ways, lie within R of the top.
 * The pointer of such a pixel, and whether it is a treetop itself, depends on its eight neighbours (1 px along rows and columns)
 * and on its own window (w). No pointer depends on another pixel's label, so nothing propagates. A pixel whose way leaves the disc
 * of R is no part of the crown wherever the way leads.
 */
export const climb: CrownMethod = {
  grow: growByClimb,
  haloM: ({ maxRadiusM, window }, resM) => maxRadiusM + window.maxM / 2 + resM,
};

function growByClimb(chm: Raster, tops: readonly Treetop[], params: CrownParams): Int32Array {
  checkCrownParams(params);
  const { resM } = chm.lattice, { minHeightM, window, seedShare = 0.3 } = params;
  const pad = reachPx(radius2PxOf(window.maxM / 2, resM)) + 1; // the neighbours of a window's pixels are in the array too
  const surface = surfaceOf(chm, pad, -Infinity), { z } = surface;
  const top = new Int32Array(z.length), seeds = new Int32Array(tops.length);
  tops.forEach(({ col, row }, t) => {
    const i = surfaceIndex(surface, col, row);
    seeds[t] = i;
    if (z[i]! !== -Infinity) top[i] = t + 1;
  });
  climbAll(surface, top, seeds, { minHeightM, radius2: radius2PxOf(params.maxRadiusM, resM), next: pointers(surface, window, resM) });
  for (let i = 0; i < z.length; i++) {
    const t = top[i]!;
    if (t < 0 || (t > 0 && i !== seeds[t - 1] && z[i]! < seedShare * tops[t - 1]!.heightM)) top[i] = 0;
  }
  return keepSeedParts(top, seeds, surface);
}

interface Climb {
  minHeightM: number;
  radius2: number;
  next: (i: number) => number;
}

/** Follow the pointers of every pixel, each once; `top` holds the seeds and gets the treetop of every pixel, or NONE. */
function climbAll({ z, stride }: Surface, top: Int32Array, seeds: Int32Array, { minHeightM, radius2, next }: Climb): void {
  const way = new Int32Array(z.length);
  for (let start = 0; start < z.length; start++) {
    if (top[start] !== UNKNOWN || !(z[start]! >= minHeightM) || z[start] === -Infinity) continue;
    let length = 0, i = start;
    while (i >= 0 && top[i] === UNKNOWN) {
      way[length++] = i;
      i = next(i);
    }
    let t = i < 0 ? NONE : top[i]!;
    const seed = t > 0 ? seeds[t - 1]! : 0, seedRow = (seed / stride) | 0, seedCol = seed - seedRow * stride;
    while (length > 0) {
      const p = way[--length]!, pRow = (p / stride) | 0, row = pRow - seedRow, col = p - pRow * stride - seedCol;
      if (row * row + col * col > radius2) t = NONE; // and so is every pixel that comes this way
      top[p] = t;
    }
  }
}

/** The pointer of a pixel: its best neighbour, else the first better pixel of the flood in its window, else -1. */
function pointers({ z, stride }: Surface, window: TreetopWindow, resM: number): (i: number) => number {
  const steps = Int32Array.of(-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1);
  const better = (a: number, b: number): boolean => z[a]! > z[b]! || (z[a] === z[b] && a < b);
  const seen = new Int32Array(z.length), heap = new Int32Array((2 * reachPx(radius2PxOf(window.maxM / 2, resM)) + 1) ** 2);
  let stamp = 0, size = 0;

  function push(i: number): void {
    let at = size++;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!better(i, heap[up]!)) break;
      heap[at] = heap[up]!;
      at = up;
    }
    heap[at] = i;
  }

  function pop(): number {
    const first = heap[0]!, last = heap[--size]!;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && better(heap[child + 1]!, heap[child]!)) child++;
      if (!better(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  function flood(from: number): number {
    const radius2 = windowRadius2Px(window, z[from]!, resM), row0 = Math.floor(from / stride), col0 = from % stride;
    stamp++;
    size = 0;
    seen[from] = stamp;
    push(from);
    while (size > 0) {
      const i = pop();
      let found = -1;
      for (let k = 0; k < 8; k++) {
        const j = i + steps[k]!, row = Math.floor(j / stride) - row0, col = (j % stride) - col0;
        if (row * row + col * col > radius2 || seen[j] === stamp) continue;
        seen[j] = stamp;
        if (!better(j, from)) push(j);
        else if (found < 0 || better(j, found)) found = j;
      }
      if (found >= 0) return found;
    }
    return -1; // only where the tops were not found on this raster by this window
  }

  return (i) => {
    let best = i;
    for (let k = 0; k < 8; k++) {
      const j = i + steps[k]!;
      if (better(j, best)) best = j;
    }
    return best === i ? flood(i) : best;
  };
}
