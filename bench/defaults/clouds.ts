// bench/defaults/clouds.ts: the real clouds whole, and the product's chain on them in one piece. IO.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadPoints } from '../cloud-points.ts';
import { boundsOf } from '../../src/cloud/grid-index.ts';
import { groundSurface } from '../../src/cloud/ground-surface.ts';
import { heightsAboveGround, withHeights } from '../../src/cloud/normalise.ts';
import { selectPoints } from '../../src/cloud/select.ts';
import { UNITS_PER_M, toMetres } from '../../src/geo/units.ts';
import type { CanopyResult } from '../../src/pipeline/canopy.ts';
import { computeCanopy } from '../../src/pipeline/canopy.ts';
import type { CanopyParams } from '../../src/pipeline/canopy-params.ts';
import { canopyParams } from '../../src/pipeline/canopy-params.ts';
import { JobSchema } from '../../src/pipeline/job-schema.ts';
import type { Box, Points } from '../../src/types.ts';

const DATA = new URL('../../../shared/data/', import.meta.url);
export const hasData = (): boolean => existsSync(DATA);
export const dataPath = (path: string): string => fileURLToPath(new URL(path, DATA));

/** The terrain as the product models it by default. */
export const TERRAIN = { maxCircumradiusM: 10, fillRadiusM: 20, fillNeighbours: 3 };

const NOISE_CLASSES = new Set([7, 18]);

/** All points of some files as a bucket task keeps them: without noise classes, in the order of x, y, z. */
export async function loadCloud(...files: string[]): Promise<Points> {
  const points = await loadPoints(files.map(dataPath));
  const clean = selectPoints(points, Uint8Array.from(points.classification, (c) => (NOISE_CLASSES.has(c) ? 0 : 1)));
  const { x, y, z } = clean, order = Uint32Array.from(x, (_, i) => i).sort((a, b) => x[a]! - x[b]! || y[a]! - y[b]! || z[a]! - z[b]!);
  return {
    count: clean.count, x: Float64Array.from(order, (i) => x[i]!), y: Float64Array.from(order, (i) => y[i]!), z: Float64Array.from(order, (i) => z[i]!),
    intensity: Uint16Array.from(order, (i) => clean.intensity[i]!), returnNumber: Uint8Array.from(order, (i) => clean.returnNumber[i]!),
    returnCount: Uint8Array.from(order, (i) => clean.returnCount[i]!), classification: Uint8Array.from(order, (i) => clean.classification[i]!),
  };
}

/** Heights above the ground that others classified. */
export const heightsOf = (points: Points): Points =>
  withHeights(points, heightsAboveGround(points, groundSurface(points, Uint8Array.from(points.classification, (c) => (c === 2 ? 1 : 0)), TERRAIN)));

/** The box of some points, out to whole cells of 20 m. */
export function boxOf(points: Points): Box {
  const { minX, minY, maxX, maxY } = boundsOf(points.x, points.y)!, cell = 20 * UNITS_PER_M;
  const [x0, y0, x1, y1] = [Math.floor(minX / cell), Math.floor(minY / cell), Math.floor(maxX / cell) + 1, Math.floor(maxY / cell) + 1].map((k) => toMetres(k * cell));
  return { x0: x0!, y0: y0!, x1: x1!, y1: y1! };
}

export type Smooth = CanopyParams['smooth'];

const DEFAULT_WINDOW = { baseM: 3, perHeight: 0.07, maxM: 8.6 };

/** One setting of the chain; what is left out is as `paramsOf` says, whatever the defaults of the job file are. */
export interface Setting {
  chm?: 'pit-free' | 'p2r' | 'p2r, circle 0.2 m';
  resolutionM?: number;
  /** pit-free: longest edge above the base layer */
  maxEdgeM?: number;
  smooth?: Smooth;
  pitFill?: boolean;
  window?: CanopyParams['treetops']['window'];
  crowns?: CanopyParams['crowns']['method'];
  maxRadiusM?: number;
  minHeightM?: number;
}

function paramsOf({ chm = 'pit-free', resolutionM = 0.5, maxEdgeM = 1, smooth = 'none', pitFill = false, window = DEFAULT_WINDOW, crowns = 'watershed', maxRadiusM = 8, minHeightM = 2 }: Setting): CanopyParams {
  const base = { resolution_m: resolutionM, smooth, pit_fill: pitFill };
  const treetops = { min_height_m: minHeightM, window: { base_m: window.baseM, per_height: window.perHeight, max_m: window.maxM } };
  return canopyParams(JobSchema.parse({
    survey: 'defaults', output: 'out', inputs: { lidar: { files: ['none'], z: 'height' } },
    chm: chm === 'pit-free' ? { method: 'pit-free', max_edge_m: maxEdgeM, ...base } : { method: 'p2r', sub_circle_m: chm === 'p2r' ? 0 : 0.2, ...base },
    treetops, crowns: { method: crowns, max_radius_m: maxRadiusM },
  }), 'classified');
}

/** The product's canopy chain on a whole cloud of heights as one tile. */
export const runChain = (heights: Points, setting: Setting, core = boxOf(heights)): CanopyResult =>
  computeCanopy({ points: heights, tile: { id: 'whole', core }, params: paramsOf(setting) });

/** Hectares with a canopy height. */
export const validHa = ({ chm }: CanopyResult): number => (chm.mask.reduce((sum, valid) => sum + valid, 0) * chm.lattice.resM ** 2) / 1e4;

const upTo = (baseM: number, perHeight: number, maxM: number): CanopyParams['treetops']['window'] => ({ baseM, perHeight, maxM });

/** Windows that were tried: fixed ones, lidR's example, and lines near the three forms of cloud2trees, which bend. */
export const WINDOWS: { name: string; window: CanopyParams['treetops']['window'] }[] = [
  { name: '3 m', window: upTo(3, 0, 3) },
  { name: '4 m', window: upTo(4, 0, 4) },
  { name: '5 m', window: upTo(5, 0, 5) },
  { name: '2 + 0.05 h', window: upTo(2, 0.05, 8.6) },
  { name: '2 + 0.07 h', window: upTo(2, 0.07, 8.6) },
  { name: '2.5 + 0.05 h', window: upTo(2.5, 0.05, 8.6) },
  { name: '3 + 0.07 h', window: upTo(3, 0.07, 8.6) },
  { name: '0.75 + 0.14 h, at most 5 m (cloud2trees, linear)', window: upTo(0.75, 0.14, 5) },
  { name: '1.1 + 0.16 h, at most 5 m (near cloud2trees, log)', window: upTo(1.1, 0.16, 5) },
  { name: '0.9 + 0.11 h, at most 5 m (near cloud2trees, exp)', window: upTo(0.9, 0.11, 5) },
];
