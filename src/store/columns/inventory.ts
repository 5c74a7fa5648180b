// store/columns/inventory.ts: tables of trees and cells. Data only.
import { METRICS } from '../../cloud/metric-names.ts';
import { column, optional, type Table } from './define.ts';

export const tree: Table = {
  meaning: 'One row per tree whose apex lies in the survey.',
  primaryKey: ['tree_id'],
  canonical: true,
  notHashed: ['tile'],
  columns: [
    column('tree_id', 'VARCHAR', '', 'survey:source:X_Y, the apex in whole centimetres'),
    column('tile', 'VARCHAR', '', 'tile whose core holds the apex: its lower-left corner'),
    column('source', 'VARCHAR', '', 'what found the tree: lidar, chm, or the name of a model'),
    column('x_m', 'DOUBLE', 'm', 'easting of the apex in the CRS of the survey'),
    column('y_m', 'DOUBLE', 'm', 'northing of the apex in the CRS of the survey'),
    column('lon', 'DOUBLE', 'degrees', 'longitude of the apex, WGS 84'),
    column('lat', 'DOUBLE', 'degrees', 'latitude of the apex, WGS 84'),
    optional('height_m', 'DOUBLE', 'm', 'height of the apex above ground'),
    optional('crown_area_m2', 'DOUBLE', 'm2', 'area of the crown seen from above'),
    optional('crown_diameter_m', 'DOUBLE', 'm', 'diameter of the circle of the same area as the crown'),
    optional('crown_volume_m3', 'DOUBLE', 'm3', 'volume between the crown surface and the crown base'),
    optional('crown_base_m', 'DOUBLE', 'm', 'height of the crown base above ground; NULL unless given'),
    optional('dbh_cm', 'DOUBLE', 'cm', 'stem diameter at 1.3 m, predicted by dbh_equation'),
    optional('dbh_cm_lo', 'DOUBLE', 'cm', 'lower limit of dbh_cm, 95 %'),
    optional('dbh_cm_hi', 'DOUBLE', 'cm', 'upper limit of dbh_cm, 95 %'),
    optional('agb_kg', 'DOUBLE', 'kg', 'dry biomass above ground, predicted by agb_equation'),
    optional('agb_kg_lo', 'DOUBLE', 'kg', 'lower limit of agb_kg, 95 %'),
    optional('agb_kg_hi', 'DOUBLE', 'kg', 'upper limit of agb_kg, 95 %'),
    optional('carbon_kg', 'DOUBLE', 'kg', 'carbon in the biomass above ground'),
    optional('dbh_equation', 'VARCHAR', '', 'equation_id that gave dbh_cm; NULL where it was measured or is missing'),
    optional('agb_equation', 'VARCHAR', '', 'equation_id that gave agb_kg'),
    optional('species_group', 'VARCHAR', '', 'angiosperm or gymnosperm'),
    column('status', 'VARCHAR', '', 'alive, dead or unknown'),
    optional('dead_fraction', 'DOUBLE', '1', 'share of the crown that is dead'),
    optional('confidence', 'DOUBLE', '1', 'confidence of the model that found the tree, 0 to 1; where it states none, of the next that sees it'),
    column('flags', 'VARCHAR[]', '', 'what to know before using the row: near_void ...; seen_by:MODEL for each model of points, boxes or dead trees that sees it beside its source'),
    optional('geometry', 'POLYGON', '', 'crown outline in the CRS of the survey'),
  ],
};

export const treeStand: Table = {
  meaning: 'Which tree stands in which stand: apex in polygon, half-open on borders. Stands may overlap.',
  primaryKey: ['stand_id', 'tree_id'],
  canonical: true,
  columns: [
    column('stand_id', 'VARCHAR', '', 'stand that holds the apex'),
    column('tree_id', 'VARCHAR', '', 'tree'),
  ],
};

const cellFixed = [
  column('cell_id', 'VARCHAR', '', 'lower-left corner in metres, x_y'),
  column('tile', 'VARCHAR', '', 'tile whose core holds the cell'),
  column('x_m', 'DOUBLE', 'm', 'easting of the cell centre in the CRS of the survey'),
  column('y_m', 'DOUBLE', 'm', 'northing of the cell centre in the CRS of the survey'),
  column('valid_area_m2', 'DOUBLE', 'm2', 'area of the valid canopy-height pixels in the cell'),
  optional('canopy_cover', 'DOUBLE', '1', 'share of the valid canopy-height pixels at 2 m or higher'),
  optional('low_share', 'DOUBLE', '1', 'share of the valid canopy-height pixels below 2 m, in openings of any area'),
  optional('stems_per_ha_image', 'DOUBLE', '1/ha', 'stems per hectare by the primary density model, over its own valid area'),
  optional('dead_cover', 'DOUBLE', '1', 'share of dead crowns by the primary model of dead trees, over its own valid area'),
  optional('agb_t_per_ha', 'DOUBLE', 't/ha', 'dry biomass above ground by the primary biomass model, over its own valid area'),
];

/** lidR's names of metrics that the table gives from elsewhere, or under the cell's own names. */
const cellMetrics = METRICS.filter((metric) => !cellFixed.some((fixed) => fixed.name === metric.name))
  .map((metric) => optional(metric.name, 'DOUBLE', metric.unit, metric.meaning));

export const cell: Table = {
  meaning: 'One row per cell of the area grid, anchored to the CRS origin, with LiDAR metrics under the names of lidR.',
  primaryKey: ['cell_id'],
  canonical: true,
  notHashed: ['tile'],
  columns: [...cellFixed, ...cellMetrics],
};

export const cellModel: Table = {
  meaning: 'What each model says about each cell.',
  primaryKey: ['cell_id', 'model', 'variable'],
  canonical: true,
  columns: [
    column('cell_id', 'VARCHAR', '', 'cell'),
    column('model', 'VARCHAR', '', 'name of the model in the job'),
    column('variable', 'VARCHAR', '', 'variable that the model gives'),
    optional('value', 'DOUBLE', 'of the variable', 'value in the cell; NULL where nothing is valid'),
    optional('sd', 'DOUBLE', 'of the variable', 'standard deviation of the value; NULL unless the model gives it'),
    column('valid_area_m2', 'DOUBLE', 'm2', 'area of the cell in which the model saw valid pixels'),
  ],
};
