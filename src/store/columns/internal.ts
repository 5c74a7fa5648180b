// store/columns/internal.ts: tables that pass between tasks inside parts and never reach the database. Data only.
import { METRICS } from '../../cloud/metric-names.ts';
import { column, optional, type Table } from './define.ts';

export const crown: Table = {
  meaning: 'Crowns as canopy finds them, by apex.',
  primaryKey: ['row', 'col'],
  canonical: false,
  internal: true,
  columns: [
    column('col', 'INTEGER', 'px', 'column of the apex on the canopy height model'),
    column('row', 'INTEGER', 'px', 'row of the apex, counted southward'),
    column('x_m', 'DOUBLE', 'm', 'easting of the apex'),
    column('y_m', 'DOUBLE', 'm', 'northing of the apex'),
    column('height_m', 'DOUBLE', 'm', 'height of the apex above ground'),
    column('area_m2', 'DOUBLE', 'm2', 'area of the crown'),
    column('flags', 'VARCHAR[]', '', 'near_void: the reach of the crown touches missing data'),
    column('geometry', 'POLYGON', '', 'pixel outline of the crown'),
  ],
};

export const cellLidar: Table = {
  meaning: 'LiDAR metrics of the cells of a core, as canopy computes them.',
  primaryKey: ['row', 'col'],
  canonical: false,
  internal: true,
  columns: [
    column('col', 'INTEGER', 'cell', 'column of the cell on the anchored lattice'),
    column('row', 'INTEGER', 'cell', 'row of the cell, counted southward'),
    ...METRICS.map((metric) => optional(metric.name, 'DOUBLE', metric.unit, metric.meaning)),
  ],
};

const first = [
  column('first_row', 'INTEGER', 'px', 'row of the first pixel of the piece'),
  column('first_col', 'INTEGER', 'px', 'column of the first pixel of the piece'),
];

export const opening: Table = {
  meaning: 'Pieces of canopy openings inside one core.',
  primaryKey: ['first_row', 'first_col'],
  canonical: false,
  internal: true,
  columns: [
    ...first,
    column('pixels', 'INTEGER', 'px', 'pixels of the piece'),
    column('geometry', 'MULTIPOLYGON', '', 'pixel outline of the piece'),
  ],
};

export const openingEdge: Table = {
  meaning: 'Runs of pixels of pieces of openings along the edges of a core, by which merge joins them.',
  primaryKey: ['side', 'from_px'],
  canonical: false,
  internal: true,
  columns: [
    column('side', 'VARCHAR', '', 'north, south, west or east edge of the core'),
    column('line', 'INTEGER', 'px', 'row of a northern or southern edge, column of a western or eastern one'),
    column('from_px', 'INTEGER', 'px', 'first column or row of the run'),
    column('to_px', 'INTEGER', 'px', 'last column or row of the run'),
    ...first,
  ],
};

export const openingStand: Table = {
  meaning: 'Pixels that a piece of an opening has in a stand.',
  primaryKey: ['first_row', 'first_col', 'stand_id'],
  canonical: false,
  internal: true,
  columns: [
    ...first,
    column('stand_id', 'VARCHAR', '', 'stand'),
    column('pixels', 'INTEGER', 'px', 'pixels of the piece whose centre lies in the stand'),
  ],
};

export const imageBox: Table = {
  meaning: 'Detections of a block, as its network gives them: suppression across patches comes later.',
  primaryKey: [],
  canonical: false,
  internal: true,
  columns: [
    column('x_m', 'DOUBLE', 'm', 'easting of the middle of the box'),
    column('y_m', 'DOUBLE', 'm', 'northing of the middle of the box'),
    column('x0_m', 'DOUBLE', 'm', 'western edge'),
    column('y0_m', 'DOUBLE', 'm', 'southern edge'),
    column('x1_m', 'DOUBLE', 'm', 'eastern edge'),
    column('y1_m', 'DOUBLE', 'm', 'northern edge'),
    column('score', 'DOUBLE', '1', 'score of the detection'),
    column('class_index', 'INTEGER', '', 'index in the classes of the card'),
    optional('geometry', 'POLYGON', '', 'outline of an instance\'s mask; NULL where the model gives boxes'),
  ],
};

export const crownClass: Table = {
  meaning: 'What a classifier says of the crowns of a tile; a crown that its pictures do not cover has no row.',
  primaryKey: ['row', 'col'],
  canonical: false,
  internal: true,
  columns: [
    column('col', 'INTEGER', 'px', 'column of the apex on the canopy height model'),
    column('row', 'INTEGER', 'px', 'row of the apex, counted southward'),
    column('class', 'VARCHAR', '', 'the best class'),
    column('probability', 'DOUBLE', '1', 'its probability'),
    column('probabilities', 'JSON', '', 'probability of each class'),
  ],
};
