// ingest/plots.ts: field plots and the trees measured on them, in the survey's CRS, row by row. IO.
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import { openFile, type ByteSource } from '../files/byte-source.ts';
import { WGS84, crsFromEpsg, transformer, type Crs, type Transform } from '../geo/crs.ts';
import { bboxOf, polygonAreaM2 } from '../geo/polygon.ts';
import { toMetres, toUnits } from '../geo/units.ts';
import type { Plot, PlotTree, TreeStatus } from '../types.ts';
import { numberAt, openCsv, textAt, wrongValue, type CsvRow, type CsvTable } from './csv.ts';
import { PLOT_COLUMNS, PLOT_FIGURES, TREE_COLUMNS, checkColumns } from './plot-columns.ts';
import { isVectorPath, readPolygons, type LayerOptions, type PolygonFeature } from './vector.ts';

/** As for a layer; for a CSV `statedCrs` is that of x and y (default the survey's), while lon and lat are always WGS 84. */
export type PlotOptions = LayerOptions;

const isCsvPath = (path: string): boolean => /\.(?:csv|tsv|txt)$/i.test(path);

/**
 * Plots of a CSV (plot_id, x and y or lon and lat, radius_m or area_m2, and what was measured on the whole), or of a polygon layer
 * with a field plot_id; in the file's order, positions rounded to 1e-5 m. Memory holds one plot, and the ids.
 *
 * @throws {InvalidInput} naming file, line and column: a value that is no number, a decimal comma, a plot without place or size or
 *   with an id that stands twice, a column that is named otherwise; for a layer as `readPolygons`
 */
export async function* readPlots(from: ByteSource | string, options: PlotOptions): AsyncGenerator<Plot> {
  const name = typeof from === 'string' ? from : from.name, seen = new Map<string, string>();
  if (!isVectorPath(name) && !isCsvPath(name)) throw new UnsupportedInput(`${name}: plots are read from a CSV file, or from a polygon layer with a field plot_id (GeoPackage, GeoJSON, FlatGeobuf, Shapefile)`, { source: name });
  const plots = isVectorPath(name) ? plotsOfLayer(from, options) : withTable(from, (table) => plotsOfTable(table, options));
  for await (const { plot, where } of plots) {
    const first = seen.get(plot.plotId);
    if (first !== undefined) throw new InvalidInput(`${name}: ${first} and ${where} both have the plot_id ${plot.plotId}; a plot stands once`, { source: name, id: plot.plotId });
    seen.set(plot.plotId, where);
    yield plot;
  }
}

/**
 * Trees of plots, or a list of mapped trees without plots, of a CSV: plot_id, tree_no, species, dbh_cm, height_m, crown_diameter_m,
 * agb_kg, status, layer, x and y or lon and lat; in the file's order. What was not measured is null. Memory holds one tree, and the keys.
 *
 * @throws {InvalidInput} as `readPlots`; and for a tree_no that stands twice in a plot, a mapped tree without place
 */
export async function* readPlotTrees(from: ByteSource | string, options: PlotOptions): AsyncGenerator<PlotTree> {
  const name = typeof from === 'string' ? from : from.name;
  if (!isCsvPath(name)) throw new UnsupportedInput(`${name}: trees of plots are read from a CSV file; save the table as "CSV UTF-8"`, { source: name });
  yield* withTable(from, (table) => treesOfTable(table, options));
}

async function* withTable<T>(from: ByteSource | string, read: (table: CsvTable) => AsyncIterable<T>): AsyncGenerator<T> {
  const source = typeof from === 'string' ? await openFile(from) : from;
  try {
    yield* read(await openCsv(source));
  } finally {
    if (typeof from === 'string') await source.close();
  }
}

interface PlacedPlot {
  plot: Plot;
  /** `line 7`, `feature 3` */
  where: string;
}

async function* plotsOfTable(table: CsvTable, options: PlotOptions): AsyncGenerator<PlacedPlot> {
  const { name, columns } = table;
  tellUnread(name, checkColumns(name, columns, PLOT_COLUMNS, ['plot_id']), options);
  if (!columns.includes('radius_m') && !columns.includes('area_m2')) throw new InvalidInput(`${name}: has no column radius_m (or area_m2), the size of the plots; its columns are ${columns.join(', ')}`, { source: name, line: 1 });
  const placeOf = placeReader(table, options);
  if (placeOf === null) throw withoutPlace(table);
  for await (const row of table.rows()) {
    const plotId = textAt(row, 'plot_id'), place = placeOf(row);
    if (plotId === null) throw wrongValue(name, row, 'plot_id', 'is empty; a plot needs an id');
    if (place === null) throw wrongValue(name, row, columns.includes('x') ? 'x' : 'lon', 'is empty; a plot needs its place');
    const radiusM = radiusOf(name, row);
    const figures = PLOT_FIGURES.map((column) => notNegative(name, row, column));
    yield { plot: plotOf(plotId, { ...place, radiusM, polygons: null, areaHa: (Math.PI * radiusM * radiusM) / 10_000 }, figures), where: `line ${row.line}` };
  }
}

const plotOf = (plotId: string, shape: Pick<Plot, 'xM' | 'yM' | 'radiusM' | 'polygons' | 'areaHa'>, [stemsPerHa, basalAreaM2PerHa, heightM, agbTPerHa]: (number | null)[]): Plot =>
  ({ plotId, ...shape, stemsPerHa: stemsPerHa ?? null, basalAreaM2PerHa: basalAreaM2PerHa ?? null, heightM: heightM ?? null, agbTPerHa: agbTPerHa ?? null });

/** Radius of the circle, from radius_m or area_m2; both may stand if they agree within 1 %. */
function radiusOf(name: string, row: CsvRow): number {
  const radiusM = positive(name, row, 'radius_m'), areaM2 = positive(name, row, 'area_m2');
  if (radiusM === null && areaM2 === null) throw wrongValue(name, row, row.values.has('radius_m') ? 'radius_m' : 'area_m2', 'is empty; a plot needs its size');
  if (areaM2 === null) return radiusM!;
  const ofArea = Math.sqrt(areaM2 / Math.PI);
  if (radiusM === null) return ofArea;
  if (Math.abs((ofArea / radiusM) ** 2 - 1) > 0.01) throw wrongValue(name, row, 'area_m2', `${areaM2} m2 is not the area of a circle with radius_m ${radiusM} (${(Math.PI * radiusM ** 2).toFixed(1)} m2); correct one, or give the plot as a polygon in a layer`);
  return radiusM;
}

function notNegative(name: string, row: CsvRow, column: string): number | null {
  const value = numberAt(name, row, column);
  if (value !== null && value < 0) throw wrongValue(name, row, column, `${value} is below zero; leave it empty if it was not measured`);
  return value;
}

function positive(name: string, row: CsvRow, column: string): number | null {
  const value = notNegative(name, row, column);
  if (value === 0) throw wrongValue(name, row, column, '0 is no size of a plot');
  return value;
}

type PlaceReader = (row: CsvRow) => { xM: number; yM: number } | null;

/** How a table gives places: x and y, else lon and lat in WGS 84; null where it has no columns for them. */
function placeReader({ name, columns }: CsvTable, options: PlotOptions): PlaceReader | null {
  const has = (column: string): boolean => columns.includes(column);
  for (const [one, two] of [['x', 'y'], ['y', 'x'], ['lon', 'lat'], ['lat', 'lon']] as const) {
    if (has(one) && !has(two)) throw new InvalidInput(`${name}: has a column ${one}, but none ${two}; its columns are ${columns.join(', ')}`, { source: name, line: 1, column: two });
  }
  if (has('x') && has('lon')) options.onNote?.(`${name}: has x, y and lon, lat: x, y are read`);
  if (has('x')) return readerOf(name, ['x', 'y'], options.statedCrs ?? options.surveyCrs, options);
  return has('lon') ? readerOf(name, ['lon', 'lat'], crsFromEpsg(WGS84), options) : null;
}

function readerOf(name: string, [across, up]: [string, string], crs: Crs, { surveyCrs, onNote }: PlotOptions): PlaceReader {
  const transform: Transform = transformer(crs, surveyCrs), isLonLat = crs.unit === 'degree';
  let told = false;
  return (row) => {
    const x = numberAt(name, row, across), y = numberAt(name, row, up);
    if (x === null && y === null) return null;
    if (x === null || y === null) throw wrongValue(name, row, x === null ? across : up, `is empty, but ${x === null ? up : across} is not`);
    if (isLonLat && !(Math.abs(x) <= 180 && Math.abs(y) <= 90)) throw wrongValue(name, row, across, `${x}, ${y} is no longitude and latitude; check their order and the line \`crs\` of the input`);
    if (!told && crs.isProjected && Math.abs(x) <= 180 && Math.abs(y) <= 90) {
      onNote?.(`${name}: line ${row.line}: ${x}, ${y} look like degrees, but ${across}, ${up} are taken as EPSG:${crs.epsg} (${crs.name}); if they are degrees, name the columns lon, lat`);
      told = true;
    }
    const [tx, ty] = transform(x, y);
    return { xM: toMetres(toUnits(tx)), yM: toMetres(toUnits(ty)) };
  };
}

const withoutPlace = ({ name, columns }: CsvTable): InvalidInput =>
  new InvalidInput(`${name}: has no columns x, y (or lon, lat); its columns are ${columns.join(', ')}`, { source: name, line: 1 });

function tellUnread(name: string, unread: readonly string[], { onNote }: PlotOptions): void {
  if (unread.length > 0) onNote?.(`${name}: columns that are not read: ${unread.join(', ')}`);
}

async function* treesOfTable(table: CsvTable, options: PlotOptions): AsyncGenerator<PlotTree> {
  const { name, columns } = table, hasPlots = columns.includes('plot_id'), seen = new Map<string, number>();
  tellUnread(name, checkColumns(name, columns, TREE_COLUMNS, hasPlots ? ['tree_no'] : []), options);
  const placeOf = placeReader(table, options);
  if (!hasPlots && placeOf === null) throw new InvalidInput(`${name}: has no column plot_id, and no columns x, y (or lon, lat) to place its trees without plots; its columns are ${columns.join(', ')}`, { source: name, line: 1 });
  let count = 0;
  for await (const row of table.rows()) {
    count++;
    const plotId = textAt(row, 'plot_id'), treeNo = columns.includes('tree_no') ? textAt(row, 'tree_no') : String(count), place = placeOf?.(row) ?? null;
    if (hasPlots && plotId === null) throw wrongValue(name, row, 'plot_id', 'is empty; name the plot, or leave the column out in a list of mapped trees without plots');
    if (treeNo === null) throw wrongValue(name, row, 'tree_no', 'is empty; a tree needs its number within the plot');
    if (!hasPlots && place === null) throw wrongValue(name, row, columns.includes('x') ? 'x' : 'lon', 'is empty; a mapped tree without a plot needs its place');
    const key = JSON.stringify([plotId, treeNo]), first = seen.get(key);
    if (first !== undefined) throw wrongValue(name, row, 'tree_no', `${treeNo} stands in line ${first} too${plotId === null ? '' : `, in the same plot ${plotId}`}; number stems of one tree 17.1, 17.2`);
    seen.set(key, row.line);
    yield {
      plotId, treeNo, xM: place?.xM ?? null, yM: place?.yM ?? null, species: textAt(row, 'species'), dbhCm: notNegative(name, row, 'dbh_cm'), heightM: notNegative(name, row, 'height_m'),
      crownDiameterM: notNegative(name, row, 'crown_diameter_m'), agbKg: notNegative(name, row, 'agb_kg'), status: statusOf(name, row), layer: textAt(row, 'layer'),
    };
  }
}

const STATUS = new Map<string, TreeStatus>([['alive', 'alive'], ['live', 'alive'], ['living', 'alive'], ['green', 'alive'], ['dead', 'dead'], ['standing dead', 'dead'], ['dead standing', 'dead'], ['snag', 'dead'], ['unknown', 'unknown']]);

function statusOf(name: string, row: CsvRow): TreeStatus {
  const text = textAt(row, 'status');
  if (text === null) return 'unknown';
  const status = STATUS.get(text.toLowerCase());
  if (status !== undefined) return status;
  throw wrongValue(name, row, 'status', `'${text}' ${/^[\d.]+$/.test(text) ? 'may mean either' : 'is not known'}; write alive, dead or unknown`);
}

/** Polygons as plots. A Shapefile cuts names of fields to ten letters; they are known again by these. */
async function* plotsOfLayer(from: ByteSource | string, options: PlotOptions): AsyncGenerator<PlacedPlot> {
  const name = typeof from === 'string' ? from : from.name, known = ['plot_id', ...PLOT_FIGURES];
  let checked = false;
  for await (const { number, properties, polygons } of readPolygons(from, options)) {
    const values = new Map(Object.entries(properties).map(([field, value]) => [known.find((each) => each === field.toLowerCase() || (field.length === 10 && each.startsWith(field.toLowerCase()))) ?? field.toLowerCase(), value]));
    if (!checked) tellUnread(name, checkColumns(name, [...values.keys()], known, ['plot_id']), options);
    checked = true;
    const box = bboxOf(polygons)!, figures = PLOT_FIGURES.map((field) => figureOf(values.get(field), { name, number, field }));
    const shape = { xM: toMetres(toUnits((box.x0 + box.x1) / 2)), yM: toMetres(toUnits((box.y0 + box.y1) / 2)), radiusM: null, polygons, areaHa: polygonAreaM2(polygons) / 10_000 };
    yield { plot: plotOf(idOf(values.get('plot_id'), name, number), shape, figures), where: `feature ${number}` };
  }
}

function idOf(value: unknown, name: string, number: PolygonFeature['number']): string {
  if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  throw new InvalidInput(`${name}: feature ${number} has ${JSON.stringify(value)} as plot_id; give it a text or a number`, { source: name, feature: number });
}

function figureOf(value: unknown, { name, number, field }: { name: string; number: number; field: string }): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && value >= 0) return value;
  throw new InvalidInput(`${name}: feature ${number} has ${JSON.stringify(value)} as ${field}, which is no number from 0 on; leave it empty if it was not measured`, { source: name, feature: number, field });
}
