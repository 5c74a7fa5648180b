// pipeline/canopy.ts: from the points or the heights of a window to the DTM, CHM, crowns and cell metrics of a tile's core. Pure.
import type { Box, CellMetrics, Crown, Points, Raster, Tile, Treetop, Window } from '../types.ts';
import { canopyModel } from '../cloud/chm.ts';
import { surfaceRaster } from '../cloud/dtm.ts';
import { classifyGround } from '../cloud/ground.ts';
import { groundSurface } from '../cloud/ground-surface.ts';
import { cellMetrics } from '../cloud/metrics.ts';
import { noisePoints } from '../cloud/noise.ts';
import { heightsAboveGround } from '../cloud/normalise.ts';
import { insideBox, selectBytes, selectPoints } from '../cloud/select.ts';
import { growBox, holdsPoint } from '../geo/box.ts';
import { anchoredLattice, cropRaster, indexIn, pixelCount, windowOfBox, xOfCol, yOfRow } from '../geo/lattice.ts';
import { crownPixelCounts, growCrowns } from '../raster/crowns.ts';
import { smoothGaussian, smoothMean, smoothMedian } from '../raster/focal.ts';
import { fillPits } from '../raster/pit-fill.ts';
import { crownPolygons } from '../raster/polygonise.ts';
import { findTreetops } from '../raster/treetops.ts';
import { windowOfCore } from '../measure/window-of-core.ts';
import type { CanopyParams, CrownStageParams } from './canopy-params.ts';
import type { CanopyHalos, ChmHalos } from './halo.ts';
import { canopyHalos, chmHalos } from './halo.ts';

/** What `canopy` gives for a tile: its core and nothing else. */
export interface CanopyResult {
  crowns: Crown[];
  cells: CellMetrics[];
  chm: Raster;
  /** null where the points came normalised: the terrain is not known then */
  dtm: Raster | null;
  /** on the CHM's lattice: 1 where a crown covers the pixel, whoever owns its tree */
  crownMask: Uint8Array;
}

export interface CanopyRequest {
  /** points of the tile's core grown by `canopyHalos(params).points`, in the one order */
  points: Points;
  tile: Tile;
  params: CanopyParams;
  /** boxes of files that could not be read: nothing in them is known */
  unread?: readonly Box[];
  /** told after each stage, for the profile */
  lap?: (stage: string) => void;
}

/** Run the chain on one tile. The result in the core is that of the whole survey, bit for bit (LOCALITY: halos add up). */
export function computeCanopy({ points, tile, params, unread = [], lap = () => {} }: CanopyRequest): CanopyResult {
  const halos = canopyHalos(params);
  const known = withoutUnread(points, unread);
  const clean = withoutNoise(known, tile, params, halos);
  lap('noise');
  const { heights, isGround, dtm } = normalise(clean, tile, params, halos, lap);
  const resM = params.chm.resolutionM, wanted = windowOfBox(anchoredLattice(resM), growBox(tile.core, halos.surface));
  const surface = canopyModel(heights, wanted, params.chm);
  lap('chm');
  const grown = crownsOfSurface(surface, tile, params, halos, lap);
  const cells = cellMetrics(heights, windowOfBox(anchoredLattice(params.cellSizeM), tile.core), { cellSizeM: params.cellSizeM, isGround });
  lap('metrics');
  return { ...grown, cells, dtm };
}

export interface HeightsRequest {
  /** heights above ground over the tile's core grown by `chmHalos(params, resM).surface`, on their own lattice */
  surface: Raster;
  tile: Tile;
  params: CrownStageParams;
  lap?: (stage: string) => void;
}

/** Find the crowns of a tile on a CHM made elsewhere: the same as on the whole survey's CHM, bit for bit. There are no LiDAR metrics. */
export function computeCanopyOfHeights({ surface, tile, params, lap = () => {} }: HeightsRequest): Omit<CanopyResult, 'cells' | 'dtm'> {
  return crownsOfSurface(surface, tile, params, chmHalos(params, surface.lattice.resM), lap);
}

/** From the unfiltered CHM to the crowns of the core. A pixel of any lattice is the core's that holds its centre. */
function crownsOfSurface(surface: Raster, tile: Tile, params: CrownStageParams, halos: ChmHalos, lap: (stage: string) => void): Omit<CanopyResult, 'cells' | 'dtm'> {
  const chm = filteredSurface(surface, windowOfBox(surface.lattice, growBox(tile.core, halos.crowns)), params);
  lap('filter');
  const tops = findTreetops(chm, params.treetops);
  lap('treetops');
  const labels = growCrowns(chm, tops, params.crowns);
  lap('crowns');
  const core = windowOfCore(chm.lattice, tile.core);
  const crowns = ownCrowns(chm, labels, tops, tile, halos);
  lap('polygons');
  return { crowns, chm: cropRaster(chm, core), crownMask: maskOfCrowns(labels, chm.window, core) };
}

function withoutUnread(points: Points, unread: readonly Box[]): Points {
  if (unread.length === 0) return points;
  const keep = new Uint8Array(points.count).fill(1);
  for (const box of unread) insideBox(points, box).forEach((inside, i) => { if (inside) keep[i] = 0; });
  return selectPoints(points, keep);
}

function withoutNoise(points: Points, tile: Tile, params: CanopyParams, halos: CanopyHalos): Points {
  if (params.noise === null) return points;
  const noise = noisePoints(points, params.noise), keep = insideBox(points, growBox(tile.core, halos.clean));
  for (let i = 0; i < keep.length; i++) if (noise[i]) keep[i] = 0;
  return selectPoints(points, keep);
}

interface Normalised {
  /** points of the window that the CHM needs, z above ground; NaN where the ground is a void */
  heights: Points;
  isGround: Uint8Array;
  dtm: Raster | null;
}

function normalise(points: Points, tile: Tile, params: CanopyParams, halos: CanopyHalos, lap: (stage: string) => void): Normalised {
  const near = insideBox(points, growBox(tile.core, halos.heights));
  if (params.normalised) {
    const heights = selectPoints(points, near);
    return { heights, isGround: Uint8Array.from(heights.classification, (c) => (c === 2 ? 1 : 0)), dtm: null };
  }
  const isGround = classifyGround(points, params.ground);
  const inReach = insideBox(points, growBox(tile.core, halos.ground));
  lap('ground');
  const surface = groundSurface(points, isGround.map((ground, i) => ground & inReach[i]!), params.dtm);
  const dtm = surfaceRaster(surface, windowOfBox(anchoredLattice(params.dtm.resolutionM), tile.core), params.dtm.resolutionM);
  lap('dtm');
  const window = selectPoints(points, near);
  const heights = { ...window, z: heightsAboveGround(window, surface).z };
  lap('normalise');
  return { heights, isGround: selectBytes(isGround, near), dtm };
}

/** The CHM that treetops and crowns look at: filtered, over the core grown by the crowns' halo. */
function filteredSurface(surface: Raster, wanted: Window, params: CrownStageParams): Raster {
  let chm = surface;
  if (params.pitFill) chm = fillPits(chm);
  if (params.smooth === 'mean') chm = smoothMean(chm, { radiusPx: 1 });
  if (params.smooth === 'median') chm = smoothMedian(chm, { radiusPx: 1 });
  if (params.smooth === 'gaussian') chm = smoothGaussian(chm, { sigmaPx: 0.7, radiusPx: 1 });
  return cropRaster(chm, wanted);
}

/** Crowns whose apex lies in the half-open core, in raster order. */
function ownCrowns(chm: Raster, labels: Int32Array, tops: readonly Treetop[], tile: Tile, halos: ChmHalos): Crown[] {
  const { lattice, window } = chm, pixelM2 = lattice.resM ** 2;
  const own = new Map<number, Treetop>();
  tops.forEach((top, i) => {
    if (holdsPoint(tile.core, xOfCol(lattice, top.col), yOfRow(lattice, top.row))) own.set(i + 1, top);
  });
  const polygons = crownPolygons(labels, window, lattice, new Set(own.keys())), pixels = crownPixelCounts(labels, tops.length);
  const voidNear = voidFinder(chm, Math.floor(halos.reach / lattice.resM));
  return [...own].map(([label, { col, row, heightM }]) => ({
    col, row, xM: xOfCol(lattice, col), yM: yOfRow(lattice, row), heightM,
    areaM2: pixels[label - 1]! * pixelM2, polygon: polygons.get(label)!, flags: voidNear(col, row) ? ['near_void'] : [],
  }));
}

/** Answers whether a void lies in the square of `reachPx` around a pixel, by sums over rectangles. */
function voidFinder({ window, mask }: Raster, reachPx: number): (col: number, row: number) => boolean {
  const { width, height } = window, stride = width + 1, sums = new Uint32Array(stride * (height + 1));
  for (let r = 0; r < height; r++) {
    for (let c = 0, line = 0; c < width; c++) {
      line += mask[r * width + c] ? 0 : 1;
      sums[(r + 1) * stride + c + 1] = sums[r * stride + c + 1]! + line;
    }
  }
  return (col, row) => {
    const c0 = Math.max(0, col - window.col - reachPx), c1 = Math.min(width, col - window.col + reachPx + 1);
    const r0 = Math.max(0, row - window.row - reachPx), r1 = Math.min(height, row - window.row + reachPx + 1);
    return sums[r1 * stride + c1]! - sums[r0 * stride + c1]! - sums[r1 * stride + c0]! + sums[r0 * stride + c0]! > 0;
  };
}

function maskOfCrowns(labels: Int32Array, window: Window, core: Window): Uint8Array {
  const mask = new Uint8Array(pixelCount(core));
  for (let row = core.row, i = 0; row < core.row + core.height; row++) {
    for (let col = core.col; col < core.col + core.width; col++, i++) if (labels[indexIn(window, col, row)]! > 0) mask[i] = 1;
  }
  return mask;
}
