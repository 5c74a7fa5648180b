// pipeline/mask-survey.ts: the map of a model in a survey against a mask drawn over its ground. IO.
import { join } from 'node:path';
import type { Box, Lattice, Raster } from '../types.ts';
import { InvalidInput, UsageError } from '../errors.ts';
import { mapOnMask } from '../evaluate/mask-on-map.ts';
import type { DrawnPlace } from '../evaluate/mask-on-map.ts';
import { greedyDifference } from '../evaluate/points.ts';
import { scoreMasks } from '../evaluate/masks.ts';
import { openFile } from '../files/byte-source.ts';
import { exists } from '../files/exists.ts';
import type { Crs } from '../geo/crs.ts';
import { pixelCount, windowOfBox } from '../geo/lattice.ts';
import { roundTo } from '../geo/units.ts';
import { openRaster } from '../ingest/geotiff-reader.ts';
import type { RasterFile } from '../ingest/geotiff-reader.ts';
import type { DuckDBConnection } from '../store/duck.ts';
import type { PictureRow } from './pictures.ts';

/** A drawn mask is read whole: some bytes a pixel. */
const MOST_PIXELS = 1e8;

/** True for a reference that is a raster: a drawn mask. */
export const isMaskPath = (path: string): boolean => /\.tiff?$/i.test(path);

/**
 * Compare the map of a segmenting model in a survey (rasters/MODEL.tif, at the threshold that the run used) with a drawn mask.
 *
 * Each pixel of the mask takes the map's pixel that holds its centre. Voids of either count for neither. Figures are those of a picture's masks without `tree_*`:
 * objects that a LiDAR crown covers are no trees of the model in an inventory. One mask is one place: there are no limits.
 *
 * @param reference  GeoTIFF in the survey's CRS: what is not 0 in its first band is drawn
 * @throws {UsageError} when the inventory has no such model, or it makes no map of objects; {InvalidInput} for a mask of another CRS, without a place, whose
 *   nodata is 0, larger than 1e8 pixels, or beside the map
 */
export async function evaluateModelMap(connection: DuckDBConnection, model: string, reference: string, { output, surveyCrs }: { output: string; surveyCrs: Crs }): Promise<{ rows: PictureRow[]; notes: string[] }> {
  const { threshold, min_area_m2: minAreaM2 } = await postOf(connection, model), drawn = await readDrawn(reference, surveyCrs), map = await readMap(join(output, 'rasters', `${model}.tif`), boxOf(drawn.place));
  const { valid, found } = mapOnMask(map, drawn.place, threshold), judged = valid.map((each, i) => each & drawn.valid[i]!), judgedPx = judged.reduce((sum, each) => sum + each, 0);
  if (judgedPx === 0) throw new InvalidInput(`${reference}: no pixel of it lies on valid pixels of the map of ${model}; is it of this survey?`, { source: reference });
  const scores = scoreMasks([{ picture: model, unit: model, strata: [], width: drawn.place.width, resM: drawn.place.resM, valid: judged, found, reference: drawn.mask, own: null }], { minAreaM2 });
  const share = roundTo((100 * judgedPx) / judged.length, 1), difference = greedyDifference(scores);
  const rows = scores.filter(({ stratum, metric }) => stratum === 'all' && !metric.startsWith('tree_')).map((score): PictureRow => ({ reference, of: 'masks', ...score, value: rounded(score.value), lo: rounded(score.lo), hi: rounded(score.hi) }));
  return { rows, notes: [`the map of ${model} from ${threshold} on, over ${share} % of the mask's pixels: the rest is void in one of them`, ...(difference === null ? [] : [`masks: ${difference}`])] };
}

const rounded = (value: number | null): number | null => (value === null ? null : roundTo(value, 6));
const boxOf = ({ x0M, y0M, resM, width, height }: DrawnPlace): Box => ({ x0: x0M, y0: y0M - height * resM, x1: x0M + width * resM, y1: y0M });

/** What the run's card says of the model's objects. */
async function postOf(connection: DuckDBConnection, model: string): Promise<{ threshold: number; min_area_m2: number }> {
  const found = (await connection.runAndReadAll(`SELECT model, task, card->>'$.post.threshold', card->>'$.post.min_area_m2' FROM model ORDER BY model`)).getRowsJS(), own = found.find(([name]) => name === model);
  if (!own) throw new UsageError(`--of ${model}: the inventory has no model ${model}; it has ${found.map(([name]) => String(name)).join(', ') || 'none'}`, { source: model });
  if (own[1] !== 'segment' || own[2] === null) throw new UsageError(`--of ${model}: is a model of task ${String(own[1])} and makes no map of objects; a mask compares with those of segment, points (CSV) or crowns (polygons) with the others`, { source: model });
  return { threshold: Number(own[2]), min_area_m2: Number(own[3] ?? 0) };
}

interface Drawn {
  place: DrawnPlace;
  mask: Uint8Array;
  valid: Uint8Array;
}

async function readDrawn(path: string, surveyCrs: Crs): Promise<Drawn> {
  const file = await openRaster(await openFile(path));
  try {
    const { width, height, nodata, epsg } = file.header, { resM, x0M, y0M } = latticeOf(file, path);
    if (epsg !== null && epsg !== surveyCrs.epsg) throw new InvalidInput(`${path}: is in EPSG:${epsg}, the survey in EPSG:${surveyCrs.epsg}; bring it there: gdalwarp -r near -t_srs EPSG:${surveyCrs.epsg} ${path} mask.tif`, { source: path, epsg });
    if (nodata === 0) throw new InvalidInput(`${path}: its nodata is 0, so that no pixel of it says "not drawn"; take it away: gdal_edit.py -unsetnodata ${path}`, { source: path });
    if (width * height > MOST_PIXELS) throw new InvalidInput(`${path}: has ${width * height} pixels, more than ${MOST_PIXELS}; cut it into pieces and score each`, { source: path });
    const { data, mask } = await file.readWindow([0], { col: 0, row: 0, width, height });
    return { place: { x0M, y0M, resM, width, height }, mask: Uint8Array.from(data[0]!, (value) => (value === 0 ? 0 : 1)), valid: mask };
  } finally {
    await file.close();
  }
}

/** The map within a box, on the lattice whose pixel (0, 0) is the file's first. */
async function readMap(path: string, box: Box): Promise<Raster> {
  if (!(await exists(path))) throw new InvalidInput(`${path}: the run has left no such map in one file; run the job, or above 4 GB cut it out of the tiles beside it`, { source: path });
  const file = await openRaster(await openFile(path));
  try {
    const lattice = latticeOf(file, path), window = windowOfBox(lattice, box);
    if (pixelCount(window) > MOST_PIXELS) throw new InvalidInput(`${path}: the mask covers ${pixelCount(window)} pixels of it, more than ${MOST_PIXELS}; cut the mask into pieces and score each`, { source: path });
    const { data, mask } = await file.readWindow([0], window);
    return { lattice, window, data: Float32Array.from(data[0]!), mask };
  } finally {
    await file.close();
  }
}

function latticeOf({ header: { affine } }: RasterFile, path: string): Lattice {
  if (affine === null || affine.resX !== affine.resY) throw new InvalidInput(`${path}: has no place on the ground, or pixels that are no squares; write it as a GeoTIFF of square pixels in the CRS of the survey`, { source: path });
  return { resM: affine.resX, x0M: affine.x0, y0M: affine.y0 };
}
