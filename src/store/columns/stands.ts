// store/columns/stands.ts: tables of stands and openings. Data only.
import { column, optional, type Table } from './define.ts';

export const stand: Table = {
  meaning: 'One row per stand of the layer given by the user.',
  primaryKey: ['stand_id'],
  canonical: true,
  enforced: true,
  columns: [
    column('stand_id', 'VARCHAR', '', 'identifier of the stand'),
    column('attributes', 'JSON', '', 'the other attributes of the layer, as they came'),
    column('area_ha', 'DOUBLE', 'ha', 'area of the polygon'),
    column('geometry', 'MULTIPOLYGON', '', 'stand outline in the CRS of the survey'),
  ],
};

const shares = [
  column('source', 'VARCHAR', '', 'lidar, chm, or the name of a model: whose pixels are counted'),
  column('valid_m2', 'DECIMAL(18,6)', 'm2', 'area of the pixels with a value whose centre lies inside; the whole area is stand.area_ha'),
  optional('canopy_m2', 'DECIMAL(18,6)', 'm2', 'area of the valid pixels at 2 m or higher'),
  optional('crown_m2', 'DECIMAL(18,6)', 'm2', 'area of the valid pixels that belong to a crown'),
  optional('dead_m2', 'DECIMAL(18,6)', 'm2', 'area of the valid pixels that the model calls dead'),
  optional('stems', 'DECIMAL(38,9)', '1', 'integral of the density map, pixels cut at the border'),
  optional('agb_kg', 'DECIMAL(38,9)', 'kg', 'integral of the biomass map, pixels cut at the border'),
  optional('agb_sd_kg', 'DECIMAL(38,9)', 'kg', 'sum of the standard deviations of its pixels: their errors are taken as shared; NULL where the model gives none'),
  optional('volume_m3', 'DECIMAL(38,9)', 'm3', 'integral of the volume map, pixels cut at the border'),
  optional('volume_sd_m3', 'DECIMAL(38,9)', 'm3', 'sum of the standard deviations of its pixels'),
  optional('sd_void_m2', 'DECIMAL(18,6)', 'm2', 'area of the valid pixels whose deviation is missing: then there are no limits; NULL where the model gives none'),
];

export const standPart: Table = {
  meaning: 'Valid area and sums of each source in each stand: the exact sum of the shares of the tiles.',
  primaryKey: ['stand_id', 'source'],
  canonical: true,
  enforced: true,
  columns: [column('stand_id', 'VARCHAR', '', 'stand'), ...shares],
};

export const standOverlap: Table = {
  meaning: 'Pairs of stands that overlap: allowed, each stand has its own figures, and what they share counts in both.',
  primaryKey: ['stand_id', 'other_id'],
  canonical: true,
  enforced: true,
  columns: [
    column('stand_id', 'VARCHAR', '', 'stand'),
    column('other_id', 'VARCHAR', '', 'the other stand, later by its id'),
    column('area_m2', 'DECIMAL(18,6)', 'm2', 'area of the valid pixels of the canopy height model whose centre lies in both'),
  ],
};

export const surveyPart: Table = {
  meaning: 'Valid area and sums of each source over the whole survey, every pixel once: the exact sum of the tiles.',
  primaryKey: ['source'],
  canonical: true,
  enforced: true,
  columns: shares,
};

export const gap: Table = {
  meaning: 'One row per opening in the canopy of at least the minimum area (8-connected).',
  primaryKey: ['gap_id'],
  canonical: true,
  columns: [
    column('gap_id', 'VARCHAR', '', 'first pixel of the opening, row_col on the canopy height model'),
    column('x_m', 'DOUBLE', 'm', 'easting of the centre of the first pixel'),
    column('y_m', 'DOUBLE', 'm', 'northing of the centre of the first pixel'),
    column('area_m2', 'DECIMAL(18,6)', 'm2', 'area of the opening'),
    optional('geometry', 'MULTIPOLYGON', '', 'outline of the opening in the CRS of the survey'),
  ],
};

export const gapStand: Table = {
  meaning: 'The area that an opening has in a stand.',
  primaryKey: ['gap_id', 'stand_id'],
  canonical: true,
  columns: [
    column('gap_id', 'VARCHAR', '', 'opening'),
    column('stand_id', 'VARCHAR', '', 'stand'),
    column('area_m2', 'DECIMAL(18,6)', 'm2', 'area of the pixels of the opening whose centre lies in the stand'),
  ],
};
