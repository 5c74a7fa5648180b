// pipeline/reference-files.ts: what a reference file holds, and the polygons of an area. IO.
import type { MultiPolygon } from '../types.ts';
import { InvalidInput, UsageError } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { openCsv } from '../ingest/csv.ts';
import { isVectorPath, readPolygons } from '../ingest/vector.ts';
import type { LayerOptions } from '../ingest/vector.ts';

export type ReferenceKind = 'trees' | 'plots';

/** Columns that only trees have, and that only plots have. */
const OF_TREES = /^(tree_no|tree_id|species|dbh_cm|status|layer|crown_diameter_m|agb_kg)$/, OF_PLOTS = /^(radius_m|area_m2|stems_per_ha|basal_area_m2_per_ha|agb_t_per_ha)$/;

/**
 * Whether a file lists trees or plots, by its columns: a tree has a number, a species, a diameter, a status, a layer or a crown; a plot has a radius,
 * an area or figures per hectare. A polygon layer is plots; x, y and height_m alone are trees.
 *
 * @throws {InvalidInput} when the columns say neither
 */
export async function kindOfReference(path: string): Promise<ReferenceKind> {
  if (isVectorPath(path)) return 'plots';
  const names = await columnsOf(path);
  const isTree = names.some((name) => OF_TREES.test(name)), isPlot = names.some((name) => OF_PLOTS.test(name));
  if (isTree !== isPlot) return isTree ? 'trees' : 'plots';
  if (isTree && isPlot) throw new InvalidInput(`${path}: has columns of trees and of plots (${names.join(', ')}); give the plots in one file with --reference, their trees in another with --trees`, { source: path });
  if (names.includes('height_m')) return 'trees';
  throw new InvalidInput(`${path}: no reference: its columns are ${names.join(', ') || 'none'}; trees need x, y, height_m, plots need plot_id, x, y, radius_m`, { source: path });
}

async function columnsOf(path: string): Promise<string[]> {
  const source = await openFile(path);
  try {
    return (await openCsv(source)).columns;
  } finally {
    await source.close();
  }
}

/** The polygons of an area of reference in the survey's CRS, all features together. @throws {UsageError} for a layer without a polygon */
export async function readArea(path: string, options: LayerOptions): Promise<MultiPolygon> {
  const polygons: MultiPolygon = [];
  for await (const feature of readPolygons(path, options)) polygons.push(...feature.polygons);
  if (polygons.length === 0) throw new UsageError(`${path}: has no polygon; give the area in which every tree was mapped`, { source: path });
  return polygons;
}
