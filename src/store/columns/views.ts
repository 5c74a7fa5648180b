// store/columns/views.ts: the columns of the views, with units and meanings. Data only; `store/sql/metrics.ts` says how each is made.
import { column, optional, type Column } from './define.ts';

const figures: readonly Column[] = [
  optional('area_ha', 'DOUBLE', 'ha', 'area: of the polygon for a stand, of the pixels for the survey'),
  column('valid_ha_lidar', 'DOUBLE', 'ha', 'area with a valid canopy height: what the figures from trees and canopy are divided by'),
  optional('valid_share', 'DOUBLE', '1', 'valid_ha_lidar / area_ha, at most 1'),
  optional('valid_ha_image', 'DOUBLE', 'ha', 'area seen by the primary density model; NULL without such a model'),
  optional('stems_per_ha', 'DOUBLE', '1/ha', 'trees found in the canopy per valid hectare, of any status, uncorrected'),
  optional('stems_per_ha_image', 'DOUBLE', '1/ha', 'integral of the primary density map per hectare that it saw'),
  optional('stems_per_ha_corrected', 'DOUBLE', '1/ha', 'stems per hectare that stand there: each tree found counts 1 / rate of table detection; NULL without plots'),
  optional('stems_per_ha_corrected_lo', 'DOUBLE', '1/ha', 'lower limit, 95 %, by the error of the rate'),
  optional('stems_per_ha_corrected_hi', 'DOUBLE', '1/ha', 'upper limit, 95 %'),
  optional('mean_height_m', 'DOUBLE', 'm', 'mean height of the trees'),
  optional('lorey_height_m', 'DOUBLE', 'm', 'mean height weighted by basal area; NULL where a tree lacks its diameter'),
  optional('dominant_height_m', 'DOUBLE', 'm', 'mean height of the ceil(100 x valid hectares) tallest trees, or of all where there are fewer'),
  optional('basal_area_m2_per_ha', 'DOUBLE', 'm2/ha', 'stem cross-section at 1.3 m, pi (D/200)^2 x square_factor of the equation (1 where unknown); NULL where a tree lacks its diameter'),
  optional('basal_area_m2_per_ha_lo', 'DOUBLE', 'm2/ha', 'lower limit, 95 %, by the errors of the equations (docs/figures/intervals.md); NULL where sigma, tau or square_factor of one is unknown'),
  optional('basal_area_m2_per_ha_hi', 'DOUBLE', 'm2/ha', 'upper limit, 95 %'),
  optional('qmd_cm', 'DOUBLE', 'cm', 'quadratic mean diameter, consistent with basal area and stems'),
  optional('agb_t_per_ha', 'DOUBLE', 't/ha', 'dry biomass above ground, sum of the trees; NULL where a tree lacks its biomass'),
  optional('agb_t_per_ha_lo', 'DOUBLE', 't/ha', 'lower limit, 95 %, by the errors of the equations; NULL where sigma or tau of one is unknown'),
  optional('agb_t_per_ha_hi', 'DOUBLE', 't/ha', 'upper limit, 95 %'),
  optional('agb_t_per_ha_cells', 'DOUBLE', 't/ha', 'dry biomass above ground by the primary biomass map, per hectare that it saw; NULL without such a model'),
  optional('agb_t_per_ha_cells_lo', 'DOUBLE', 't/ha', 'lower limit, 95 %, the errors of cells taken as shared; NULL where the model gives no deviation'),
  optional('agb_t_per_ha_cells_hi', 'DOUBLE', 't/ha', 'upper limit, 95 %'),
  optional('carbon_t_per_ha', 'DOUBLE', 't/ha', 'carbon in the biomass above ground; NULL where a tree lacks it'),
  optional('carbon_t_per_ha_lo', 'DOUBLE', 't/ha', 'lower limit, 95 %: that of the biomass, the carbon fraction taken as certain'),
  optional('carbon_t_per_ha_hi', 'DOUBLE', 't/ha', 'upper limit, 95 %'),
  optional('volume_m3_per_ha', 'DOUBLE', 'm3/ha', 'stem volume by the primary model that gives it, per hectare that it saw; NULL without one'),
  optional('volume_m3_per_ha_lo', 'DOUBLE', 'm3/ha', 'lower limit, 95 %, the errors of cells taken as shared; NULL where the model gives no deviation'),
  optional('volume_m3_per_ha_hi', 'DOUBLE', 'm3/ha', 'upper limit, 95 %'),
  optional('canopy_cover', 'DOUBLE', '1', 'share of the valid canopy-height pixels at 2 m or higher'),
  optional('crown_cover', 'DOUBLE', '1', 'share of the valid pixels that belong to a crown (union of crowns)'),
  optional('gap_share', 'DOUBLE', '1', 'share of the valid area in canopy openings of at least the minimum area'),
  optional('gap_count', 'BIGINT', '1', 'number of such openings that reach into the area'),
  optional('dead_share_stems', 'DOUBLE', '1', 'dead trees / trees of known status; NULL where no status is known'),
  optional('dead_share_crown_area', 'DOUBLE', '1', 'the same by crown area'),
  optional('dead_share_basal_area', 'DOUBLE', '1', 'the same by basal area'),
  optional('sdi', 'DOUBLE', '1/ha', 'stand density index by Reineke: stems per hectare x (qmd_cm / 25.4)^1.605'),
  column('flags', 'VARCHAR[]', '', 'what to know before using the row: mostly_void (less than half of it valid), overlaps (shares ground with another stand: table stand_overlap), counts_differ (stems of canopy and image differ by more than half of the larger), agb_differs (the map\'s biomass lies outside the interval of the trees\'), no_interval_basal_area, no_interval_agb (an error of an equation is unknown), trees_outside_equation (more than a tenth of the trees)'),
];

export interface View {
  readonly meaning: string;
  readonly canonical: boolean;
  readonly columns: readonly Column[];
}

export const standMetrics: View = {
  meaning: 'The figures of each stand. Every per-hectare figure divides by the valid hectares of its own source; nothing valid is NULL, never 0.',
  canonical: true,
  columns: [column('stand_id', 'VARCHAR', '', 'stand'), ...figures],
};

export const surveyMetrics: View = {
  meaning: 'The same figures for the whole survey, every tree and pixel once.',
  canonical: true,
  columns: figures,
};
