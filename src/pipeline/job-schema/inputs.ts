// pipeline/job-schema/inputs.ts: what the job file says of the files that a survey reads. Pure.
import { z } from 'zod';
import { epsg, files, name } from './keys.ts';

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

export const Inputs = z.strictObject({
  lidar: LidarInput.describe('point clouds: LAS, LAZ, COPC'),
  images: z.record(name, ImageInput).default({}).describe('orthophotos; the name is yours, and models say `on:` it'),
  stands: StandsInput.optional().describe('the stand layer'),
});
