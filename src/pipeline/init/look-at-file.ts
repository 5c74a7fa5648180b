// pipeline/init/look-at-file.ts: what a file is, from its header and a few of its values; its name alone never decides. IO.
import { InvalidInput, IoError, messageOf } from '../../errors.ts';
import { openFile } from '../../files/byte-source.ts';
import { readLasFile, withFront } from '../../ingest/las-file.ts';
import { readFeatures } from '../../ingest/vector.ts';
import { lookAtRaster } from './look-at-raster.ts';
import { lookAtTable } from './look-at-table.ts';
import type { Sighting } from './sighting.ts';

/** How files of an ending are looked at. */
const LOOKS = new Map<string, (path: string, name: string) => Promise<Sighting>>([
  ...['las', 'laz'].map((ending) => [ending, lookAtCloud] as const),
  ...['tif', 'tiff'].map((ending) => [ending, lookAtRaster] as const),
  ...['geojson', 'json', 'gpkg', 'fgb', 'shp', 'zip'].map((ending) => [ending, lookAtLayer] as const),
  ['csv', lookAtTable],
]);

/** Files of survey data that are not read as they are, and how to bring them in. */
const CONVERT = new Map([
  ...['asc', 'img', 'vrt', 'jp2', 'ecw', 'sid', 'bil', 'nc'].map((ending) => [ending, 'rasters are read as GeoTIFF: gdal_translate -co TILED=YES -co COMPRESS=DEFLATE'] as const),
  ...['e57', 'ply', 'xyz', 'pts', 'pcd'].map((ending) => [ending, 'point clouds are read as LAS, LAZ or COPC: pdal translate'] as const),
  ...['kml', 'kmz', 'gml', 'dxf', 'tab'].map((ending) => [ending, 'layers are read as GeoPackage, GeoJSON, FlatGeobuf or Shapefile: ogr2ogr -f GPKG'] as const),
  ...['xlsx', 'xls', 'ods'].map((ending) => [ending, 'tables are read as CSV: save the sheet as one'] as const),
]);

const endingOf = (name: string): string => /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';

/** Whether a file of this name is worth a look or a word. */
export const isOfInterest = (name: string): boolean => LOOKS.has(endingOf(name)) || CONVERT.has(endingOf(name));

/**
 * What a file is.
 *
 * @param path  on disk
 * @param name  what the job file would call it: relative, with /
 */
export async function lookAtFile(path: string, name: string): Promise<Sighting> {
  const look = LOOKS.get(endingOf(name));
  if (!look) return { kind: 'unused', path: name, reason: CONVERT.get(endingOf(name)) ?? 'of no kind that is read' };
  try {
    return await look(path, name);
  } catch (error) {
    const isOfFile = error instanceof InvalidInput || error instanceof IoError || (error instanceof Error && 'syscall' in error); // a folder behind a link ...
    if (!isOfFile) throw error;
    return { kind: 'unused', path: name, reason: messageOf(error).replaceAll(`${path}: `, '').replaceAll(path, name) };
  }
}

async function lookAtCloud(path: string, name: string): Promise<Sighting> {
  const source = await openFile(path);
  try {
    const { header: { format, version, pointCount, crs } } = await readLasFile(await withFront(source));
    if (pointCount === 0) return { kind: 'unused', path: name, reason: 'holds no points' };
    return { kind: 'lidar', path: name, reason: `${format.toUpperCase()} ${version}, ${pointCount.toLocaleString('en-US')} points${crs === null ? ', states no CRS' : ''}` };
  } finally {
    await source.close();
  }
}

/** Features that are looked through for a field that is unique. */
const MAX_FEATURES = 50_000;
/** Names that say what a polygon layer is for. */
const USES = [['area', /(^|[^a-z])(area|aoi|extent|boundary|perimeter|outline)/i], ['mask', /(^|[^a-z])(mask|cloud|water|exclu)/i]] as const;

async function lookAtLayer(path: string, name: string): Promise<Sighting> {
  const values = new Map<string, Set<unknown>>();
  let features = 0, wgs84 = true;
  for await (const { properties, crs } of readFeatures(path)) {
    features++;
    wgs84 &&= crs.epsg === 4326;
    for (const [field, value] of Object.entries(properties)) if (isId(value)) values.set(field, (values.get(field) ?? new Set()).add(value));
    if (features >= MAX_FEATURES) break;
  }
  if (features === 0) return { kind: 'unused', path: name, reason: 'holds no polygons' };
  const fields = [...values.keys()], ids = fields.filter((field) => values.get(field)!.size === features).sort((a, b) => idRank(a) - idRank(b));
  const use = values.has('plot_id') ? 'plots' : USES.find(([, pattern]) => pattern.test(name))?.[0] ?? 'stands';
  return { kind: 'polygons', path: name, features, fields, ids, use, reason: `${features} polygon feature(s)${wgs84 ? ' in longitude and latitude' : ''}; fields ${fields.join(', ') || 'none'}` };
}

/** An area or a share differs from feature to feature too, and names none. */
const isId = (value: unknown): boolean => (typeof value === 'string' && value !== '') || (typeof value === 'number' && Number.isInteger(value));

const ID_NAMES = [/^(stand|bestand|parcel|compartment|comp|polygon|poly)_?(no|nr|id|num|number|key|code|name)$/i, /^(id|no|nr|number|code|key)$/i, /(_id|_no|_nr|_key|_code|id)$/i, /name/i];

function idRank(field: string): number {
  const rank = ID_NAMES.findIndex((pattern) => pattern.test(field));
  if (/^(fid|ogc_fid|objectid|gid)$/i.test(field)) return ID_NAMES.length; // numbered anew by each program that writes the file
  return rank < 0 ? ID_NAMES.length + 1 : rank;
}
