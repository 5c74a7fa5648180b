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
/** Files whose first returns are looked at for class 2 when the job says `ground: auto`. */
const SAMPLED_FILES = 8;

/**
 * Read every input's header and settle CRS, grid and models. A LiDAR file without a readable header is a fault: named, and the others go on; one that is damaged behind it stays, as a void by area.
 *
 * @param verify  read files whole: one that changed where a fingerprint does not look gets another identity
 * @throws {UsageError} for what the job file has to say or unsay; {InvalidInput} for an image or stand layer that cannot be used
 */
export async function readSurvey(loaded: LoadedJob, { verify = false } = {}): Promise<{ survey: Survey; notes: SurveyNotes }> {
  const { job } = loaded, identities = await openFingerprints(loaded.output, loaded.dir, { verify });
  const { settled, waiting } = await settledFiles(await matchFiles(loaded, job.inputs.lidar.files, 'inputs.lidar.files'), job.settle_minutes);
  const read = await inParallel(settled, AT_ONCE, (path) => readLidarHeader(path, identities));
  const faults = read.flatMap((entry) => ('reason' in entry ? [entry] : [])), clouds = read.flatMap((entry) => ('header' in entry ? [entry] : []));
  const images = await readImages(loaded, identities);
  const crs = settleCrs(job, [...clouds.map(statementOfCloud), ...images.flatMap(({ statements }) => statements)], loaded.path);
  const ground = await settleGround(job, clouds.map(({ file }) => file.path));
  const stands = job.inputs.stands
    ? await openStandLayer({ path: await onlyFile(loaded, job.inputs.stands.file), idField: job.inputs.stands.id, crs: crsFromEpsg(crs.epsg), output: loaded.output, identities }) : null;
  await identities.save();
  const layers = images.map(({ layer }) => layer);
  const survey: Survey = {
    name: job.survey, crs, lidar: clouds.map(({ file }) => file), images: layers, stands, models: await resolveModels(loaded, layers), faults, waiting, groundMethod: ground.method,
  };
  return { survey, notes: { faults, waiting, ground: ground.note } };
}

async function onlyFile(loaded: LoadedJob, pattern: string): Promise<string> {
  const [path, second] = await matchFiles(loaded, [pattern], 'inputs.stands.file');
  if (second !== undefined) throw new UsageError(`${loaded.at('inputs.stands.file')}: inputs.stands.file: ${pattern} matches several files; name one`, { source: loaded.path, path: 'inputs.stands.file' });
  return resolve(path!);
}

/** Younger files may still be growing: they wait for the next run. */
async function settledFiles(paths: readonly string[], minutes: number): Promise<{ settled: string[]; waiting: string[] }> {
  if (minutes === 0) return { settled: [...paths], waiting: [] };
  const oldest = Date.now() - minutes * 60_000, settled: string[] = [], waiting: string[] = [];
  for (const path of paths) ((await stat(path)).mtimeMs > oldest ? waiting : settled).push(path);
  return { settled, waiting };
}

interface Cloud {
  file: LidarFile;
  header: PointFileHeader;
}

async function readLidarHeader(path: string, identities: Fingerprints): Promise<Cloud | InputFault> {
  try {
    const source = await openFile(path);
    try {
      const { header } = await openPointFile(source).catch(async (error: unknown) => {
        const known = error instanceof InvalidInput || error instanceof IoError ? await headerOfCutShort(source) : null;
        if (known === null) throw error;
        return { header: known };
      });
      if (header.pointCount === 0) throw new InvalidInput(`${path}: holds no points; leave it out, or copy it again if it should`, { source: path });
      return { header, file: { path, fingerprint: await identities.of(source), bytes: source.size, pointCount: header.pointCount, box: headerBox(header), z0M: header.min[2], z1M: header.max[2] } };
    } finally {
      await source.close();
    }
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof IoError) return { path, reason: messageOf(error) };
    throw error;
  }
}

const headerBox = ({ min, max, scale }: PointFileHeader): Box =>
  ({ x0: min[0] - scale[0], y0: min[1] - scale[1], x1: max[0] + scale[0], y1: max[1] + scale[1] });

const statementOfCloud = ({ file, header }: Cloud): FileStatement => ({ path: file.path, words: header.crs });

/** `ground: auto`: class 2 where the files carry it, else SMRF. Looked up in the first returns of some files, the same for the whole survey. */
async function settleGround({ ground, inputs }: Job, paths: readonly string[]): Promise<{ method: Survey['groundMethod']; note: string | null }> {
  if (ground.method !== 'auto') return { method: ground.method, note: null };
  if (inputs.lidar.z === 'height') return { method: 'classified', note: null };
  const step = Math.max(1, Math.ceil(paths.length / SAMPLED_FILES)), sampled = paths.filter((_, i) => i % step === 0);
  for (const path of sampled) if (await hasGroundClass(path)) return { method: 'classified', note: 'ground: returns of class 2' };
  return { method: 'smrf', note: `ground: SMRF, since the first returns of ${sampled.length} file(s) hold none of class 2` };
}

async function hasGroundClass(path: string): Promise<boolean> {
  const source = await openFile(path);
  try {
    for await (const chunk of (await openPointFile(source)).chunks()) return chunk.classification.includes(2);
    return false;
  } catch (error) {
    if (error instanceof InvalidInput || error instanceof IoError) return false; // its bucket will say what is wrong
    throw error;
  } finally {
    await source.close();
  }
}

async function readImages(loaded: LoadedJob, identities: Fingerprints): Promise<{ layer: ImageLayer; statements: FileStatement[] }[]> {
  const images: { layer: ImageLayer; statements: FileStatement[] }[] = [];
  for (const [name, { files, bands }] of Object.entries(loaded.job.inputs.images)) {
    const paths = await matchFiles(loaded, files, `inputs.images.${name}.files`);
    const headers = await inParallel(paths, AT_ONCE, (path) => readImageHeader(path, identities));
    const plan = planImage(headers.map(({ header }) => header));
    if (bands.length > plan.bands) throw new UsageError(`${loaded.at(`inputs.images.${name}.bands`)}: inputs.images.${name}.bands names ${bands.length} bands, the files have ${plan.bands}`, { source: loaded.path, path: `inputs.images.${name}.bands` });
    const known = new Map(headers.map((entry) => [entry.header.name, entry]));
    const placed = plan.files.map(({ path, window }) => ({ path, window, fingerprint: known.get(path)!.fingerprint, bytes: known.get(path)!.bytes }));
    images.push({
      layer: { name, bands, lattice: plan.lattice, window: plan.window, files: placed, box: boxOfWindow(plan.lattice, plan.window) },
      statements: headers.map(({ header }) => ({ path: header.name, words: header.epsg === null ? null : { epsg: header.epsg } })),
    });
  }
  return images;
}

async function readImageHeader(path: string, identities: Fingerprints): Promise<{ header: RasterHeader; fingerprint: string; bytes: number }> {
  const source = await openFile(path);
  const raster = await openRaster(source);
  try {
    return { header: raster.header, fingerprint: await identities.of(source), bytes: source.size };
  } finally {
    await raster.close();
  }
}
