// store/columns/survey.ts: tables that say where the figures come from. Data only.
import { column, optional, type Table } from './define.ts';

export const tile: Table = {
  meaning: 'One row per tile that was worked on.',
  primaryKey: ['tile'],
  canonical: false,
  columns: [
    column('tile', 'VARCHAR', '', 'lower-left corner in whole metres, x_y'),
    column('x0_m', 'DOUBLE', 'm', 'western edge of the core'),
    column('y0_m', 'DOUBLE', 'm', 'southern edge of the core'),
    column('x1_m', 'DOUBLE', 'm', 'eastern edge of the core'),
    column('y1_m', 'DOUBLE', 'm', 'northern edge of the core'),
    column('status', 'VARCHAR', '', 'done, or failed with the reason in the table void'),
    optional('valid_area_m2', 'DOUBLE', 'm2', 'area of the valid canopy-height pixels'),
    optional('points', 'BIGINT', '1', 'LiDAR returns in the core'),
    optional('trees', 'BIGINT', '1', 'trees whose apex lies in the core'),
  ],
};

export const voidTable: Table = {
  meaning: 'Missing data with its reason: never a zero.',
  primaryKey: [],
  canonical: false,
  columns: [
    optional('tile', 'VARCHAR', '', 'tile in which data are missing; NULL where it cannot be known'),
    column('source', 'VARCHAR', '', 'input, model or task that is missing'),
    column('reason', 'VARCHAR', '', 'why it is missing'),
    optional('area_m2', 'DOUBLE', 'm2', 'missing area; NULL where it cannot be known'),
    optional('geometry', 'MULTIPOLYGON', '', 'outline of the missing area where it is known'),
  ],
};

export const inputFile: Table = {
  meaning: 'One row per input file.',
  primaryKey: ['path'],
  canonical: false,
  columns: [
    column('input', 'VARCHAR', '', 'input of the job that the file belongs to: lidar, chm, stands ...'),
    column('path', 'VARCHAR', '', 'path relative to the job file'),
    column('fingerprint', 'VARCHAR', '', 'sha256 of the size and of 16 pieces of the file'),
    column('bytes', 'BIGINT', 'B', 'size of the file'),
    optional('points', 'BIGINT', '1', 'records by the header; NULL for rasters and vectors'),
    optional('crs', 'VARCHAR', '', 'coordinate reference system of the file'),
    optional('date_from', 'VARCHAR', '', 'first day on which it was taken, by the job file, else by the file; NULL where neither says'),
    optional('date_to', 'VARCHAR', '', 'last day on which it was taken'),
    column('status', 'VARCHAR', '', 'used or quarantined'),
    optional('reason', 'VARCHAR', '', 'why the file is quarantined'),
    optional('x0_m', 'DOUBLE', 'm', 'western edge of the file'),
    optional('y0_m', 'DOUBLE', 'm', 'southern edge of the file'),
    optional('x1_m', 'DOUBLE', 'm', 'eastern edge of the file'),
    optional('y1_m', 'DOUBLE', 'm', 'northern edge of the file'),
  ],
};

export const model: Table = {
  meaning: 'One row per model of the job.',
  primaryKey: ['model'],
  canonical: false,
  enforced: true,
  columns: [
    column('model', 'VARCHAR', '', 'name of the model in the job'),
    column('card_name', 'VARCHAR', '', 'name on the card'),
    column('version', 'VARCHAR', '', 'version on the card'),
    column('task', 'VARCHAR', '', 'density, detect, segment, classify, regress-raster or regress-table'),
    column('is_primary', 'BOOLEAN', '', 'the model of its task that the fixed columns take'),
    column('licence', 'VARCHAR', '', 'licence of the model'),
    column('sha256', 'VARCHAR', '', 'hash of the ONNX file'),
    optional('provider', 'VARCHAR', '', 'execution provider that really ran'),
    column('card', 'JSON', '', 'the whole card'),
    optional('match', 'JSON', '', 'the radiometric match that its images went through; NULL for none'),
    column('domain', 'JSON', '', 'what it was given and gave: mean, deviation, range of each band (after match and scale) and output, beside its card and the last run (docs/figures/models-domain.md)'),
    column('warnings', 'VARCHAR[]', '', 'what of it is not like its training images, or not like the last run'),
  ],
};

export const run: Table = {
  meaning: 'The run that made this database: one row.',
  primaryKey: ['run_id'],
  canonical: false,
  enforced: true,
  columns: [
    column('run_id', 'VARCHAR', '', 'UTC start and 8 hex digits of the hash of the plan'),
    column('survey', 'VARCHAR', '', 'name of the survey'),
    column('crs', 'VARCHAR', '', 'coordinate reference system of tables and rasters'),
    column('started_at', 'VARCHAR', '', 'start of the run, UTC, ISO 8601'),
    column('version', 'VARCHAR', '', 'version of Understory'),
    column('config_hash', 'VARCHAR', '', 'hash of the job'),
    column('tile_size_m', 'DOUBLE', 'm', 'side of a tile'),
    column('cell_size_m', 'DOUBLE', 'm', 'side of a cell of the area grid'),
    column('chm_resolution_m', 'DOUBLE', 'm', 'side of a pixel of the canopy height model'),
    optional('area_ha', 'DOUBLE', 'ha', 'area that the survey is meant to cover, by the job\'s area; NULL where it names none'),
    column('job', 'JSON', '', 'the job with its defaults'),
  ],
};

export const equation: Table = {
  meaning: 'One row per allometric equation that trees may get, with the errors that intervals are built on (docs/figures/intervals.md).',
  primaryKey: ['equation_id'],
  canonical: false,
  enforced: true,
  columns: [
    column('equation_id', 'VARCHAR', '', 'name of the equation; biomass on a predicted diameter has the names of both, joined by +'),
    column('gives', 'VARCHAR', '', 'what it predicts: dbh_cm or agb_kg'),
    column('needs', 'VARCHAR[]', '', 'what it takes of a tree'),
    optional('valid_range', 'VARCHAR', '', 'sizes that it or its errors were made from; a tree outside is flagged outside_equation; NULL where not known'),
    optional('sigma', 'DOUBLE', 'log scale', 'error of one tree; NULL where unknown'),
    optional('tau', 'DOUBLE', 'log scale', 'error shared by all trees of a survey; NULL where unknown, and then no stand interval can be given'),
    optional('square_factor', 'DOUBLE', '1', 'sum of observed D2 / sum of predicted D2 in the fit; NULL where unknown'),
    optional('dbh_exponent', 'DOUBLE', '1', 'how many times a biomass equation carries the errors of D, on the log scale; NULL where it takes no D'),
    optional('on_dbh_equation', 'VARCHAR', '', 'equation_id of the predicted D, whose errors are within sigma and tau; NULL where D is none or was measured'),
    column('source', 'VARCHAR', '', 'publication or fit that the equation and its errors come from'),
  ],
};

export const detection: Table = {
  meaning: 'How many trees the survey finds for each that stands on the field plots, by height; no row without plots. Stems are corrected by it.',
  primaryKey: ['layer'],
  canonical: false,
  enforced: true,
  columns: [
    column('layer', 'VARCHAR', '', 'all, or the name of a height class'),
    optional('from_m', 'DOUBLE', 'm', 'trees of this height or taller; NULL: no lower bound'),
    optional('to_m', 'DOUBLE', 'm', 'trees lower than this; NULL: no upper bound'),
    column('rate', 'DOUBLE', '1', 'trees found / trees that stand on the plots: false and missed trees are in it alike'),
    optional('log_error', 'DOUBLE', 'log scale', 'standard error of ln rate, by the differences between plots; NULL where unknown'),
    column('source', 'VARCHAR', '', 'plots that it was fitted on'),
  ],
};
