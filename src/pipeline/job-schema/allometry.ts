// pipeline/job-schema/allometry.ts: how the job file names allometric equations. Pure.
import { z } from 'zod';

const EQUATION = 'a published equation (jucker-2017/nearctic-conifer ...), a .json or .csv file of equations or of `understory fit`, or none';
const attribute = z.string().startsWith('stands.', 'write stands.<attribute>').describe('the attribute of the stand that decides, as stands.species');
const equation = z.string().min(1).describe(EQUATION);

/** One equation for all trees, or one by the stand's attribute, else by species group, else the default. */
const choice = (fallback: string, what: string) => z.union([equation, z.strictObject({
  from: attribute.optional(),
  map: z.record(z.string(), equation).default({}).describe('equation by the attribute\'s value'),
  gymnosperm: equation.optional().describe('of conifers that the map does not name'),
  angiosperm: equation.optional().describe('of broadleaves that the map does not name'),
  default: equation.optional().describe('of the other trees'),
})]).default(fallback).describe(`${what}: ${EQUATION}; or { gymnosperm: ..., angiosperm: ... }, or { from: stands.species, map: { fir: ... }, default: ... }`);

export const Allometry = z.strictObject({
  dbh: choice('jucker-2017', 'equation for stem diameter from height and crown diameter'),
  agb: choice('jucker-2017', 'equation for above-ground biomass; one that takes the stem diameter gets the predicted one, with its errors'),
  group: z.strictObject({
    from: attribute.optional(),
    map: z.record(z.string(), z.enum(['gymnosperm', 'angiosperm'])).default({}),
    default: z.enum(['gymnosperm', 'angiosperm']).default('angiosperm'),
  }).prefault({}).describe('species group of a tree'),
  wood_density: z.strictObject({
    default: z.number().positive().max(2, 'in g/cm3: 0.6, not 600').optional().describe('where the stand does not tell; without it such trees have no biomass'),
    from: attribute.optional(),
    map: z.record(z.string(), z.number().positive().max(2, 'in g/cm3: 0.6, not 600')).default({}),
  }).optional().describe('dry mass / green volume, g/cm3: for equations that need it, as chave-2014'),
  environmental_stress: z.number().min(-1).max(3).optional().describe('E of Chave et al. 2014 at the survey\'s place, for chave-2014/no-height'),
});
