// pipeline/job-schema/inputs.ts: what the job file says of the files that a survey reads. Pure.
import { z } from 'zod';
import { date, epsg, files, name } from './keys.ts';

const LidarInput = z.strictObject({
  files,
  date,
  z: z.enum(['elevation', 'height']).default('elevation').describe('elevation above the datum, or height above ground where the points are normalised already'),
  drop: z.array(z.enum(['withheld', 'noise', 'overlap', 'synthetic'])).default(['withheld', 'noise']).describe('returns that are left out when a file is read'),
  crs: epsg.optional().describe('only what the files do not say'),
  z_unit: z.enum(['metre', 'foot', 'us-foot']).optional().describe('unit of the heights: only what the files do not say'),
  override: z.boolean().default(false).describe('take crs and z_unit even where the files say otherwise'),
});

const role = z.string().regex(/^[a-z][a-z0-9_]*$/, 'a role is a lower-case letter, then lower-case letters, digits or _');

const ImageInput = z.strictObject({
  files,
  date,
  bands: z.array(role).min(1).describe('the role of each band, in file order: red, green, blue, nir ... as models name them'),
  lattice: z.enum(['files', 'crs']).default('files').describe('files: the pixels that the files share; crs: resampled to a model\'s pixels, anchored to the origin of the survey\'s CRS, for files that share none, of another size or CRS'),
  resample: z.enum(['auto', 'bilinear', 'cubic', 'average']).default('auto').describe('with lattice: crs; auto averages to larger pixels and interpolates linearly to smaller ones'),
  gsd_m: z.number().positive().optional().describe('with lattice: crs and no model on the image: the pixels to resample to, metres'),
});

/** What a vector layer may be told that its file does not say. */
const layerKeys = {
  layer: z.string().min(1).optional().describe('the layer of a GeoPackage that has several'),
  crs: epsg.optional().describe('only what the file does not say'),
  override: z.boolean().default(false).describe('take crs even where the file says otherwise'),
};

const HeightInput = z.strictObject({
  files,
  date,
  crs: epsg.optional().describe('only what the files do not say'),
  z_unit: z.enum(['metre', 'foot', 'us-foot']).optional().describe('unit of the heights: only what the files do not say'),
  override: z.boolean().default(false).describe('take crs and z_unit even where the files say otherwise'),
  lattice: z.enum(['files', 'crs']).default('files').describe('files: the pixels that the files share; crs: resampled to pixels anchored to the origin of the survey\'s CRS, for files that share none or are in another CRS'),
});

const MaskInput = z.strictObject({ files, ...layerKeys });

const StandsInput = z.strictObject({
  file: z.string().min(1).describe('GeoJSON, GeoPackage, FlatGeobuf or Shapefile (zipped or not), in any CRS'),
  id: z.string().min(1).describe('the attribute that identifies a stand'),
  ...layerKeys,
});

const PlotsInput = z.strictObject({
  file: z.string().min(1).describe('CSV with plot_id, x, y, radius_m, or a polygon layer with plot_id'),
  trees: z.string().min(1).optional().describe('CSV with plot_id, tree_no, species, dbh_cm, height_m, status'),
  crs: epsg.optional().describe('of x, y in the CSV; default: the survey\'s'),
});

export const Inputs = z.strictObject({
  lidar: LidarInput.optional().describe('point clouds: LAS, LAZ, COPC'),
  chm: HeightInput.optional().describe('canopy height rasters made elsewhere: the source of trees where there is no lidar; beside it, a raster for models'),
  dtm: HeightInput.optional().describe('terrain rasters made elsewhere'),
  images: z.record(name, ImageInput).default({}).describe('orthophotos; the name is yours, and models say `on:` it'),
  mask: MaskInput.optional().describe('polygons in which nothing is reported: clouds, water'),
  stands: StandsInput.optional().describe('the stand layer'),
  plots: PlotsInput.optional().describe('field plots: for fits and evaluation'),
}).refine(({ lidar, chm, images }) => lidar !== undefined || chm !== undefined || Object.keys(images).length > 0, 'a survey needs at least one of lidar, chm and images');

export const Reference = z.strictObject({
  trees: z.string().min(1).optional().describe('CSV of mapped trees (x, y, height_m ...), or of the trees of plots'),
  plots: z.string().min(1).optional().describe('CSV with plot_id, x, y, radius_m, or a polygon layer with plot_id'),
  area: z.string().min(1).optional().describe('polygon layer within which every tree was mapped; not beside plots'),
  crs: epsg.optional().describe('of x, y in the CSV; default: the survey\'s'),
  min_dbh_cm: z.number().nonnegative().default(0).describe('least diameter of the plots\' trees: both sides are summed from it on'),
}).refine(({ trees, plots }) => trees !== undefined || plots !== undefined, 'name trees, plots or both')
  .refine(({ plots, area }) => plots === undefined || area === undefined, 'an area is for mapped trees without plots: plots state their own');
