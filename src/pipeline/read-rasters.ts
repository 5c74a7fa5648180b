// pipeline/read-rasters.ts: the raster layers of a survey (images, CHM, DTM), from their files' headers. IO.
import { InvalidInput, UsageError } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { inParallel } from '../files/in-parallel.ts';
import { crsFromEpsg } from '../geo/crs.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import { alphaAsBand, openRaster } from '../ingest/geotiff-reader.ts';
import { heightWarnings } from '../ingest/geotiff-header.ts';
import type { RasterHeader } from '../ingest/geotiff-reader.ts';
import { planImage } from '../ingest/image-plan.ts';
import type { Resampling } from '../ingest/image-plan.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import { AT_ONCE, faultsOf, orFault, settledFiles } from './read-inputs.ts';
import type { HeightLayer, ImageLayer, InputFault } from './survey.ts';
import type { FileStatement, SettledCrs } from './survey-crs.ts';
import { heightUnitOf } from './survey-crs.ts';

interface RasterFile {
  header: RasterHeader;
  fingerprint: string;
  bytes: number;
}

/** The files of one raster input, before the survey's CRS is known. */
export interface RasterInput {
  /** chm, dtm, or the name of the image */
  name: string;
  /** where the job names it: `inputs.images.ortho` */
  key: string;
  files: RasterFile[];
  statements: FileStatement[];
  /** pixels of the coarsest of its files, metres where its CRS is projected: what detail there is */
  gsdM: number;
}

/** Read the headers of every raster input; files that cannot be read join `faults`. @throws {InvalidInput} when an input has no readable file */
export async function readRasters(loaded: LoadedJob, identities: Fingerprints, waiting: string[], faults: InputFault[]): Promise<RasterInput[]> {
  const { chm, dtm, images } = loaded.job.inputs, inputs: RasterInput[] = [];
  const wanted = [...(chm ? [{ name: 'chm', key: 'inputs.chm', ...chm }] : []), ...(dtm ? [{ name: 'dtm', key: 'inputs.dtm', ...dtm }] : []),
    ...Object.entries(images).map(([name, image]) => ({ name, key: `inputs.images.${name}`, ...image }))];
  for (const { name, key, files: patterns } of wanted) {
    const paths = await settledFiles(loaded, patterns, `${key}.files`, waiting);
    const read = await inParallel(paths, AT_ONCE, (path) => orFault(name, path, () => readRasterFile(path, identities)));
    faults.push(...faultsOf(read));
    const files = read.flatMap((entry) => ('header' in entry ? [entry] : []));
    if (files.length === 0) throw new InvalidInput(`${key}: none of its ${paths.length} file(s) can be read: ${faultsOf(read)[0]?.reason ?? 'all wait, see settle_minutes'}`, { path: key });
    inputs.push({ name, key, files, statements: files.map(({ header }) => statementOf(name, header)), gsdM: Math.max(...files.map(({ header }) => pixelM(header))) });
  }
  return inputs;
}

function statementOf(input: string, { name, epsg, verticalEpsg, crsIsOwn, affine, width, height }: RasterHeader): FileStatement {
  const box = affine && { x0: affine.x0, y0: affine.y0 - height * affine.resY, x1: affine.x0 + width * affine.resX, y1: affine.y0 };
  return { input, path: name, words: epsg === null ? null : { epsg, verticalEpsg }, isOwn: crsIsOwn, ...(box ? { box } : {}) };
}

async function readRasterFile(path: string, identities: Fingerprints): Promise<RasterFile> {
  const source = await openFile(path), raster = await openRaster(source);
  try {
    return { header: raster.header, fingerprint: await identities.of(source), bytes: source.size };
  } finally {
    await raster.close();
  }
}

/** The longer side of a pixel, metres; at the middle of a file in degrees. */
function pixelM({ affine, epsg, height }: RasterHeader): number {
  if (!affine) return 0;
  const crs = epsg === null ? null : crsFromEpsg(epsg), lat = affine.y0 - (height / 2) * affine.resY;
  if (crs && !crs.isProjected) return DEGREE_M * Math.max(affine.resY, affine.resX * Math.cos((lat * Math.PI) / 180));
  return Math.max(affine.resX, affine.resY) * (crs?.unitToMetre ?? 1);
}

/** Metres in a degree of latitude. */
const DEGREE_M = 111_320;

/**
 * Lay an image's files on their lattice: their own, or with `lattice: crs` pixels anchored to the CRS origin.
 *
 * @param gsdM  pixels of the first model that reads it, for `lattice: crs` without gsd_m
 * @throws {InvalidInput} when they do not fit together; {UsageError} for more bands than they have, or no pixel size to resample to
 */
export function layImage(loaded: LoadedJob, { name, key, files }: RasterInput, { epsg, gsdM }: { epsg: number; gsdM: number | null }): ImageLayer {
  const { bands, lattice, resample, gsd_m: given } = loaded.job.inputs.images[name]!, size = given ?? gsdM;
  if (lattice === 'crs' && size === null) throw new UsageError(`${loaded.at(`${key}.lattice`)}: ${key}.lattice is crs, but no model reads ${name}: give the pixels to resample to with gsd_m`, { source: loaded.path, path: `${key}.gsd_m` });
  const alphaIsBand = files.every(({ header }) => header.alpha !== null && bands.length === header.bands + 1); // the job says what the band is
  const headers = headersOf(files, epsg).map((header) => (alphaIsBand ? alphaAsBand(header) : header)), plan = planImage(headers, lattice === 'files' ? {} : { lattice, gsdM: size!, surveyEpsg: epsg, resample });
  if (bands.length > plan.bands) throw new UsageError(`${loaded.at(`${key}.bands`)}: ${key}.bands names ${bands.length} bands, the files have ${plan.bands}`, { source: loaded.path, path: `${key}.bands` });
  return { ...layerOf(name, bands, plan, files), ...(alphaIsBand ? { alphaIsBand } : {}) };
}

/**
 * Lay height rasters on their lattice: their own, or with `lattice: crs` pixels of the job's resolution, to which they are resampled.
 *
 * @throws {InvalidInput} when they do not fit together, have more than one band, or heights in several units
 */
export function layHeights({ job }: LoadedJob, kind: 'chm' | 'dtm', { key, files }: RasterInput, settled: SettledCrs): HeightLayer {
  const { lattice } = job.inputs[kind]!, known = settled.conversions.get(kind)!, many = files.find(({ header }) => header.bands > 1);
  if (many) throw new InvalidInput(`${many.header.name}: has ${many.header.bands} bands where heights have one; take the band of heights out with gdal_translate -b N, or name the file under inputs.images`, { source: many.header.name, path: key });
  const headers = files.map(({ header }) => ({ ...header, epsg: known.get(header.name)!.epsg })), options = lattice === 'files' ? {} : { lattice, gsdM: job[kind].resolution_m, surveyEpsg: settled.crs.epsg };
  return { ...layerOf(kind, ['height'], planImage(headers, options), files), zToMetre: heightUnitOf(settled, kind) };
}

/** What looks odd in height rasters. */
export const notesOnHeights = ({ name, files }: RasterInput): string[] => (name === 'chm' || name === 'dtm' ? files.flatMap(({ header }) => heightWarnings(header)) : []);

/** The files of a layer on pixels of another size, anchored to the CRS origin. Each is in the CRS that the layer has it in, whatever its header says: the job may override it. */
export function layAt({ files }: RasterInput, layer: ImageLayer, { gsdM, epsg, resample }: { gsdM: number; epsg: number; resample: Resampling }): ImageLayer {
  const known = new Map(layer.files.map(({ path, pixels }) => [path, pixels?.epsg ?? epsg])), { alphaIsBand } = layer;
  const headers = files.map(({ header }) => ({ ...(alphaIsBand ? alphaAsBand(header) : header), epsg: known.get(header.name) ?? epsg }));
  return { ...layerOf(layer.name, layer.bands, planImage(headers, { lattice: 'crs', gsdM, surveyEpsg: epsg, resample }), files), ...(alphaIsBand ? { alphaIsBand } : {}) };
}

/** Headers; a file that states no CRS is in the survey's. */
const headersOf = (files: readonly RasterFile[], epsg: number): RasterHeader[] => files.map(({ header }) => ({ ...header, epsg: header.epsg ?? epsg }));

/** TIFF writes days as `2026:06:03 10:15:00`. */
function dayOf(dateTime: string | null): string | null {
  const day = /^(\d{4}):(\d{2}):(\d{2})/.exec(dateTime ?? '')?.slice(1).join('-');
  return day === undefined || Number.isNaN(Date.parse(day)) ? null : day;
}

function layerOf(name: string, bands: string[], plan: ReturnType<typeof planImage>, files: readonly RasterFile[]): ImageLayer {
  const known = new Map(files.map((entry) => [entry.header.name, entry]));
  const placed = plan.files.map((file) => {
    const { header, fingerprint, bytes } = known.get(file.path)!, day = dayOf(header.dateTime);
    return { ...file, fingerprint, bytes, ...(day === null ? {} : { day }) };
  });
  return { name, bands, lattice: plan.lattice, window: plan.window, files: placed, box: boxOfWindow(plan.lattice, plan.window), ...(plan.resample ? { resample: plan.resample } : {}) };
}
