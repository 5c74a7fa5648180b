// bench/cloud-kernels.ts: each cloud stage on one core, M points/s, on clouds held in memory; files may be named. IO.
import { fileURLToPath } from 'node:url';
import { lidarFolder, loadPoints } from './cloud-points.ts';
import { canopyModel } from '../src/cloud/chm.ts';
import { surfaceRaster } from '../src/cloud/dtm.ts';
import { PMF_DEFAULTS, SMRF_DEFAULTS, classifyGround } from '../src/cloud/ground.ts';
import { groundSurface } from '../src/cloud/ground-surface.ts';
import { boundsOf } from '../src/cloud/grid-index.ts';
import { cellMetrics } from '../src/cloud/metrics.ts';
import { noisePoints } from '../src/cloud/noise.ts';
import { heightsAboveGround, withHeights } from '../src/cloud/normalise.ts';
import { anchoredLattice, windowOfBox } from '../src/geo/lattice.ts';
import { UNITS_PER_M } from '../src/geo/units.ts';

const folder = lidarFolder();
const files = process.argv.length > 2 ? process.argv.slice(2)
  : folder ? [1, 2, 3, 4].map((k) => fileURLToPath(new URL(`bcts_${k}.laz`, folder))) : [];
if (files.length === 0) throw new Error('no point files: name some, or lay the shared data beside the project');

const rows: { stage: string; ms: number; 'us/point': number; 'M points/s': number }[] = [];
let count = 0;
function timed<T>(stage: string, work: () => T): T {
  const start = performance.now(), result = work(), ms = performance.now() - start;
  rows.push({ stage, ms: Math.round(ms), 'us/point': +((ms * 1e3) / count).toFixed(3), 'M points/s': +(count / ms / 1e3).toFixed(2) });
  return result;
}

const readStart = performance.now();
const points = await loadPoints(files);
count = points.count;
const readMs = performance.now() - readStart;
rows.push({ stage: 'read', ms: Math.round(readMs), 'us/point': +((readMs * 1e3) / count).toFixed(3), 'M points/s': +(count / readMs / 1e3).toFixed(2) });

const bounds = boundsOf(points.x, points.y)!;
const box = { x0: bounds.minX / UNITS_PER_M, y0: bounds.minY / UNITS_PER_M, x1: bounds.maxX / UNITS_PER_M, y1: bounds.maxY / UNITS_PER_M };
const windowOf = (resM: number) => windowOfBox(anchoredLattice(resM), box);

const isGround = timed('ground: classified', () => classifyGround(points, { method: 'classified' }));
const surface = groundSurface(points, isGround, { maxCircumradiusM: 10, fillRadiusM: 20, fillNeighbours: 3 });
timed('DTM 1 m (TIN)', () => surfaceRaster(surface, windowOf(1), 1));
const heights = withHeights(points, timed('normalise', () => heightsAboveGround(points, surface)));
timed('CHM 0.5 m pit-free', () => canopyModel(heights, windowOf(0.5),
  { method: 'pit-free', resolutionM: 0.5, maxEdgeM: 1, maxCircumradiusM: 3, thresholdsM: [0, 2, 5, 10, 15] }));
timed('metrics 20 m', () => cellMetrics(heights, windowOf(20), { cellSizeM: 20 }));
const chain = rows.slice(1).reduce((ms, r) => ms + r.ms, 0);
rows.push({ stage: 'all of the above but read', ms: chain, 'us/point': +((chain * 1e3) / count).toFixed(3), 'M points/s': +(count / chain / 1e3).toFixed(2) });

timed('CHM 0.5 m p2r', () => canopyModel(heights, windowOf(0.5), { method: 'p2r', resolutionM: 0.5, subCircleM: 0 }));
timed('CHM 0.5 m p2r, sub-circle 0.2 m', () => canopyModel(heights, windowOf(0.5), { method: 'p2r', resolutionM: 0.5, subCircleM: 0.2 }));
timed('ground: SMRF', () => classifyGround(points, SMRF_DEFAULTS));
timed('ground: SMRF, discs', () => classifyGround(points, { ...SMRF_DEFAULTS, windowShape: 'disc' }));
timed('ground: PMF', () => classifyGround(points, PMF_DEFAULTS));
timed('noise: voxels of 5 m', () => noisePoints(points, { method: 'voxels', sizeM: 5, minPoints: 7 }));
timed('noise: 6 nearest', () => noisePoints(points, { method: 'knn', k: 6, maxDistanceM: 2, searchM: 5 }));
console.log(`${count} points, peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
console.table(rows);
