// store/columns/reference.ts: tables of field plots and of what evaluation makes of them. Data only.
import { column, optional, type Table } from './define.ts';

export const plot: Table = {
  meaning: 'One row per field plot given by the user.',
  primaryKey: ['plot_id'],
  canonical: true,
  enforced: true,
  columns: [
    column('plot_id', 'VARCHAR', '', 'identifier of the plot'),
    column('x_m', 'DOUBLE', 'm', 'easting of the centre in the CRS of the survey: of the circle, or of the box of the polygon'),
    column('y_m', 'DOUBLE', 'm', 'northing of the centre in the CRS of the survey'),
    optional('radius_m', 'DOUBLE', 'm', 'radius of the circle; NULL where the plot is a polygon'),
    column('area_ha', 'DOUBLE', 'ha', 'area of the plot'),
    optional('stems_per_ha', 'DOUBLE', '1/ha', 'stems per hectare as measured; NULL where only its trees were'),
    optional('basal_area_m2_per_ha', 'DOUBLE', 'm2/ha', 'basal area as measured'),
    optional('height_m', 'DOUBLE', 'm', 'mean height of the trees as measured'),
    optional('agb_t_per_ha', 'DOUBLE', 't/ha', 'dry biomass above ground as measured'),
    optional('geometry', 'MULTIPOLYGON', '', 'plot outline in the CRS of the survey; NULL where the plot is a circle'),
  ],
};

export const plotTree: Table = {
  meaning: 'One row per tree measured on the ground, in a plot or in a list of mapped trees.',
  primaryKey: [], // a list of mapped trees has no plots
  canonical: true,
  columns: [
    optional('plot_id', 'VARCHAR', '', 'plot of the tree; NULL in a list of mapped trees without plots'),
    column('tree_no', 'VARCHAR', '', 'number of the tree in its plot or list'),
    optional('x_m', 'DOUBLE', 'm', 'easting of the stem in the CRS of the survey; NULL where it was not mapped'),
    optional('y_m', 'DOUBLE', 'm', 'northing of the stem in the CRS of the survey'),
    optional('species', 'VARCHAR', '', 'species as written in the field'),
    optional('dbh_cm', 'DOUBLE', 'cm', 'stem diameter at 1.3 m as measured'),
    optional('height_m', 'DOUBLE', 'm', 'height as measured'),
    optional('crown_diameter_m', 'DOUBLE', 'm', 'diameter of the crown as measured'),
    optional('agb_kg', 'DOUBLE', 'kg', 'dry biomass above ground as given'),
    column('status', 'VARCHAR', '', 'alive, dead or unknown'),
    optional('layer', 'VARCHAR', '', 'canopy layer as written in the field'),
  ],
};

export const evaluation: Table = {
  meaning: 'How well the inventory agrees with references, one score a row. docs/figures/evaluation.md says how each is made.',
  primaryKey: ['reference', 'of', 'stratum', 'metric'],
  canonical: false,
  columns: [
    column('reference', 'VARCHAR', '', 'file that holds the reference'),
    column('of', 'VARCHAR', '', 'trees: each one matched with the inventory; plots: sums of whole plots'),
    column('stratum', 'VARCHAR', '', 'all, layer:dominant, height:10-15 (10 m and taller, below 15 m), plot:ID ...'),
    column('metric', 'VARCHAR', '', 'what is scored, with its unit: recall, height_rmse_m, agb_t_per_ha_bias ...; biases are inventory minus reference'),
    optional('value', 'DOUBLE', 'of the metric', 'score'),
    optional('lo', 'DOUBLE', 'of the metric', 'lower limit, 95 %, by 2000 resamples of whole plots, or of blocks of 50 m (seed 20260701); NULL below 5 of them'),
    optional('hi', 'DOUBLE', 'of the metric', 'upper limit, 95 %'),
    column('n', 'BIGINT', '1', 'trees or plots that the score rests on'),
  ],
};
