// pipeline/survey-crs.ts: the one CRS of a survey, and how each input comes to it, from the job file and what the files say. Nothing is guessed. Pure.
import type { Box } from '../types.ts';
import { InvalidInput, UsageError } from '../errors.ts';
import type { Crs } from '../geo/crs.ts';
import { crsFromEpsg, utmZoneEpsg } from '../geo/crs.ts';
import { lonLatBox, meetsAreaOfUse } from '../geo/crs-box.ts';
import { unionBox } from '../geo/box.ts';
import type { FileCrs, FileStatement } from './input-crs.ts';
import { crsOfKey, nameOf, readStatement, unitName } from './input-crs.ts';
import type { Job } from './job-schema.ts';
import type { SurveyCrs } from './survey.ts';

export type { FileStatement } from './input-crs.ts';

/** How a file's coordinates become the survey's. */
export interface Conversion {
  /** the file's own CRS */
  epsg: number;
  /** metres in one unit of its heights */
  zToMetre: number;
}

export interface SettledCrs {
  crs: SurveyCrs;
  /** by input (lidar, chm, dtm, an image's name), then by path */
  conversions: Map<string, Map<string, Conversion>>;
  /** which CRS and unit of heights the files are in and how far a change of datum may be off: a sentence for each kind */
  notes: string[];
}

/** Degrees beyond its CRS's area of use within which an input is believed. */
export const AREA_MARGIN_DEG = 1;

/**
 * Settle the survey's CRS: `crs` of the job file; else that of the inputs, if they share one in true metres; else the UTM zone of
 * their centre. Point clouds of another CRS are brought to it, and so are height rasters with `lattice: crs`; other rasters must be in it.
 *
 * @throws {UsageError} saying which line of the job file to add or change
 */
export function settleCrs(job: Job, statements: readonly FileStatement[], jobFile: string): SettledCrs {
  const files = statements.map((statement) => readStatement(job, statement, jobFile));
  const own = job.crs === undefined ? sharedCrs(files, jobFile) : givenCrs(job.crs, jobFile), crs = own ?? utmOf(files, jobFile), isOwn = own !== null;
  const conversions: SettledCrs['conversions'] = new Map();
  for (const { statement: { input, path }, crs: { epsg }, zToMetre } of files) conversions.set(input, (conversions.get(input) ?? new Map<string, Conversion>()).set(path, { epsg, zToMetre }));
  for (const file of files) refuseOther(job, file, crs, jobFile);
  const keep = isOwn ? [] : [`the survey's CRS is ${crs.from}: add the line \`crs: EPSG:${crs.epsg}\` to ${jobFile}, so that files which join later cannot move it`];
  return { crs, conversions, notes: [...keep, ...notesOn(files, crsFromEpsg(crs.epsg))] };
}

/** Metres in one unit of the heights of an input whose files must share one. @throws {InvalidInput} where they do not */
export function heightUnitOf({ conversions }: SettledCrs, input: 'chm' | 'dtm'): number {
  const files = [...(conversions.get(input) ?? [])], [first] = files, other = files.find(([, { zToMetre }]) => zToMetre !== first![1].zToMetre);
  if (first && other) throw new InvalidInput(`${first[0]} has heights in ${unitName(first[1].zToMetre)}, ${other[0]} in ${unitName(other[1].zToMetre)}; bring the files of inputs.${input} to one unit`, { source: other[0], path: `inputs.${input}` });
  return first?.[1].zToMetre ?? 1;
}

function givenCrs(text: string, jobFile: string): SurveyCrs {
  const crs = crsOfKey(text, 'crs', jobFile), problem = metresProblem(crs);
  if (problem !== null) throw new UsageError(`${jobFile}: crs: ${nameOf(crs)} ${problem}; name the UTM zone of the area, inputs of other CRS and units are brought to it`, { source: jobFile, path: 'crs' });
  return { epsg: crs.epsg, name: crs.name, from: 'the job file' };
}

/** The inputs' CRS, if they share one in true metres. */
function sharedCrs(files: readonly FileCrs[], jobFile: string): SurveyCrs | null {
  const [first] = files;
  if (!first) throw new UsageError(`${jobFile}: no input could be read, so the survey's CRS is unknown; add the line \`crs: EPSG:N\``, { source: jobFile, path: 'crs' });
  const { crs: { epsg, name }, statement } = first;
  return files.every(({ crs }) => crs.epsg === epsg) && metresProblem(first.crs) === null ? { epsg, name, from: statement.path } : null;
}

function utmOf(files: readonly FileCrs[], jobFile: string): SurveyCrs {
  const codes = [...new Set(files.map(({ crs }) => crs.epsg))].sort((a, b) => a - b), inputs = `the inputs are in EPSG:${codes.join(', EPSG:')}`;
  const box = placeOf(files);
  if (box === null) throw new UsageError(`${jobFile}: ${inputs}, and where they lie is not known, so that no UTM zone can be chosen; add the line \`crs: EPSG:N\``, { source: jobFile, path: 'crs' });
  const lon = (box.x0 + box.x1) / 2, lat = (box.y0 + box.y1) / 2, { epsg, name } = crsFromEpsg(utmZoneEpsg(lon, lat));
  return { epsg, name, from: `the UTM zone of the inputs' centre, longitude ${lon.toFixed(2)}, latitude ${lat.toFixed(2)} (${inputs})` };
}

/** The box of all inputs, degrees. A header's box that lies off the area of use of its own CRS (a stray return) says nothing of the place. */
function placeOf(files: readonly FileCrs[]): Box | null {
  let all: Box | null = null;
  for (const { statement: { box }, crs } of files) {
    const place = box && placed(crs, box);
    if (!place) continue;
    const turn: number = all === null ? 0 : 360 * Math.round((all.x0 - place.x0) / 360); // across the date line
    all = all === null ? place : unionBox(all, { ...place, x0: place.x0 + turn, x1: place.x1 + turn });
  }
  return all;
}

function placed(crs: Crs, box: Box): Box | null {
  try {
    const place = lonLatBox(crs, box);
    return meetsAreaOfUse(crs, { ...place, x1: place.x0, y1: place.y0 }, AREA_MARGIN_DEG) && meetsAreaOfUse(crs, { ...place, x0: place.x1, y0: place.y1 }, AREA_MARGIN_DEG) ? place : null;
  } catch (error) {
    if (error instanceof InvalidInput) return null;
    throw error;
  }
}

/** Rasters keep their pixels: those of another CRS are refused, unless the job has them resampled. */
function refuseOther(job: Job, { statement: { input, path }, crs }: FileCrs, survey: SurveyCrs, jobFile: string): void {
  if (input === 'lidar' || crs.epsg === survey.epsg) return;
  const lattice = input === 'chm' || input === 'dtm' ? job.inputs[input]?.lattice : job.inputs.images[input]?.lattice;
  if (lattice === 'crs') return;
  const isImage = input !== 'chm' && input !== 'dtm', key = isImage ? `inputs.images.${input}` : `inputs.${input}`;
  const ways = [
    `bring it there (gdalwarp -t_srs EPSG:${survey.epsg})`, `add \`lattice: crs\` to ${key} to have it resampled`,
    ...(metresProblem(crs) === null ? [`${job.crs === undefined ? 'add the line' : 'make it'} \`crs: EPSG:${crs.epsg}\` in ${jobFile}`] : []),
  ];
  throw new UsageError(`${path}: it is in ${nameOf(crs)}, but the survey is in ${nameOf(survey)}, from ${survey.from}; ${ways.join(', or ')}`, { source: path, path: key });
}

/** Projected and in metres by name, but a metre on their map is less than one on the ground: areas at 45 degrees would be doubled. */
const MERCATOR = new Set([3395, 3785, 3857, 3832, 3994, 3996, 41001, 54004, 102100, 900913]);

/** Why a survey cannot be in a CRS, or null. */
function metresProblem(crs: Crs): string | null {
  if (MERCATOR.has(crs.epsg)) return 'is a map of the world whose metres are stretched away from the equator; a survey needs true metres';
  if (crs.isProjected && crs.unitToMetre === 1) return null;
  return `is in ${crs.isProjected ? crs.unit : 'degrees'}; a survey is projected and in metres`;
}

function notesOn(files: readonly FileCrs[], survey: Crs): string[] {
  const kinds = new Map<string, { count: number; file: FileCrs }>();
  for (const file of files) {
    const kind = [file.statement.input, file.crs.epsg, file.zToMetre, file.zFrom].join(' ');
    kinds.set(kind, { count: (kinds.get(kind)?.count ?? 0) + 1, file });
  }
  return [...kinds.values()].map(({ count, file: { statement, crs, zToMetre, zFrom } }) => {
    const moved = crs.epsg === survey.epsg ? '' : `, brought to ${nameOf(survey)}${datumNote(crs, survey)}`;
    return `${statement.input}: ${count} file${count === 1 ? '' : 's'} in ${nameOf(crs)}${moved}${heightNote(zToMetre, zFrom)}`;
  });
}

function heightNote(zToMetre: number, zFrom: FileCrs['zFrom']): string {
  if (zFrom === null) return '';
  if (zFrom === 'horizontal') return '; z in metres, as x and y: the files do not state a vertical CRS';
  return `; z in ${unitName(zToMetre)}, as the ${zFrom === 'file' ? 'files state' : 'job file says'}`;
}

/** EPSG states how good the way from a datum to WGS 84 is; the way between two datums goes through it. */
function datumNote(from: Crs, to: Crs): string {
  if (from.base === to.base) return '';
  const worst = from.accuracyM === null || to.accuracyM === null ? null : Math.max(from.accuracyM, to.accuracyM);
  const notes = [from.note, to.note].filter((note) => note !== null);
  return `, another datum: ${worst === null ? 'of unknown accuracy' : `good to ${worst} m, by EPSG's statement`}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`;
}
