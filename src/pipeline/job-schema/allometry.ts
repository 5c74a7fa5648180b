// pipeline/job-schema/allometry.ts: how the job file names allometric equations. Pure.
import { z } from 'zod';

export const Allometry = z.strictObject({
  dbh: z.string().default('jucker-2017').describe('equation for DBH from height and crown diameter: jucker-2017, or jucker-2017/nearctic-conifer and the like'),
  agb: z.string().default('jucker-2017').describe('equation for above-ground biomass'),
  group: z.strictObject({
    from: z.string().startsWith('stands.').optional().describe('the stand attribute that tells the species, as stands.species'),
    map: z.record(z.string(), z.enum(['gymnosperm', 'angiosperm'])).default({}),
    default: z.enum(['gymnosperm', 'angiosperm']).default('angiosperm'),
  }).prefault({}),
});
