// geo/crs.ts: coordinate reference systems by EPSG code, and transformations between them: always x,y = east, north. Pure.
import proj4, { type Converter } from 'proj4';
import { InvalidInput } from '../errors.ts';
import { geographicRow, projectedRow, unpack } from './crs-table.ts';
import { shards } from './epsg/shards.ts';
import { roundTo } from './units.ts';

export interface Crs {
  epsg: number;
  /** EPSG's name: `NAD83 / UTM zone 11N` */
  name: string;
  /** false: x,y = longitude, latitude in degrees */
  isProjected: boolean;
  /** `metre`, `foot`, `US survey foot`, `degree` ... */
  unit: string;
  /** metres in one unit; null for degrees */
  unitToMetre: number | null;
  /** code of the geographic CRS beneath: its own for a geographic one */
  base: number;
  /** definition with the shift to WGS 84 */
  proj4: string;
  /** degrees; east < west where it crosses the date line */
  areaOfUse: { west: number; south: number; east: number; north: number };
  /** accuracy that EPSG states for the transformation to WGS 84, metres */
  accuracyM: number | null;
  /** what a user should know: a better transformation that needs a grid; null mostly */
  note: string | null;
  /** PROJJSON text, as DuckDB's GEOMETRY and GeoParquet want it */
  projjson(): Promise<string>;
}

const cache = new Map<number, Crs>();

/** The number of a code written as `EPSG:32611`, which whoever took it has checked. */
export const epsgOfCode = (code: string): number => Number(code.slice('EPSG:'.length));

/**
 * The CRS of an EPSG code.
 *
 * @throws {InvalidInput} for a code that is not in the table (vertical, compound, deprecated, unknown), and for one that cannot be
 *   used: its transformation to WGS 84 needs a grid, or its method is not one that proj4 computes as PROJ does; the reason is named
 */
export function crsFromEpsg(epsg: number): Crs {
  const known = cache.get(epsg);
  if (known) return known;
  const projected = projectedRow(epsg), row = projected ?? geographicRow(epsg);
  if (!row) {
    throw new InvalidInput(`EPSG:${epsg} is no projected or two-dimensional geographic CRS in the EPSG table; look the code up, or reproject to one that is`, { epsg });
  }
  if (row.problem !== '') throw new InvalidInput(`EPSG:${epsg} (${row.name}) cannot be used: ${row.problem}; reproject to a CRS of the same area, such as its UTM zone`, { epsg });
  const [west, south, east, north] = row.area;
  const crs: Crs = {
    epsg, name: row.name, isProjected: projected !== undefined, unit: row.unit, unitToMetre: projected?.unitToMetre ?? null, base: projected?.base ?? epsg,
    proj4: row.proj4, areaOfUse: { west, south, east, north }, accuracyM: row.accuracyM, note: row.note === '' ? null : row.note,
    projjson: () => projjsonOf(epsg),
  };
  cache.set(epsg, crs);
  return crs;
}

async function projjsonOf(epsg: number): Promise<string> {
  const shard = shards.get(Math.floor(epsg / 1000));
  const record = shard && (unpack((await shard()).packed) as Record<string, unknown>)[epsg];
  if (record === undefined) throw new InvalidInput(`EPSG:${epsg} has no PROJJSON in the EPSG table`, { epsg });
  return JSON.stringify(record);
}

/** The geographic CRS that GeoJSON and the tables' lon and lat are in. */
export const WGS84 = 4326;

export type Transform = (x: number, y: number) => [number, number];

/** A definition without its shift to WGS 84: for CRS of one base. */
export const withoutShift = (definition: string): string => definition.replace(/ \+towgs84=\S+/, '');

/**
 * The transformation of coordinates between two CRS: x,y = east,north (or longitude, latitude in degrees) on both sides, in their own units.
 * Between CRS of one base no datum shift is made; else it goes through WGS 84.
 *
 * The transform throws {InvalidInput} for a point that has no image.
 */
export function transformer(from: Crs, to: Crs): Transform {
  if (from.epsg === to.epsg) return (x, y) => [x, y];
  const same = from.base === to.base;
  const converter = proj4(same ? withoutShift(from.proj4) : from.proj4, same ? withoutShift(to.proj4) : to.proj4);
  return (x, y) => {
    const [tx, ty] = forward(converter, x, y);
    if (Number.isFinite(tx) && Number.isFinite(ty)) return [tx, ty];
    throw new InvalidInput(`the point ${x}, ${y} of EPSG:${from.epsg} has no image in EPSG:${to.epsg} (${to.name}); check the CRS of the input and the order of its axes`, { from: from.epsg, to: to.epsg, x, y });
  };
}

function forward(converter: Converter, x: number, y: number): [number, number] {
  if (!Number.isFinite(x) || !Number.isFinite(y)) return [NaN, NaN]; // proj4 throws texts
  const [tx, ty] = converter.forward([x, y]);
  return [tx ?? NaN, ty ?? NaN];
}

/** Longitude and latitude in WGS 84, degrees, rounded to 1e-7 (about 1 cm). */
export function toLonLat(crs: Crs): Transform {
  const transform = transformer(crs, crsFromEpsg(WGS84));
  return (x, y) => {
    const [lon, lat] = transform(x, y);
    return [roundTo(lon, 7), roundTo(lat, 7)];
  };
}

/**
 * The WGS 84 / UTM zone of a point: 326zz north of the equator, 327zz south. The wider zones of Norway and Svalbard are not followed.
 *
 * @throws {InvalidInput} outside 80 degrees south to 84 degrees north, where UTM ends
 */
export function utmZoneEpsg(lon: number, lat: number): number {
  if (!(lat >= -80 && lat <= 84) || !Number.isFinite(lon)) throw new InvalidInput(`longitude ${lon}, latitude ${lat} has no UTM zone; name a projected CRS with the key crs`, { lon, lat });
  const east = (((lon + 180) % 360) + 360) % 360;
  return (lat >= 0 ? 32600 : 32700) + Math.floor(east / 6) + 1;
}
