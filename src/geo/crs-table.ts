// geo/crs-table.ts: looking up codes and names in the EPSG table, unpacked once. Pure.
import { brotliDecompressSync } from 'node:zlib';
import type { EpsgTable, GeographicRow, ProjectedRow, VerticalRow } from './epsg/row.ts';
import { packed } from './epsg/table.ts';

interface Lookup {
  projected: Map<number, ProjectedRow>;
  geographic: Map<number, GeographicRow>;
  vertical: Map<number, VerticalRow>;
  /** codes by plain name: EPSG's and ESRI's */
  byName: Map<string, Set<number>>;
}

let unpacked: Lookup | null = null;

export const unpack = (text: string): unknown => JSON.parse(brotliDecompressSync(Buffer.from(text, 'base64')).toString());

/** Letters and digits only, lower case: `NAD83 / UTM zone 11N` and `NAD83_UTM_zone_11N` are one name. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

function lookup(): Lookup {
  if (unpacked) return unpacked;
  const table = unpack(packed) as EpsgTable; // written by make.ts with this type
  const byCode = <R extends { code: number }>(rows: R[]): Map<number, R> => new Map(rows.map((row) => [row.code, row]));
  const byName = new Map<string, Set<number>>();
  for (const { code, name, esriName } of [...table.projected, ...table.geographic]) {
    for (const each of [name, esriName]) if (each !== '') byName.set(plainName(each), (byName.get(plainName(each)) ?? new Set()).add(code));
  }
  unpacked = { projected: byCode(table.projected), geographic: byCode(table.geographic), vertical: byCode(table.vertical), byName };
  return unpacked;
}

export const projectedRow = (code: number): ProjectedRow | undefined => lookup().projected.get(code);
export const geographicRow = (code: number): GeographicRow | undefined => lookup().geographic.get(code);
export const verticalRow = (code: number): VerticalRow | undefined => lookup().vertical.get(code);

/** Codes of projected and geographic CRS that EPSG or ESRI calls by this name, in ascending order. */
export const codesByName = (name: string): number[] => [...(lookup().byName.get(plainName(name)) ?? [])].sort((a, b) => a - b);

/** All projected codes, in ascending order. */
export const projectedCodes = (): number[] => [...lookup().projected.keys()].sort((a, b) => a - b);
