// geo/crs-statement.ts: from what a file says about its CRS to a CRS of the table, or the reason why not. Nothing is guessed. Pure.
import { messageOf } from '../errors.ts';
import { crsFromEpsg, type Crs } from './crs.ts';
import { codesByName, verticalRow } from './crs-table.ts';
import { readWkt, type WktCrs, type WktReading } from './crs-wkt.ts';

type GeoKeys = Record<number, number | string | number[]>;

/** A file's own words: WKT, EPSG codes, GeoTIFF keys (by number, `|` cut off). What it lacks is null or left out. */
export interface CrsWords {
  wkt?: string | null | undefined;
  epsg?: number | null | undefined;
  verticalEpsg?: number | null | undefined;
  geoKeys?: GeoKeys | null | undefined;
}

export interface CrsReading {
  crs: Crs | null;
  /** metres in one unit of z as the file states it; null where it does not */
  verticalUnitToMetre: number | null;
  /** code of the vertical CRS, null where none is named */
  verticalEpsg: number | null;
  /** the vertical CRS in words, null where none is named */
  verticalName: string | null;
  /** what the file says of the unit of its heights that cannot all be true; null mostly */
  verticalContradiction: string | null;
  /** false where heights are stated as depths, positive downward */
  zIsUp: boolean;
  /** why `crs` is null; null where it is not */
  reason: string | null;
}

const KEY = { geographic: 2048, projected: 3072, projectedCitation: 3073, linearUnits: 3076, citation: 1026, vertical: 4096, verticalUnits: 4099 };
/** The value of a GeoTIFF key that names no code. */
export const USER_DEFINED = 32767;

/** Relative difference below which two stated units are the same: US survey and international feet differ by 2e-6. */
export const SAME_UNIT = 1e-7;

/** EPSG codes of units of length that files use. */
const LENGTH_UNITS = new Map([[9001, 1], [9002, 0.3048], [9003, 1200 / 3937], [9036, 1000]]);

/**
 * The CRS that a file states. Codes count first, then the name in a WKT or citation without a code, if exactly one CRS of the
 * table has it as EPSG's or ESRI's name. A stated unit that contradicts the CRS, or a WKT and keys that name two CRS, are a reason.
 */
export function crsFromStatement(words: CrsWords): CrsReading {
  const wkt = words.wkt ? readWkt(words.wkt) : null, keys = words.geoKeys ?? {};
  const reading = verticalReading(words, wkt, keys);
  const refuse = (reason: string): CrsReading => ({ ...reading, crs: null, reason });
  const keyCode = codeOf(keys[KEY.projected]) ?? (isNamed(keys[KEY.projected]) ? null : codeOf(keys[KEY.geographic]));
  const wktCode = wkt?.horizontal?.epsg ?? null;
  if (wktCode !== null && keyCode !== null && wktCode !== keyCode) return refuse(`its WKT names EPSG:${wktCode}, its GeoTIFF keys EPSG:${keyCode}`);
  const code = words.epsg ?? wktCode ?? keyCode;
  const named = code === null ? codeOfName(wkt?.horizontal ?? null, keys) : { code, reason: '' };
  if (named.code === null) return refuse(named.reason);
  try {
    const crs = crsFromEpsg(named.code);
    const contradiction = unitContradiction(crs, wkt?.horizontal ?? null, keys);
    return contradiction === null ? { ...reading, crs, reason: null } : refuse(contradiction);
  } catch (error) {
    return refuse(messageOf(error));
  }
}

/** Heights: the code's unit, the WKT's and the keys' must be one. A vertical CRS of a code that is not in the table states its unit beside it, or not at all. */
function verticalReading(words: CrsWords, wkt: WktReading | null, keys: GeoKeys): Omit<CrsReading, 'crs' | 'reason'> {
  const verticalEpsg = words.verticalEpsg ?? wkt?.vertical?.epsg ?? codeOf(keys[KEY.vertical]), row = verticalEpsg === null ? undefined : verticalRow(verticalEpsg);
  const name = row?.name ?? wkt?.vertical?.name ?? null, keyUnit = codeOf(keys[KEY.verticalUnits]);
  const claims = ([
    ['its WKT', wkt?.vertical?.unitToMetre], ['its GeoTIFF keys', keyUnit === null ? undefined : LENGTH_UNITS.get(keyUnit)], [`EPSG:${verticalEpsg} (${row?.name})`, row?.unitToMetre],
  ] as const).flatMap(([who, unit]) => (unit === undefined || unit === null ? [] : [{ who, unit }]));
  const first = claims[0], other = claims.find(({ unit }) => Math.abs(unit / first!.unit - 1) >= SAME_UNIT);
  return {
    verticalEpsg, zIsUp: (row?.up ?? true) && (wkt?.vertical?.isUp ?? true), verticalUnitToMetre: first?.unit ?? null,
    verticalName: verticalEpsg === null ? name : `EPSG:${verticalEpsg}${name === null ? '' : ` (${name})`}`,
    verticalContradiction: first && other ? `${first.who}: a unit of ${first.unit} m, ${other.who}: one of ${other.unit} m` : null,
  };
}

const isNamed = (key: unknown): boolean => key !== undefined && key !== 0;

/** The EPSG code that a GeoTIFF key's value is; null where it names none. */
export const codeOf = (key: unknown): number | null => (typeof key === 'number' && key > 0 && key !== USER_DEFINED ? key : null);

/** Names to try: the WKT's, a WKT within a citation, and the parts `PCS Name = ...` that ESRI writes. */
function codeOfName(horizontal: WktCrs | null, keys: GeoKeys): { code: number | null; reason: string } {
  const citations = [keys[KEY.projectedCitation], keys[KEY.citation]].filter((text) => typeof text === 'string');
  const names = horizontal ? [horizontal.name] : citations.flatMap(namesOfCitation);
  if (names.length === 0) return { code: null, reason: 'it states no CRS' };
  for (const name of names) {
    const codes = codesByName(name);
    if (codes.length === 1) return { code: codes[0]!, reason: '' };
    if (codes.length > 1) return { code: null, reason: `its CRS '${name}' has no code and may be any of EPSG:${codes.join(', EPSG:')}` };
  }
  return { code: null, reason: `its CRS '${names[0]}' has no code, and no CRS of the EPSG table has this name` };
}

function namesOfCitation(text: string): string[] {
  const pe = /ESRI PE String = (.*)/s.exec(text)?.[1], inner = pe ? readWkt(pe)?.horizontal?.name : undefined;
  const pcs = /PCS Name = ([^|]*)/.exec(text)?.[1]?.trim();
  return [...(inner ? [inner] : []), ...(pcs ? [pcs] : []), ...text.split('|').map((part) => part.trim()).filter((part) => part !== '' && !part.includes('='))];
}

function unitContradiction(crs: Crs, horizontal: WktCrs | null, keys: GeoKeys): string | null {
  const stated = horizontal?.unitToMetre ?? LENGTH_UNITS.get(codeOf(keys[KEY.linearUnits]) ?? 0) ?? null;
  if (stated === null || crs.unitToMetre === null || Math.abs(stated / crs.unitToMetre - 1) < SAME_UNIT) return null;
  return `it names EPSG:${crs.epsg} (${crs.name}), which is in ${crs.unit}, but states a unit of ${stated} m`;
}
