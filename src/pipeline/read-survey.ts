// pipeline/read-survey.ts: what a survey consists of, from the headers of its inputs. IO.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Box } from '../types.ts';
import { InvalidInput, IoError, UsageError, messageOf } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { inParallel } from '../files/in-parallel.ts';
import { crsFromEpsg } from '../geo/crs.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import type { PointFileHeader } from '../ingest/point-reader.ts';
import { openPointFile } from '../ingest/point-reader.ts';
import { openRaster } from '../ingest/geotiff-reader.ts';
import type { RasterHeader } from '../ingest/geotiff-reader.ts';
import { planImage } from '../ingest/image-plan.ts';
import type { Fingerprints } from './fingerprints.ts';
import { openFingerprints } from './fingerprints.ts';
import type { Job } from './job-schema.ts';
import type { LoadedJob } from './job-file.ts';
import { headerOfCutShort } from './cut-short.ts';
import { matchFiles } from './job-file.ts';
import { resolveModels } from './models.ts';
import { openStandLayer } from './stand-layer.ts';
import { settleGround } from './settle-ground.ts';
import type { ImageLayer, InputFault, LidarFile, Survey } from './survey.ts';
import type { FileStatement } from './survey-crs.ts';
import { settleCrs } from './survey-crs.ts';

/** What a user should hear about the inputs. */
export interface SurveyNotes {
  faults: InputFault[];
  waiting: string[];
  /** why the ground is found as it is, where the job leaves it open */
  ground: string | null;
}

/** Files whose headers are read at a time. */
const AT_ONCE = 16;

/**
 * Read every input's header and settle CRS, grid and models. A file without a readable header is a fault: named, and the others go on; a LiDAR file that is damaged behind it stays, as a void by area.
 *
 * @param verify  read files whole: one that changed where a fingerprint does not look gets another identity
 * @throws {UsageError} for what the job file has to say or unsay; {InvalidInput} for an image or stand layer that cannot be used
 */
export async function readSurvey(loaded: LoadedJob, { verify = false } = {}): Promise<{ survey: Survey; notes: SurveyNotes }> {
  const { job } = loaded, identities = await openFingerprints(loaded.output, loaded.dir, { verify }), waiting: string[] = [];
  const read = await inParallel(await settledFiles(loaded, job.inputs.lidar.files, 'inputs.lidar.files', waiting), AT_ONCE, (path) => readLidarHeader(path, job.tiles.size_m, identities));
  const clouds = read.flatMap((entry) => ('header' in entry ? [entry] : [])), faults = faultsOf(read);
  const images = await readImages(loaded, identities, waiting, faults);
  const crs = settleCrs(job, [...clouds.map(statementOfCloud), ...images.flatMap(({ statements }) => statements)], loaded.path);
  const ground = await settleGround(job, clouds.map(({ file }) => file));
  const stands = job.inputs.stands
    ? await openStandLayer({ path: await onlyFile(loaded, job.inputs.stands.file), idField: job.inputs.stands.id, crs: crsFromEpsg(crs.epsg), output: loaded.output, identities }) : null;
  await identities.save();
  const layers = images.map(({ layer }) => layer);
  const survey: Survey = {
    name: job.survey, crs, lidar: clouds.map(({ file }) => file), images: layers, stands, models: await resolveModels(loaded, layers), faults, waiting, groundMethod: ground.method,
  };
  return { survey, notes: { faults, waiting, ground: ground.note } };
}

const faultsOf = (entries: readonly (object | InputFault)[]): InputFault[] => entries.flatMap((entry) => ('reason' in entry ? [entry] : []));

async function onlyFile(loaded: LoadedJob, pattern: string): Promise<string> {
  const [path, second] = await matchFiles(loaded, [pattern], 'inputs.stands.file');
  if (second !== undefined) throw new UsageError(`${loaded.at('inputs.stands.file')}: inputs.stands.file: ${pattern} matches several files; name one`, { source: loaded.path, path: 'inputs.stands.file' });
  return resolve(path!);
}

/** The files of a list of patterns. Younger ones may still be growing: they wait for the next run. */
async function settledFiles(loaded: LoadedJob, patterns: readonly string[], key: string, waiting: string[]): Promise<string[]> {
  const paths = await matchFiles(loaded, patterns, key), minutes = loaded.job.settle_minutes;
  if (minutes === 0) return paths;
  const oldest = Date.now() - minutes * 60_000, settled: string[] = [];
  for (const path of paths) ((await stat(path)).mtimeMs > oldest ? waiting : settled).push(path);
  return settled;
}

interface Cloud {
  file: LidarFile;
  header: PointFileHeader;
}

async function readLidarHeader(path: string, tileM: number, identities: Fingerprints): Promise<Cloud | InputFault> {
  return orFault('lidar', path, async () => {
    const source = await openFile(path);
    try {
      const { header } = await openPointFile(source).catch(async (error: unknown) => {
        const known = error instanceof InvalidInput || error instanceof IoError ? await headerOfCutShort(source) : null;
        if (known === null) throw error;
        return { header: known };
      });
      if (header.pointCount === 0) throw new InvalidInput(`${path}: holds no points; leave it out, or copy it again if it should`, { source: path });
      const box = headerBox(header);
      refuseStray(path, header, box, tileM);
      return { header, file: { path, fingerprint: await identities.of(source), bytes: source.size, pointCount: header.pointCount, box, z0M: header.min[2], z1M: header.max[2] } };
    } finally {
      await source.close();
    }
  });
}

/** What a file gives, or the fault that it is. */
async function orFault<T>(input: string, path: string, read: () => Promise<T>): Promise<T | InputFault> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof IoError) return { input, path, reason: messageOf(error) };
    throw error;
  }
}

/** One return at 0, 0 makes a box of millions of tiles, which no points fill. */
function refuseStray(path: string, { pointCount }: PointFileHeader, box: Box, tileM: number): void {
  const tiles = ((box.x1 - box.x0) / tileM + 1) * ((box.y1 - box.y0) / tileM + 1);
  if (tiles <= Math.max(10_000, pointCount / 100)) return;
  const km = (m: number) => Math.round(m / 1000);
  throw new InvalidInput(`${path}: the box of its header is ${km(box.x1 - box.x0)} x ${km(box.y1 - box.y0)} km for ${pointCount} points: some return lies far off; remove it, and repair the header (lasinfo -repair_bb)`, { source: path });
}

const headerBox = ({ min, max, scale }: PointFileHeader): Box =>
  ({ x0: min[0] - scale[0], y0: min[1] - scale[1], x1: max[0] + scale[0], y1: max[1] + scale[1] });

const statementOfCloud = ({ file, header }: Cloud): FileStatement => ({ input: 'lidar', path: file.path, words: header.crs, isOwn: false });

interface ImageHeader {
  header: RasterHeader;
  fingerprint: string;
  bytes: number;
}

/** The image layers; files that cannot be read join `faults`. @throws {InvalidInput} when a layer has no readable file, or its files do not fit together */
async function readImages(loaded: LoadedJob, identities: Fingerprints, waiting: string[], faults: InputFault[]): Promise<{ layer: ImageLayer; statements: FileStatement[] }[]> {
  const images: { layer: ImageLayer; statements: FileStatement[] }[] = [];
  for (const [name, { files, bands }] of Object.entries(loaded.job.inputs.images)) {
    const paths = await settledFiles(loaded, files, `inputs.images.${name}.files`, waiting);
    const read = await inParallel(paths, AT_ONCE, (path) => orFault(name, path, () => readImageHeader(path, identities)));
    faults.push(...faultsOf(read));
    const headers = read.flatMap((entry) => ('header' in entry ? [entry] : []));
    if (headers.length === 0) throw new InvalidInput(`inputs.images.${name}: none of its ${paths.length} file(s) can be read: ${faultsOf(read)[0]?.reason ?? 'all wait, see settle_minutes'}`, { path: `inputs.images.${name}` });
    const plan = planImage(headers.map(({ header }) => header));
    if (bands.length > plan.bands) throw new UsageError(`${loaded.at(`inputs.images.${name}.bands`)}: inputs.images.${name}.bands names ${bands.length} bands, the files have ${plan.bands}`, { source: loaded.path, path: `inputs.images.${name}.bands` });
    const known = new Map(headers.map((entry) => [entry.header.name, entry]));
    const placed = plan.files.map(({ path, window }) => ({ path, window, fingerprint: known.get(path)!.fingerprint, bytes: known.get(path)!.bytes }));
    images.push({
      layer: { name, bands, lattice: plan.lattice, window: plan.window, files: placed, box: boxOfWindow(plan.lattice, plan.window) },
      statements: headers.map(({ header }) => statementOfImage(name, header)),
    });
  }
  return images;
}

const statementOfImage = (input: string, { name, epsg, crsIsOwn }: RasterHeader): FileStatement => ({ input, path: name, words: epsg === null ? null : { epsg }, isOwn: crsIsOwn });

async function readImageHeader(path: string, identities: Fingerprints): Promise<ImageHeader> {
  const source = await openFile(path), raster = await openRaster(source);
  try {
    return { header: raster.header, fingerprint: await identities.of(source), bytes: source.size };
  } finally {
    await raster.close();
  }
}
