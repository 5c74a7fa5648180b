// pipeline/input-crs.ts: the CRS and the unit of heights of one file, from what it says and what the job says of it. Nothing is guessed. Pure.
import type { Box } from '../types.ts';
import { UsageError, messageOf } from '../errors.ts';
import type { Crs } from '../geo/crs.ts';
import { crsFromEpsg, epsgOfCode } from '../geo/crs.ts';
import type { CrsReading, CrsWords } from '../geo/crs-statement.ts';
import { SAME_UNIT, crsFromStatement } from '../geo/crs-statement.ts';
import type { Job } from './job-schema.ts';

/** What a file states of its CRS; `words` null: nothing. */
export interface FileStatement {
  /** lidar, chm, dtm, or the name of the image */
  input: string;
  path: string;
  words: CrsWords | null;
  /** it defines a CRS of its own, without a code */
  isOwn: boolean;
  /** where it lies, in its own CRS and unit; left out where that is not known */
  box?: Box;
}

/** The CRS of a file, and the unit of its heights. */
export interface FileCrs {
  statement: FileStatement;
  crs: Crs;
  /** metres in one unit of z; 1 for images, which have none */
  zToMetre: number;
  /** who says so: the file, the job file, or the unit of x and y where these are metres and no vertical CRS is stated */
  zFrom: 'file' | 'job' | 'horizontal' | null;
}

type Said = { crs?: string | undefined; z_unit?: keyof typeof Z_UNITS | undefined; override: boolean };

/** Units of height that the job file has words for. */
export const Z_UNITS = { metre: 1, foot: 0.3048, 'us-foot': 1200 / 3937 } as const;

const NOTHING_STATED = 'it states no CRS';

/** The CRS that a key of the job file names. @throws {UsageError} for a code that is not in the table, or cannot be used */
export function crsOfKey(text: string, key: string, jobFile: string): Crs {
  try {
    return crsFromEpsg(epsgOfCode(text));
  } catch (error) {
    throw new UsageError(`${jobFile}: ${key}: ${messageOf(error)}`, { source: jobFile, path: key }, { cause: error });
  }
}

export const nameOf = ({ epsg, name }: Pick<Crs, 'epsg' | 'name'>): string => `EPSG:${epsg} (${name})`;

/**
 * The CRS of a file and the unit of its heights.
 *
 * @throws {UsageError} where they are not stated, or contradict the job file: with the line to add, or both sides
 */
export function readStatement(job: Job, statement: FileStatement, jobFile: string): FileCrs {
  const { input } = statement;
  if (input !== 'lidar' && input !== 'chm' && input !== 'dtm') return { statement, crs: crsOfImage(job, statement, jobFile), zToMetre: 1, zFrom: null };
  const said: Said = job.inputs[input] ?? { override: false }, reading = statement.words === null ? null : crsFromStatement(statement.words);
  const crs = crsOfFile(said, reading, statement, jobFile);
  if (reading && !reading.zIsUp) {
    throw new UsageError(`${statement.path}: its heights are depths, positive downward (${reading.verticalName}); turn them to heights first`, { source: statement.path, path: `inputs.${input}` });
  }
  return { statement, crs, ...heightUnit(said, reading, crs, statement, jobFile) };
}

function crsOfImage(job: Job, { input, path, words, isOwn }: FileStatement, jobFile: string): Crs {
  const place = { source: path, path: `inputs.images.${input}` };
  if (isOwn) throw new UsageError(`${path}: it defines a CRS of its own, without an EPSG code; bring it to the survey's CRS (gdalwarp -t_srs EPSG:N)`, place);
  if (words === null && job.crs !== undefined) return crsOfKey(job.crs, 'crs', jobFile);
  const reading = words === null ? null : crsFromStatement(words);
  if (!reading?.crs) throw new UsageError(`${path}: its CRS is unknown: ${reading?.reason ?? NOTHING_STATED}; write it into the file (gdal_edit.py -a_srs EPSG:N), or add the line \`crs: EPSG:N\` to ${jobFile} if it is the survey's`, place);
  return reading.crs;
}

function crsOfFile(said: Said, reading: CrsReading | null, { input, path, isOwn }: FileStatement, jobFile: string): Crs {
  const key = `inputs.${input}`, place = { source: path, path: `${key}.crs` }, given = said.crs === undefined ? null : crsOfKey(said.crs, `${key}.crs`, jobFile);
  if (given && said.override) return given;
  if (!reading?.crs) {
    const reason = isOwn ? 'it defines a CRS of its own, without an EPSG code' : reading?.reason ?? NOTHING_STATED, isSilent = reason === NOTHING_STATED;
    if (given && isSilent) return given;
    throw new UsageError(`${path}: its CRS is unknown: ${reason}; ${isSilent ? `add the line \`crs: EPSG:N\` to ${key}` : `if you know it, add the lines \`crs: EPSG:N\` and \`override: true\` to ${key}`} in ${jobFile}`, place);
  }
  if (given && given.epsg !== reading.crs.epsg) {
    throw new UsageError(`${path}: states ${nameOf(reading.crs)}, but ${key}.crs is ${nameOf(given)}; correct it, or add \`override: true\` to ${key} in ${jobFile}`, place);
  }
  return reading.crs;
}

function heightUnit(said: Said, reading: CrsReading | null, crs: Crs, { input, path }: FileStatement, jobFile: string): { zToMetre: number; zFrom: FileCrs['zFrom'] } {
  const key = `inputs.${input}`, place = { source: path, path: `${key}.z_unit` }, given = said.z_unit === undefined ? null : Z_UNITS[said.z_unit];
  if (given !== null && said.override) return { zToMetre: given, zFrom: 'job' };
  if (reading && reading.verticalContradiction !== null) {
    throw new UsageError(`${path}: the unit of its heights is stated twice and not alike (${reading.verticalContradiction}); if you know it, add the lines \`z_unit: ${unitWord(crs)}\` and \`override: true\` to ${key} in ${jobFile}`, place);
  }
  const stated = reading?.verticalUnitToMetre ?? null;
  if (stated !== null) {
    if (given !== null && !isSame(given, stated)) throw new UsageError(`${path}: states heights in ${unitName(stated)} (${reading!.verticalName ?? 'its vertical unit'}), but ${key}.z_unit is ${said.z_unit}; correct it, or add \`override: true\` to ${key} in ${jobFile}`, place);
    return { zToMetre: exactUnit(stated), zFrom: 'file' };
  }
  if (given !== null) return { zToMetre: given, zFrom: 'job' };
  const vertical = reading?.verticalName ?? null;
  if (vertical === null && crs.isProjected && crs.unitToMetre === 1) return { zToMetre: 1, zFrom: 'horizontal' };
  const why = vertical === null ? `x and y are in ${crs.unit} (${nameOf(crs)}), and no vertical CRS is stated` : `its vertical CRS, ${vertical}, states no unit and is not in the EPSG table`;
  throw new UsageError(`${path}: the unit of its heights is unknown: ${why}; add the line \`z_unit: ${unitWord(crs)}\` (or ${Object.keys(Z_UNITS).filter((word) => word !== unitWord(crs)).join(', or ')}) to ${key} in ${jobFile}`, place);
}

const isSame = (a: number, b: number): boolean => Math.abs(a / b - 1) < SAME_UNIT;

/** Files round the US survey foot to 7 to 16 digits: one number for all of them. */
const exactUnit = (unit: number): number => Object.values(Z_UNITS).find((known) => isSame(known, unit)) ?? unit;

/** The word for the unit of x and y, as the first thing to try for z. */
const unitWord = ({ unitToMetre }: Crs): keyof typeof Z_UNITS =>
  (Object.keys(Z_UNITS) as (keyof typeof Z_UNITS)[]).find((word) => unitToMetre !== null && isSame(Z_UNITS[word], unitToMetre)) ?? 'metre';

/** A unit of height in words. */
export function unitName(unit: number): string {
  if (isSame(unit, Z_UNITS.metre)) return 'metres';
  if (isSame(unit, Z_UNITS.foot)) return 'feet';
  return isSame(unit, Z_UNITS['us-foot']) ? 'US survey feet' : `units of ${unit} m`;
}
