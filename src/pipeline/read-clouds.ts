// pipeline/read-clouds.ts: the LiDAR files of a survey, from their headers. IO.
import type { Box } from '../types.ts';
import { InvalidInput, IoError } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { inParallel } from '../files/in-parallel.ts';
import { growBox } from '../geo/box.ts';
import { crsFromEpsg, transformer } from '../geo/crs.ts';
import { lonLatBox, meetsAreaOfUse, transformBox } from '../geo/crs-box.ts';
import { toMetres, toUnits } from '../geo/units.ts';
import type { PointFileHeader } from '../ingest/point-reader.ts';
import { openPointFile } from '../ingest/point-reader.ts';
import { headerOfCutShort } from './cut-short.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import { AT_ONCE, faultsOf, orFault, settledFiles } from './read-inputs.ts';
import type { InputFault, LidarFile } from './survey.ts';
import type { Conversion, FileStatement, SettledCrs } from './survey-crs.ts';
import { AREA_MARGIN_DEG } from './survey-crs.ts';

/** A LiDAR file with a readable header, before the survey's CRS is known. */
export interface Cloud {
  path: string;
  fingerprint: string;
  bytes: number;
  header: PointFileHeader;
}

/** A box from another CRS is grown by this, metres: its sides bend between the points that are transformed. */
const BENT_SIDE_M = 1;

/** The LiDAR files that can be used; others join `faults`. */
export async function readClouds(loaded: LoadedJob, identities: Fingerprints, waiting: string[], faults: InputFault[]): Promise<Cloud[]> {
  const { lidar } = loaded.job.inputs;
  if (!lidar) return [];
  const read = await inParallel(await settledFiles(loaded, lidar.files, 'inputs.lidar.files', waiting), AT_ONCE, (path) => readLidarHeader(path, identities));
  faults.push(...faultsOf(read));
  return read.flatMap((entry) => ('header' in entry ? [entry] : []));
}

async function readLidarHeader(path: string, identities: Fingerprints): Promise<Cloud | InputFault> {
  return orFault('lidar', path, async () => {
    const source = await openFile(path);
    try {
      const { header } = await openPointFile(source).catch(async (error: unknown) => {
        const known = error instanceof InvalidInput || error instanceof IoError ? await headerOfCutShort(source) : null;
        if (known === null) throw error;
        return { header: known };
      });
      if (header.pointCount === 0) throw new InvalidInput(`${path}: holds no points; leave it out, or copy it again if it should`, { source: path });
      return { path, fingerprint: await identities.of(source), bytes: source.size, header };
    } finally {
      await source.close();
    }
  });
}

/** What a file says of its CRS, and where it lies. */
export const statementOfCloud = ({ path, header }: Cloud): FileStatement => ({ input: 'lidar', path, words: header.crs, isOwn: false, box: headerBox(header) });

/** The files with their boxes in the survey's CRS; those whose header's box cannot be true join `faults`. */
export async function placeClouds(clouds: readonly Cloud[], { crs, conversions }: SettledCrs, tileM: number, faults: InputFault[]): Promise<LidarFile[]> {
  const placed = await Promise.all(clouds.map((cloud) => orFault('lidar', cloud.path, async () => placeCloud(cloud, conversions.get('lidar')!.get(cloud.path)!, crs.epsg, tileM))));
  faults.push(...faultsOf(placed));
  return placed.flatMap((entry) => ('box' in entry ? [entry] : []));
}

function placeCloud({ header, ...file }: Cloud, { epsg, zToMetre }: Conversion, surveyEpsg: number, tileM: number): LidarFile {
  const isSurveys = epsg === surveyEpsg, box = isSurveys ? headerBox(header) : boxFrom(file.path, headerBox(header), epsg, surveyEpsg);
  refuseStray(file.path, header, box, tileM);
  return {
    ...file, pointCount: header.pointCount, box, z0M: header.min[2] * zToMetre, z1M: header.max[2] * zToMetre,
    conversion: isSurveys && zToMetre === 1 ? null : { epsg, zToMetre },
  };
}

/** A header's box in the survey's CRS. @throws {InvalidInput} where it lies off its own CRS: axes exchanged, another unit, a stray return */
function boxFrom(path: string, box: Box, epsg: number, surveyEpsg: number): Box {
  const crs = crsFromEpsg(epsg), place = lonLatBox(crs, box);
  if (!meetsAreaOfUse(crs, place, AREA_MARGIN_DEG)) {
    throw new InvalidInput(`${path}: the box of its header lies at longitude ${place.x0.toFixed(3)}, latitude ${place.y0.toFixed(3)}, off the area of use of EPSG:${epsg} (${crs.name}); correct the CRS with crs and override: true under inputs.lidar, or the header`, { source: path });
  }
  const there = growBox(transformBox(transformer(crs, crsFromEpsg(surveyEpsg)), box), BENT_SIDE_M), round = (m: number) => toMetres(toUnits(m));
  return { x0: round(there.x0), y0: round(there.y0), x1: round(there.x1), y1: round(there.y1) };
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
