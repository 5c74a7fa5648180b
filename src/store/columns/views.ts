// store/columns/views.ts: the columns of the views, with units and meanings. Data only; `store/sql/metrics.ts` says how each is made.
import { column, optional, type Column } from './define.ts';

const figures: readonly Column[] = [
  optional('area_ha', 'DOUBLE', 'ha', 'area: of the polygon for a stand, of the pixels for the survey'),
  column('valid_ha_lidar', 'DOUBLE', 'ha', 'area with a valid canopy height: what the figures from trees and canopy are divided by'),
  optional('valid_share', 'DOUBLE', '1', 'valid_ha_lidar / area_ha, at most 1'),
  optional('valid_ha_image', 'DOUBLE', 'ha', 'area seen by the primary density model; NULL without such a model'),
  optional('stems_per_ha', 'DOUBLE', '1/ha', 'trees found in the canopy per valid hectare, of any status, uncorrected'),
  optional('stems_per_ha_image', 'DOUBLE', '1/ha', 'integral of the primary density map per hectare that it saw'),
  optional('mean_height_m', 'DOUBLE', 'm', 'mean height of the trees'),
  optional('lorey_height_m', 'DOUBLE', 'm', 'mean height weighted by basal area; NULL where a tree lacks its diameter'),
  optional('dominant_height_m', 'DOUBLE', 'm', 'mean height of the ceil(100 x valid hectares) tallest trees, or of all where there are fewer'),
  optional('basal_area_m2_per_ha', 'DOUBLE', 'm2/ha', 'stem cross-section at 1.3 m, pi (D/200)^2 x square_factor of the equation (1 where unknown); NULL where a tree lacks its diameter'),
  optional('qmd_cm', 'DOUBLE', 'cm', 'quadratic mean diameter, consistent with basal area and stems'),
  optional('agb_t_per_ha', 'DOUBLE', 't/ha', 'dry biomass above ground, sum of the trees; NULL where a tree lacks its biomass'),
  optional('carbon_t_per_ha', 'DOUBLE', 't/ha', 'carbon in the biomass above ground; NULL where a tree lacks it'),
  optional('canopy_cover', 'DOUBLE', '1', 'share of the valid canopy-height pixels at 2 m or higher'),
  optional('crown_cover', 'DOUBLE', '1', 'share of the valid pixels that belong to a crown (union of crowns)'),
  optional('gap_share', 'DOUBLE', '1', 'share of the valid area in canopy openings of at least the minimum area'),
  optional('gap_count', 'BIGINT', '1', 'number of such openings that reach into the area'),
  optional('dead_share_stems', 'DOUBLE', '1', 'dead trees / trees of known status; NULL where no status is known'),
  optional('dead_share_crown_area', 'DOUBLE', '1', 'the same by crown area'),
  optional('dead_share_basal_area', 'DOUBLE', '1', 'the same by basal area'),
  optional('sdi', 'DOUBLE', '1/ha', 'stand density index by Reineke: stems per hectare x (qmd_cm / 25.4)^1.605'),
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
