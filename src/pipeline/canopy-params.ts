// pipeline/canopy-params.ts: the job's keys for `canopy` as the kernels want them. Pure.
import type { ChmParams } from '../cloud/chm.ts';
import type { DtmParams } from '../cloud/dtm.ts';
import { PMF_DEFAULTS, SMRF_DEFAULTS } from '../cloud/ground.ts';
import type { GroundParams } from '../cloud/ground.ts';
import type { NoiseParams } from '../cloud/noise.ts';
import type { CrownParams } from '../raster/crowns.ts';
import type { TreetopParams } from '../raster/treetops.ts';
import type { Job } from './job-schema.ts';

/** What is made of a canopy height model, whoever made it. */
export interface CrownStageParams {
  pitFill: boolean;
  smooth: Job['chm']['smooth'];
  treetops: TreetopParams;
  crowns: CrownParams;
}

/** Everything that decides the result of a canopy task beside its points: its part of the content key. */
export interface CanopyParams extends CrownStageParams {
  /** heights above ground come with the points */
  normalised: boolean;
  /** null: none */
  noise: NoiseParams | null;
  ground: GroundParams;
  dtm: DtmParams;
  chm: ChmParams;
  cellSizeM: number;
}

/** How many ground returns fill the terrain outside its TIN (FORMULAS: k 3). */
const FILL_NEIGHBOURS = 3;

/** What the job makes of a canopy height model. */
export function crownStageParams({ chm, treetops, crowns }: Job): CrownStageParams {
  const window = { baseM: treetops.window.base_m, perHeight: treetops.window.per_height, maxM: treetops.window.max_m };
  return {
    pitFill: chm.pit_fill, smooth: chm.smooth,
    treetops: { minHeightM: treetops.min_height_m, window },
    crowns: { method: crowns.method, maxRadiusM: crowns.max_radius_m, minHeightM: treetops.min_height_m, window },
  };
}

/** The kernels' parameters of a job with LiDAR. @param groundMethod what `ground: auto` came to */
export function canopyParams(job: Job, groundMethod: GroundParams['method']): CanopyParams {
  return {
    normalised: job.inputs.lidar?.z === 'height',
    noise: noiseParams(job.noise), ground: groundParams(job, groundMethod),
    dtm: { resolutionM: job.dtm.resolution_m, maxCircumradiusM: job.dtm.max_circumradius_m, fillRadiusM: job.dtm.fill_radius_m, fillNeighbours: FILL_NEIGHBOURS },
    chm: chmParams(job.chm), ...crownStageParams(job),
    cellSizeM: job.cells.size_m,
  };
}

function noiseParams(noise: Job['noise']): NoiseParams | null {
  if (noise.method === 'voxels') return { method: 'voxels', sizeM: noise.size_m, minPoints: noise.min_points };
  if (noise.method === 'knn') return { method: 'knn', k: noise.neighbours, maxDistanceM: noise.max_distance_m, searchM: noise.search_m };
  return null;
}

function groundParams({ ground, dtm }: Job, method: GroundParams['method']): GroundParams {
  const surface = { maxCircumradiusM: dtm.max_circumradius_m, fillRadiusM: dtm.fill_radius_m };
  if (ground.method === 'smrf') {
    return { ...SMRF_DEFAULTS, ...surface, cellM: ground.cell_m, windowM: ground.window_m, slope: ground.slope, thresholdM: ground.threshold_m, scalar: ground.scalar };
  }
  if (ground.method === 'pmf') {
    return { ...PMF_DEFAULTS, cellM: ground.cell_m, maxWindowCells: ground.max_window_cells, slope: ground.slope, initialThresholdM: ground.initial_m, maxThresholdM: ground.max_m };
  }
  return method === 'smrf' ? { ...SMRF_DEFAULTS, ...surface } : { method: 'classified' };
}

function chmParams(chm: Job['chm']): ChmParams {
  if (chm.method === 'p2r') return { method: 'p2r', resolutionM: chm.resolution_m, subCircleM: chm.sub_circle_m };
  return { method: 'pit-free', resolutionM: chm.resolution_m, maxEdgeM: chm.max_edge_m, maxCircumradiusM: chm.max_circumradius_m, thresholdsM: chm.thresholds_m };
}
