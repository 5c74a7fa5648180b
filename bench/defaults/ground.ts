// bench/defaults/ground.ts: ground filters against the ground that others classified. IO.
import { openFile } from '../../src/files/byte-source.ts';
import { surfaceRaster } from '../../src/cloud/dtm.ts';
import { PMF_DEFAULTS, SMRF_DEFAULTS, classifyGround } from '../../src/cloud/ground.ts';
import type { GroundParams, PmfParams, SmrfParams } from '../../src/cloud/ground.ts';
import { groundSurface } from '../../src/cloud/ground-surface.ts';
import { anchoredLattice, windowOfBox } from '../../src/geo/lattice.ts';
import { toMetres, toUnits } from '../../src/geo/units.ts';
import { openRaster } from '../../src/ingest/geotiff-reader.ts';
import type { Points, Raster } from '../../src/types.ts';
import { TERRAIN, boxOf, dataPath, loadCloud } from './clouds.ts';
import { differences, markdownTable } from './tables.ts';

/** As published (Pingel, PDAL); whatever the product's defaults are. */
const SMRF: SmrfParams = { ...SMRF_DEFAULTS, windowShape: 'square', windowM: 18, slope: 0.15, thresholdM: 0.5, scalar: 1.25 };
const PMF: PmfParams = { ...PMF_DEFAULTS, slope: 1, initialThresholdM: 0.5, maxThresholdM: 3 };

const FILTERS: [string, GroundParams][] = [
  ['SMRF, 0.5 m + 1.25 x slope', SMRF],
  ['SMRF, discs', { ...SMRF, windowShape: 'disc' }],
  ['SMRF, slope 0.3', { ...SMRF, slope: 0.3 }],
  ['SMRF, slope 0.5', { ...SMRF, slope: 0.5 }],
  ['SMRF, window 12 m', { ...SMRF, windowM: 12 }],
  ['SMRF, 0.25 m + 1.25 x slope', { ...SMRF, thresholdM: 0.25 }],
  ['SMRF, 0.3 m + 0.5 x slope', { ...SMRF, thresholdM: 0.3, scalar: 0.5 }],
  ['PMF, 0.5 and 3 m (lidR)', PMF],
  ['PMF, 0.15 and 2.5 m (PDAL)', { ...PMF, initialThresholdM: 0.15, maxThresholdM: 2.5 }],
  ['PMF, 0.5 and 3 m, slope 0.3', { ...PMF, slope: 0.3 }],
];
/** The last step of SMRF: how far from the provisional ground a return may lie. */
const TOLERANCES: [string, GroundParams][] = [0.2, 0.3, 0.4, 0.5].flatMap((thresholdM) => [0, 0.5, 1.25].map((scalar): [string, GroundParams] =>
  [`SMRF, ${thresholdM} m + ${scalar} x slope`, { ...SMRF, thresholdM, scalar }]));
const PMF_STARTS: [string, GroundParams][] = [0.15, 0.3, 0.5].flatMap((initialThresholdM) => [0.3, 1].map((slope): [string, GroundParams] =>
  [`PMF, from ${initialThresholdM} m, slope ${slope}`, { ...PMF, initialThresholdM, slope }]));
const HEAD = ['cloud', 'filter', 'type I, %', 'type II, %', 'DTM: median abs. difference, m', 'RMSE, m', 'bias, m', 'within 0.5 m', 'pixels'];

/** A cloud with its classified ground, and the terrain that its filters are held against. */
interface GroundCase { name: string; points: Points; truth: Uint8Array; terrain: Raster }

const CLOUDS: [string, string][] = [
  ['bcts_3', 'lidar/bcts_3.laz'], ['Topography', 'lidar/Topography.laz'], ['MixedEucaNat', 'lidar/MixedEucaNat.laz'], ['OSBS_006', 'crowns/plots/OSBS_006.laz'], ['MixedConifer (heights)', 'lidar/MixedConifer.laz'],
];

async function groundCases(): Promise<GroundCase[]> {
  const cases: GroundCase[] = [];
  for (const [name, file] of CLOUDS) {
    const points = await loadCloud(file), truth = classifyGround(points, { method: 'classified' });
    cases.push({ name, points, truth, terrain: dtmOf(points, truth) });
  }
  const terrain = await theirRaster('DTM'), points = withTerrain(await loadCloud('lidar/pycrown/POINTS.laz'), terrain);
  return [...cases, { name: 'pycrown, against their DTM', points, truth: classifyGround(points, { method: 'classified' }), terrain }];
}

/** Tables of the ground filters. Type I: ground (class 2) that the filter leaves out; type II: other returns that it takes. */
export async function groundTables(): Promise<string> {
  const cases = await groundCases(), all: [string, GroundParams][] = [['class 2', { method: 'classified' }], ...FILTERS];
  const full = cases.flatMap((one, k) => (k === cases.length - 1 ? all : FILTERS).map(([filter, params]) => [one.name, filter, ...errorsOf(one, params)]));
  const grid = [...TOLERANCES, ...PMF_STARTS].map(([filter, params]) => {
    const errors = cases.map((one) => errorsOf(one, params));
    return [filter, ...errors.map(([, , , rmse]) => rmse!), ...errors.map(([typeOne]) => typeOne!.toFixed(1))];
  });
  return [
    markdownTable(HEAD, full),
    markdownTable(['filter', ...cases.map(({ name }) => `DTM RMSE, m: ${name}`), ...cases.map(({ name }) => `type I, %: ${name}`)], grid),
  ].join('\n\n');
}

function errorsOf({ points, truth, terrain }: GroundCase, params: GroundParams): number[] {
  const ground = classifyGround(points, params), model = dtmOf(points, ground), tally = [0, 0, 0, 0];
  for (let i = 0; i < truth.length; i++) tally[truth[i]! * 2 + ground[i]!]!++;
  const errors: number[] = [];
  const { window } = terrain, { window: ours } = model;
  for (let i = 0; i < terrain.data.length; i++) {
    const col = window.col + (i % window.width) - ours.col, row = window.row + Math.floor(i / window.width) - ours.row, j = row * ours.width + col;
    if (terrain.mask[i] && col >= 0 && row >= 0 && col < ours.width && row < ours.height && model.mask[j]) errors.push(model.data[j]! - terrain.data[i]!);
  }
  return [(100 * tally[2]!) / (tally[2]! + tally[3]!), (100 * tally[1]!) / (tally[0]! + tally[1]!), ...differences(errors), errors.length];
}

/** 1 m, only where the ground of a tree's reach is known. */
const dtmOf = (points: Points, ground: Uint8Array): Raster => surfaceRaster(groundSurface(points, ground, TERRAIN), windowOfBox(anchoredLattice(1), boxOf(points)), 1);

/** Their pixels of 1 m start at x.11 and y.5: everything of pycrown is moved so that they lie on our lattice. */
export const PYCROWN_SHIFT = { x: toUnits(0.11), y: toUnits(0.5) };

/** A raster of pycrown, moved onto the anchored lattice of 1 m. */
export async function theirRaster(name: 'CHM' | 'DTM'): Promise<Raster> {
  const file = await openRaster(await openFile(dataPath(`lidar/pycrown/${name}.tif`))), { width, height, affine } = file.header;
  const { data, mask } = await file.readWindow([0], { col: 0, row: 0, width, height });
  await file.close();
  const col = Math.round(affine!.x0 - toMetres(PYCROWN_SHIFT.x)), row = -Math.round(affine!.y0 - toMetres(PYCROWN_SHIFT.y));
  return { lattice: anchoredLattice(1), window: { col, row, width, height }, data: Float32Array.from(data[0]!), mask };
}

export const movedOnTheirs = (points: Points): Points => ({ ...points, x: points.x.map((x) => x - PYCROWN_SHIFT.x), y: points.y.map((y) => y - PYCROWN_SHIFT.y) });

/** POINTS.laz holds heights, so their terrain is put under it again: bilinear between pixel centres. */
function withTerrain(points: Points, { window, data }: Raster): Points {
  const moved = movedOnTheirs(points), clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value));
  const z = moved.z.map((height, i) => {
    const across = clamp(toMetres(moved.x[i]!) - window.col - 0.5, window.width - 1.001), down = clamp(-toMetres(moved.y[i]!) - window.row - 0.5, window.height - 1.001);
    const c = Math.floor(across), r = Math.floor(down), at = r * window.width + c, [fx, fy] = [across - c, down - r];
    const upper = data[at]! * (1 - fx) + data[at + 1]! * fx, lower = data[at + window.width]! * (1 - fx) + data[at + window.width + 1]! * fx;
    return Math.round(height + toUnits(upper * (1 - fy) + lower * fy));
  });
  return { ...moved, z };
}
