// pipeline/job-schema.ts: the job file's schema: the only definition of its keys, defaults, units and help texts. Pure.
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { PMF_DEFAULTS, SMRF_DEFAULTS } from '../cloud/ground.ts';

const metres = (what: string) => z.number().positive().describe(`${what}, metres`);
const files = z.array(z.string().min(1)).min(1).describe('paths or patterns, relative to the job file');
const epsg = z.string().regex(/^EPSG:\d{4,6}$/, 'write it as EPSG:32611').describe('a coordinate reference system by its EPSG code');
const name = z.string().regex(/^[a-z][a-z0-9_-]*$/, 'a name is a lower-case letter, then lower-case letters, digits, - or _');

/** The alternative that is meant where no method is named. */
const byDefault = <const T extends string>(method: T) => z.literal(method).optional().default(method as never);

const LidarInput = z.strictObject({
  files,
  z: z.enum(['elevation', 'height']).default('elevation').describe('elevation above the datum, or height above ground where the points are normalised already'),
  drop: z.array(z.enum(['withheld', 'noise', 'overlap', 'synthetic'])).default(['withheld', 'noise']).describe('returns that are left out when a file is read'),
  crs: epsg.optional().describe('only what the files do not say'),
  override: z.boolean().default(false).describe('take crs even where the files say otherwise'),
});

const ImageInput = z.strictObject({
  files,
  bands: z.array(z.enum(['red', 'green', 'blue', 'nir'])).min(1).describe('the role of each band, in file order'),
});

const StandsInput = z.strictObject({
  file: z.string().min(1).describe('GeoJSON in WGS 84 or in the survey\'s CRS'),
  id: z.string().min(1).describe('the attribute that identifies a stand'),
});

const Inputs = z.strictObject({
  lidar: LidarInput.describe('point clouds: LAS, LAZ, COPC'),
  images: z.record(name, ImageInput).default({}).describe('orthophotos; the name is yours, and models say `on:` it'),
  stands: StandsInput.optional().describe('the stand layer'),
});

const Noise = z.discriminatedUnion('method', [
  z.strictObject({ method: byDefault('none') }),
  z.strictObject({
    method: z.literal('voxels'), size_m: metres('edge of a voxel').default(5), min_points: z.int().positive().default(6).describe('a return stays when its voxel and the 26 around hold at least this many'),
  }),
  z.strictObject({
    method: z.literal('knn'), neighbours: z.int().positive().default(10), max_distance_m: metres('mean distance to the neighbours above which a return is noise').default(3),
    search_m: metres('how far neighbours are looked for').default(6),
  }),
]).describe('isolated returns to leave out');

const Ground = z.discriminatedUnion('method', [
  z.strictObject({ method: byDefault('auto') }),
  z.strictObject({ method: z.literal('classified') }),
  z.strictObject({
    method: z.literal('smrf'), cell_m: metres('cell').default(SMRF_DEFAULTS.cellM), window_m: metres('largest opening radius').default(SMRF_DEFAULTS.windowM),
    slope: z.number().positive().default(SMRF_DEFAULTS.slope), threshold_m: metres('height tolerance').default(SMRF_DEFAULTS.thresholdM),
    scalar: z.number().nonnegative().default(SMRF_DEFAULTS.scalar).describe('tolerance added for each metre that the ground rises in a metre'),
  }),
  z.strictObject({
    method: z.literal('pmf'), cell_m: metres('cell').default(PMF_DEFAULTS.cellM), max_window_cells: z.int().positive().default(PMF_DEFAULTS.maxWindowCells).describe('side of the largest opening, cells'),
    slope: z.number().positive().default(PMF_DEFAULTS.slope), initial_m: metres('first height threshold').default(PMF_DEFAULTS.initialThresholdM),
    max_m: metres('largest height threshold').default(PMF_DEFAULTS.maxThresholdM),
  }),
]).describe('which returns are ground; auto: class 2, or SMRF where the files carry no class 2');

const Chm = z.discriminatedUnion('method', [
  z.strictObject({
    method: byDefault('pit-free'), resolution_m: metres('pixel').default(0.5), max_edge_m: metres('longest edge of a triangle above the base layer').default(1.5),
    max_circumradius_m: metres('largest circumradius of a triangle').default(3), thresholds_m: z.array(z.number().nonnegative()).min(1).default([0, 2, 5, 10, 15]),
    pit_fill: z.boolean().default(false), smooth: z.enum(['none', 'mean', 'median', 'gaussian']).default('none'),
  }),
  z.strictObject({
    method: z.literal('p2r'), resolution_m: metres('pixel').default(0.5), sub_circle_m: z.number().nonnegative().default(0).describe('radius of the circle that a return covers, metres'),
    pit_fill: z.boolean().default(false), smooth: z.enum(['none', 'mean', 'median', 'gaussian']).default('none'),
  }),
]).describe('the canopy height model');

const Crowns = z.strictObject({
  method: z.enum(['watershed', 'dalponte', 'silva']).default('watershed'),
  max_radius_m: metres('farthest a crown reaches from its treetop').default(8),
});

const Model = z.strictObject({
  name: name.optional().describe('unique; default: the card\'s name'),
  use: z.string().min(1).describe('a name in models/, or a folder with a card'),
  on: name.describe('the image that it reads'),
  primary: z.boolean().optional().describe('which of several models of one task fills the fixed columns'),
});

const Allometry = z.strictObject({
  dbh: z.string().default('jucker-2017').describe('equation for DBH from height and crown diameter: jucker-2017, or jucker-2017/nearctic-conifer and the like'),
  agb: z.string().default('jucker-2017').describe('equation for above-ground biomass'),
  group: z.strictObject({
    from: z.string().startsWith('stands.').optional().describe('the stand attribute that tells the species, as stands.species'),
    map: z.record(z.string(), z.enum(['gymnosperm', 'angiosperm'])).default({}),
    default: z.enum(['gymnosperm', 'angiosperm']).default('angiosperm'),
  }).prefault({}),
});

const Export = z.strictObject({
  layer: z.enum(['trees', 'crowns', 'stands', 'cells', 'gaps', 'voids']),
  file: z.string().regex(/\.(geojson|csv)$/i, 'the ending names the format: .geojson or .csv').refine((file) => !isAbsolute(file) && !file.split(/[\\/]/).includes('..'), 'a file in exports/: no absolute path, no ..')
    .describe('written to exports/; the ending names the format'),
});

const Run = z.strictObject({
  engine: z.enum(['local']).default('local'),
  workers: z.union([z.literal('auto'), z.int().positive().max(256)]).default('auto').describe('child processes; auto: one a core'),
  memory_gb: z.number().positive().default(8).describe('for all processes together'),
  task_minutes: z.number().positive().default(60).describe('a task that takes longer is stopped and tried again'),
  providers: z.array(z.enum(['cuda', 'webgpu', 'cpu'])).min(1).default(['cpu']).describe('ONNX Runtime execution providers, tried in this order'),
});

/** Rasters that every survey has. */
const RESERVED_NAMES = new Set(['chm', 'dtm', 'valid_area']);

export const JobSchema = z.strictObject({
  survey: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a survey\'s name is letters, digits, dot, - and _').describe('the survey\'s name: the first part of every tree_id'),
  output: z.string().min(1).describe('the folder of the results'),
  roots: z.array(z.string()).default([]).describe('folders outside the job\'s own that it may read and write'),
  crs: epsg.optional().describe('the survey\'s CRS: projected, metres. Default: the inputs\' own'),
  settle_minutes: z.number().nonnegative().default(0).describe('files younger than this wait for the next run'),
  inputs: Inputs,
  tiles: z.strictObject({ size_m: z.int().positive().default(500).describe('edge of a tile, metres: changes speed and memory, never a result') }).prefault({}),
  noise: Noise.prefault({ method: 'none' }),
  ground: Ground.prefault({ method: 'auto' }),
  dtm: z.strictObject({
    resolution_m: metres('pixel').default(1), max_circumradius_m: metres('largest circumradius of a triangle').default(10),
    fill_radius_m: metres('how far from ground returns the terrain is filled in').default(20),
  }).prefault({}),
  chm: Chm.prefault({ method: 'pit-free' }),
  treetops: z.strictObject({
    min_height_m: metres('lowest treetop above ground').default(2),
    window: z.strictObject({ base_m: metres('at height 0').default(3), per_height: z.number().nonnegative().default(0.07), max_m: metres('at most').default(8.6) })
      .prefault({}).describe('diameter that a treetop must dominate: base_m + per_height x height, at most max_m'),
  }).prefault({}),
  crowns: Crowns.prefault({}),
  cells: z.strictObject({ size_m: metres('edge of a cell of the area grid').default(20) }).prefault({}),
  openings: z.strictObject({ below_m: metres('canopy lower than this is open').default(2), min_area_m2: z.number().nonnegative().default(10) }).prefault({}),
  models: z.array(Model).default([]),
  allometry: Allometry.prefault({}),
  exports: z.array(Export).default([]),
  run: Run.prefault({}),
}).superRefine((job, context) => {
  const wrong = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const multiple = (of: string, sizeM: number) => {
    if (Math.round(job.tiles.size_m * 1e5) % Math.round(sizeM * 1e5) !== 0) wrong(['tiles', 'size_m'], `${job.tiles.size_m} m is no multiple of ${of} (${sizeM} m); a tile holds whole cells and pixels`);
  };
  multiple('cells.size_m', job.cells.size_m);
  multiple('chm.resolution_m', job.chm.resolution_m);
  multiple('dtm.resolution_m', job.dtm.resolution_m);
  for (const [path, sizeM] of [['cells', job.cells.size_m], ['chm', job.chm.resolution_m], ['dtm', job.dtm.resolution_m]] as const) {
    if (Math.abs(sizeM * 2e4 - Math.round(sizeM * 2e4)) > 1e-6) wrong([path], `${sizeM} m is finer than coordinates are kept; use a multiple of 0.00005 m`);
  }
  job.models.forEach((model, i) => {
    const namesake = job.models.findIndex((other) => other.name !== undefined && other.name === model.name);
    if (namesake >= 0 && namesake < i) wrong(['models', i, 'name'], `two models are named ${model.name}; give each a name of its own`);
    if (!(model.on in job.inputs.images)) wrong(['models', i, 'on'], `no image is named ${model.on}; inputs.images has ${Object.keys(job.inputs.images).join(', ') || 'none'}`);
  });
  job.exports.forEach(({ file }, i) => {
    if (job.exports.findIndex((other) => other.file === file) < i) wrong(['exports', i, 'file'], `${file} is written twice; give each export a file of its own`);
  });
  job.models.forEach(({ name: own }, i) => {
    if (own !== undefined && RESERVED_NAMES.has(own)) wrong(['models', i, 'name'], `${own} is the name of another raster of the survey; choose another`);
  });
  if (job.allometry.group.from && !job.inputs.stands) wrong(['allometry', 'group', 'from'], 'needs inputs.stands');
});

/** A job with every default filled in. */
export type Job = z.infer<typeof JobSchema>;
