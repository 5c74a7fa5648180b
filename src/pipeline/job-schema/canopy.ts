// pipeline/job-schema/canopy.ts: how the job file names the methods from points to crowns. Pure.
import { z } from 'zod';
import { PMF_DEFAULTS, SMRF_DEFAULTS } from '../../cloud/ground.ts';
import { byDefault, metres } from './keys.ts';

export const Noise = z.discriminatedUnion('method', [
  z.strictObject({ method: byDefault('none') }),
  z.strictObject({
    method: z.literal('voxels'), size_m: metres('edge of a voxel').default(5), min_points: z.int().positive().default(6).describe('a return stays when its voxel and the 26 around hold at least this many'),
  }),
  z.strictObject({
    method: z.literal('knn'), neighbours: z.int().positive().default(10).describe('returns whose mean distance is taken'), max_distance_m: metres('mean distance to the neighbours above which a return is noise').default(3),
    search_m: metres('how far neighbours are looked for').default(6),
  }),
]).describe('isolated returns to leave out');

export const Ground = z.discriminatedUnion('method', [
  z.strictObject({ method: byDefault('auto') }),
  z.strictObject({ method: z.literal('classified') }),
  z.strictObject({
    method: z.literal('smrf'), cell_m: metres('cell').default(SMRF_DEFAULTS.cellM), window_m: metres('largest opening radius').default(SMRF_DEFAULTS.windowM),
    slope: z.number().positive().default(SMRF_DEFAULTS.slope).describe('steepest ground, metres up in a metre'), threshold_m: metres('height tolerance').default(SMRF_DEFAULTS.thresholdM),
    scalar: z.number().nonnegative().default(SMRF_DEFAULTS.scalar).describe('tolerance added for each metre that the ground rises in a metre'),
  }),
  z.strictObject({
    method: z.literal('pmf'), cell_m: metres('cell').default(PMF_DEFAULTS.cellM), max_window_cells: z.int().positive().default(PMF_DEFAULTS.maxWindowCells).describe('side of the largest opening, cells'),
    slope: z.number().positive().default(PMF_DEFAULTS.slope).describe('steepest ground, metres up in a metre'), initial_m: metres('first height threshold').default(PMF_DEFAULTS.initialThresholdM),
    max_m: metres('largest height threshold').default(PMF_DEFAULTS.maxThresholdM),
  }),
]).describe('which returns are ground; auto: class 2, or SMRF where the files carry no class 2');

export const Chm = z.discriminatedUnion('method', [
  z.strictObject({
    method: byDefault('pit-free'), resolution_m: metres('pixel').default(0.5), max_edge_m: metres('longest edge of a triangle above the base layer').default(1.5),
    max_circumradius_m: metres('largest circumradius of a triangle').default(3), thresholds_m: z.array(z.number().nonnegative()).min(1).default([0, 2, 5, 10, 15]).describe('heights from which a surface of its own is laid; the highest of all counts'),
    pit_fill: z.boolean().default(false).describe('raise pixels far below those around them (St-Onge 2008)'), smooth: z.enum(['none', 'mean', 'median', 'gaussian']).default('none').describe('a filter of 3 x 3 pixels before treetops are looked for'),
  }),
  z.strictObject({
    method: z.literal('p2r'), resolution_m: metres('pixel').default(0.5), sub_circle_m: z.number().nonnegative().default(0).describe('radius of the circle that a return covers, metres'),
    pit_fill: z.boolean().default(false).describe('raise pixels far below those around them (St-Onge 2008)'), smooth: z.enum(['none', 'mean', 'median', 'gaussian']).default('none').describe('a filter of 3 x 3 pixels before treetops are looked for'),
  }),
]).describe('the canopy height model');

export const Crowns = z.strictObject({
  method: z.enum(['watershed', 'dalponte', 'silva']).default('watershed').describe('how pixels are given to treetops'),
  max_radius_m: metres('farthest a crown reaches from its treetop').default(8),
});
