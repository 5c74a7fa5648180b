// pipeline/survey-crs.ts: the one CRS of a survey, from the job file and what the files say. Nothing is guessed. Pure.
import { UsageError } from '../errors.ts';
import type { Crs } from '../geo/crs.ts';
import { crsFromEpsg } from '../geo/crs.ts';
import type { CrsWords } from '../geo/crs-statement.ts';
import { crsFromStatement } from '../geo/crs-statement.ts';
import type { Job } from './job-schema.ts';
import type { SurveyCrs } from './survey.ts';

/** What a file states of its CRS; `words` null: nothing. */
export interface FileStatement {
  /** lidar, or the name of the image */
  input: string;
  path: string;
  words: CrsWords | null;
  /** it defines a CRS of its own, without a code */
  isOwn: boolean;
}

const epsgOf = (text: string): number => Number(text.slice('EPSG:'.length));

/**
 * Settle the survey's CRS: `crs` of the job file, or that of the files if they share one. It must be projected, in metres,
 * and that of every file: bringing files from one CRS to another is not done yet.
 *
 * @throws {UsageError} saying which line of the job file to add or change
 */
export function settleCrs(job: Job, files: readonly FileStatement[], jobFile: string): SurveyCrs {
  const known = new Map<number, { crs: Crs; from: string }>();
  for (const file of files) {
    const crs = crsOfFile(job, file, jobFile);
    if (!known.has(crs.epsg)) known.set(crs.epsg, { crs, from: file.path });
  }
  const [first, second] = [...known.values()];
  if (first && second) {
    throw new UsageError(`${jobFile}: ${first.from} is in EPSG:${first.crs.epsg} (${first.crs.name}), ${second.from} in EPSG:${second.crs.epsg} (${second.crs.name}); bring all files to one projected CRS in metres`, { source: jobFile, path: 'inputs' });
  }
  const wanted = job.crs === undefined ? null : crsFromEpsg(epsgOf(job.crs));
  if (wanted && first && wanted.epsg !== first.crs.epsg) {
    throw new UsageError(`${jobFile}: crs is ${job.crs} (${wanted.name}), but ${first.from} is in EPSG:${first.crs.epsg} (${first.crs.name}); leave crs out, or bring the files to ${job.crs}`, { source: jobFile, path: 'crs' });
  }
  const crs = wanted ?? first?.crs;
  if (!crs) throw new UsageError(`${jobFile}: no input could be read, so the survey's CRS is unknown; add the line \`crs: EPSG:N\``, { source: jobFile, path: 'crs' });
  requireMetres(crs, wanted ? jobFile : first!.from);
  return { epsg: crs.epsg, name: crs.name, from: wanted ? 'the job file' : first!.from };
}

function crsOfFile(job: Job, statement: FileStatement, jobFile: string): Crs {
  return statement.input === 'lidar' ? crsOfCloud(job, statement, jobFile) : crsOfImage(job, statement, jobFile);
}

function crsOfImage(job: Job, { path, words, isOwn }: FileStatement, jobFile: string): Crs {
  if (isOwn) throw new UsageError(`${path}: it defines a CRS of its own, without an EPSG code; bring it to the survey's CRS (gdalwarp -t_srs EPSG:N)`, { source: path, path: 'inputs.images' });
  if (words === null && job.crs !== undefined) return crsFromEpsg(epsgOf(job.crs));
  const reading = words === null ? null : crsFromStatement(words);
  if (!reading?.crs) throw new UsageError(`${path}: its CRS is unknown: ${reading?.reason ?? 'it states no CRS'}; write it into the file (gdal_edit.py -a_srs EPSG:N), or add the line \`crs: EPSG:N\` to ${jobFile} if it is the survey's`, { source: path, path: 'inputs.images' });
  requireMetres(reading.crs, path);
  return reading.crs;
}

function crsOfCloud(job: Job, { path, words }: FileStatement, jobFile: string): Crs {
  const given = job.inputs.lidar.crs ?? job.crs, said = given === undefined ? null : crsFromEpsg(epsgOf(given));
  if (said && job.inputs.lidar.override && job.inputs.lidar.crs !== undefined) return said;
  const reading = words === null ? null : crsFromStatement(words);
  if (!reading || reading.crs === null) {
    const reason = reading?.reason ?? 'it states no CRS';
    if (said && reason === 'it states no CRS') return said;
    const line = reason === 'it states no CRS' ? 'add the line `crs: EPSG:N` to inputs.lidar' : 'if you know it, add the lines `crs: EPSG:N` and `override: true` to inputs.lidar';
    throw new UsageError(`${path}: its CRS is unknown: ${reason}; ${line} in ${jobFile}`, { source: path, path: 'inputs.lidar.crs' });
  }
  if (job.inputs.lidar.crs !== undefined && said && said.epsg !== reading.crs.epsg) {
    throw new UsageError(`${path}: states EPSG:${reading.crs.epsg} (${reading.crs.name}), but inputs.lidar.crs is ${given}; correct it, or add \`override: true\` to inputs.lidar in ${jobFile}`, { source: path, path: 'inputs.lidar.crs' });
  }
  requireMetres(reading.crs, path);
  if (reading.verticalUnitToMetre !== null && reading.verticalUnitToMetre !== 1) {
    throw new UsageError(`${path}: its heights are in units of ${reading.verticalUnitToMetre} m; bring them to metres first (las2las -elevation_feet or pdal filters.assign): they are not converted yet`, { source: path, path: 'inputs.lidar' });
  }
  if (!reading.zIsUp) throw new UsageError(`${path}: its heights are depths, positive downward (EPSG:${reading.verticalEpsg}); turn them to heights first`, { source: path, path: 'inputs.lidar' });
  return reading.crs;
}

/** Projected and in metres by name, but a metre on their map is less than one on the ground: areas at 45 degrees would be doubled. */
const MERCATOR = new Set([3395, 3785, 3857, 3832, 3994, 3996, 41001, 54004, 102100, 900913]);

function requireMetres(crs: Crs, from: string): void {
  if (MERCATOR.has(crs.epsg)) {
    throw new UsageError(`${from}: EPSG:${crs.epsg} (${crs.name}) is a map of the world whose metres are stretched away from the equator; a survey needs true metres: bring the files to the UTM zone of the area first`, { source: from, path: 'crs' });
  }
  if (crs.isProjected && crs.unitToMetre === 1) return;
  const what = crs.isProjected ? `in ${crs.unit}` : 'in degrees';
  throw new UsageError(`${from}: EPSG:${crs.epsg} (${crs.name}) is ${what}; a survey is projected and in metres: bring the files to the UTM zone of the area first, they are not converted yet`, { source: from, path: 'crs' });
}
