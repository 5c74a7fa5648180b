// pipeline/job-schema.ts: the job file's schema: the only definition of its keys, defaults, units and help texts. Pure.
import { z } from 'zod';
import { Allometry } from './job-schema/allometry.ts';
import { Chm, Crowns, Ground, Noise } from './job-schema/canopy.ts';
import { Inputs, Reference } from './job-schema/inputs.ts';
import { epsg, metres } from './job-schema/keys.ts';
import { Model } from './job-schema/models.ts';
import { Export, Run } from './job-schema/run.ts';

/** Rasters that every survey has. */
const RESERVED_NAMES = new Set(['chm', 'dtm', 'valid_area']);

export const JobSchema = z.strictObject({
  survey: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a survey\'s name is letters, digits, dot, - and _').describe('the survey\'s name: the first part of every tree_id'),
  output: z.string().min(1).describe('the folder of the results'),
  roots: z.array(z.string()).default([]).describe('folders outside the job\'s own that it may read and write'),
  crs: epsg.optional().describe('the survey\'s CRS: projected, metres. Default: the inputs\' own'),
  area: z.string().min(1).optional().describe('polygon layer that bounds the survey: trees by apex, pixels by centre; what lies around it is read but not reported'),
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
    window: z.strictObject({ base_m: metres('at height 0').default(3), per_height: z.number().nonnegative().default(0.07).describe('metres wider for each metre of height'), max_m: metres('at most').default(8.6) })
      .prefault({}).describe('diameter that a treetop must dominate: base_m + per_height x height, at most max_m'),
  }).prefault({}),
  crowns: Crowns.prefault({}),
  cells: z.strictObject({ size_m: metres('edge of a cell of the area grid').default(20) }).prefault({}),
  openings: z.strictObject({ below_m: metres('canopy lower than this is open').default(2), min_area_m2: z.number().nonnegative().default(10).describe('smaller openings are not told') }).prefault({}),
  models: z.array(Model).default([]),
  allow_licences: z.array(z.string().min(1)).optional().describe('SPDX identifiers: models and their training data must have one of them; default: no gate'),
  allometry: Allometry.prefault({}),
  reference: Reference.optional().describe('what the inventory is compared with after each run: table evaluation'),
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
    const known = new Set([...Object.keys(job.inputs.images), 'chm', 'dtm', ...job.models.slice(0, i).flatMap((other) => other.name ?? [])]);
    for (const on of [model.on ?? []].flat()) if (!known.has(on)) wrong(['models', i, 'on'], `nothing is named ${on}; there are ${[...known].join(', ')} (models only above this one, by their name)`);
  });
  for (const image of Object.keys(job.inputs.images)) if (['lidar', 'chm', 'dtm', 'valid_area'].includes(image)) wrong(['inputs', 'images', image], `${image} is the name of another input; give the image another`);
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
