// bench/raster-kernels.ts: time of each raster kernel on one tile of 500 m at 0.5 m with a halo of 40 m.
// Run: npm exec -- node bench/raster-kernels.ts [times]
import { labelOpenings } from '../src/fuse/openings.ts';
import { growCrowns } from '../src/raster/crowns.ts';
import type { CrownMethodName } from '../src/raster/crowns.ts';
import { smoothGaussian, smoothMean, smoothMedian } from '../src/raster/focal.ts';
import { fillPits } from '../src/raster/pit-fill.ts';
import { crownPolygons } from '../src/raster/polygonise.ts';
import { findTreetops } from '../src/raster/treetops.ts';
import type { Raster } from '../src/types.ts';

const SIDE = 1160, RES = 0.5, times = Number(process.argv[2] ?? 3);

/** Cones of random height and width on low ground, with noise: about 450 trees a hectare. */
function syntheticChm(): Raster {
  let seed = 7;
  const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const data = Float32Array.from({ length: SIDE * SIDE }, () => random() * 0.5);
  for (let t = 0; t < 15_000; t++) {
    const col = random() * SIDE, row = random() * SIDE, height = 6 + 22 * random(), radius = (0.8 + height * 0.1) / RES;
    for (let r = Math.max(0, Math.ceil(row - radius)); r <= Math.min(SIDE - 1, row + radius); r++) {
      for (let c = Math.max(0, Math.ceil(col - radius)); c <= Math.min(SIDE - 1, col + radius); c++) {
        const d = Math.hypot(c - col, r - row) / radius;
        if (d <= 1) data[r * SIDE + c] = Math.max(data[r * SIDE + c]!, height * (1 - 0.6 * d * d) + random() * 0.6);
      }
    }
  }
  return { lattice: { resM: RES, x0M: 0, y0M: 0 }, window: { col: 0, row: 0, width: SIDE, height: SIDE }, data, mask: new Uint8Array(SIDE * SIDE).fill(1) };
}

const chm = syntheticChm(), window = { baseM: 3, perHeight: 0.07, maxM: 8.6 };
const tops = findTreetops(chm, { minHeightM: 2, window });
const grow = (method: CrownMethodName): Int32Array => growCrowns(chm, tops, { method, maxRadiusM: 8, minHeightM: 2, window });
const labels = grow('watershed');
const kernels: Record<string, () => unknown> = {
  'treetops (LMF)': () => findTreetops(chm, { minHeightM: 2, window }),
  'crowns, climb': () => grow('watershed'),
  'crowns, Dalponte': () => grow('dalponte'),
  'crowns, Silva': () => grow('silva'),
  'polygons of crowns': () => crownPolygons(labels, chm.window, chm.lattice),
  'openings': () => labelOpenings(chm, { belowM: 2 }),
  'pit fill': () => fillPits(chm),
  'mean 3 x 3': () => smoothMean(chm, { radiusPx: 1 }),
  'median 3 x 3': () => smoothMedian(chm, { radiusPx: 1 }),
  'gaussian 5 x 5': () => smoothGaussian(chm, { sigmaPx: 1, radiusPx: 2 }),
};
console.log(`${SIDE} x ${SIDE} pixels, ${tops.length} treetops; CPU milliseconds (user, all threads) of ${times} runs, the first one cold, then the best wall time`);
for (const [name, run] of Object.entries(kernels)) {
  let best = Infinity;
  const cpuMs = Array.from({ length: times }, () => {
    const start = performance.now(), before = process.cpuUsage();
    run();
    best = Math.min(best, performance.now() - start);
    return process.cpuUsage(before).user / 1000;
  });
  console.log(name.padEnd(20), cpuMs.map((m) => m.toFixed(0).padStart(6)).join(''), `   wall ${best.toFixed(0)}`);
}
