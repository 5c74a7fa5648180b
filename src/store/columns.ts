// store/columns.ts: every table, column, unit, meaning and key. Data only: DDL, Parquet, CSV, GeoJSON and docs/tables.md follow from it.
import { cell, cellModel, tree, treeStand } from './columns/inventory.ts';
import { cellLidar, crown, crownClass, imageBox, opening, openingEdge, openingStand } from './columns/internal.ts';
import { evaluation, plot, plotTree } from './columns/reference.ts';
import { gap, gapStand, stand, standOverlap, standPart, surveyPart } from './columns/stands.ts';
import { detection, equation, inputFile, model, run, tile, voidTable } from './columns/survey.ts';
import type { Table } from './columns/define.ts';

export type { Column, ColumnType, Table } from './columns/define.ts';
export { camelName, fieldName, snakeName, toFields } from './columns/define.ts';

/** Tables by name, in the order in which a reader meets them; internal ones last. */
export const TABLES = {
  tree,
  tree_stand: treeStand,
  cell,
  cell_model: cellModel,
  stand,
  stand_part: standPart,
  stand_overlap: standOverlap,
  survey_part: surveyPart,
  gap,
  gap_stand: gapStand,
  tile,
  void: voidTable,
  input_file: inputFile,
  model,
  run,
  equation,
  detection,
  plot,
  plot_tree: plotTree,
  evaluation,
  crown,
  cell_lidar: cellLidar,
  opening,
  opening_edge: openingEdge,
  opening_stand: openingStand,
  image_box: imageBox,
  crown_class: crownClass,
} satisfies Record<string, Table>;

export type TableName = keyof typeof TABLES;

/** The definition of a table. */
export const tableOf = (name: TableName): Table => TABLES[name];

/** Tables of the database, in order. */
export const DATABASE_TABLES: readonly TableName[] = (Object.keys(TABLES) as TableName[]).filter((name) => !tableOf(name).internal);
