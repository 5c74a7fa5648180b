// ingest/las-crs.ts: the CRS that a LAS file states, from its WKT or its GeoTIFF keys. Pure.
import { codeOf } from '../geo/crs-statement.ts';
import { readWkt } from '../geo/crs-wkt.ts';
import type { CrsStatement } from './point-reader.ts';

export interface CrsRecords {
  /** LASF_Projection 2112 */
  wkt?: Uint8Array | undefined;
  /** LASF_Projection 34735, 34736, 34737 */
  keys?: Uint8Array | undefined;
  doubles?: Uint8Array | undefined;
  ascii?: Uint8Array | undefined;
  /** global encoding bit 4 of the header */
  wktFirst: boolean;
}

const GEOGRAPHIC_KEY = 2048, PROJECTED_KEY = 3072, VERTICAL_KEY = 4096;

/**
 * The statement that counts. With both kinds in a file, the header's WKT bit decides; without the bit GeoTIFF keys
 * come first if they name a CRS, else the WKT (writers add one for a CRS without a code). Codes are never looked up here.
 *
 * @returns null when the file states nothing: no records, an empty text, keys that name nothing
 */
export function crsOfRecords({ wkt: wktBytes, keys, doubles, ascii, wktFirst }: CrsRecords): CrsStatement | null {
  const wkt = wktBytes ? textOf(wktBytes) : '';
  const geoKeys = keys ? parseGeoKeys(keys, doubles, ascii) : null;
  const coded = geoKeys ? epsgOfKeys(geoKeys) : null;
  const reading = readWkt(wkt);
  if (reading && (wktFirst || coded === null || coded.epsg === null)) {
    return { wkt, epsg: reading.horizontal?.epsg ?? null, verticalEpsg: reading.vertical?.epsg ?? null, source: 'wkt', geoKeys };
  }
  if (geoKeys && Object.keys(geoKeys).length > 0 && coded) return { wkt: null, ...coded, source: 'geotiff', geoKeys };
  return null;
}

const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes).replace(/\0[^]*$/, '').trim();

function epsgOfKeys(keys: NonNullable<CrsStatement['geoKeys']>): { epsg: number | null; verticalEpsg: number | null } {
  const code = (key: number): number | null => codeOf(keys[key]);
  // a projected CRS that is user-defined is not the geographic CRS beneath it
  const epsg = keys[PROJECTED_KEY] === undefined || keys[PROJECTED_KEY] === 0 ? code(GEOGRAPHIC_KEY) : code(PROJECTED_KEY);
  return { epsg, verticalEpsg: code(VERTICAL_KEY) };
}

/**
 * Parse the GeoTIFF key directory: {key, where the value is, count, value or index} in 16 bits each.
 * Keys whose value lies outside its record are left out, as is all that follows the end of a short directory:
 * damage here does not make the points unreadable, and what is missing shows as a CRS that is not stated.
 */
export function parseGeoKeys(directory: Uint8Array, doubles?: Uint8Array, ascii?: Uint8Array): Record<number, number | string | number[]> {
  const keys: Record<number, number | string | number[]> = {};
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
  if (directory.length < 8) return keys;
  const count = Math.min(view.getUint16(6, true), Math.floor(directory.length / 8) - 1);
  for (let i = 0; i < count; i++) {
    const at = 8 + 8 * i, id = view.getUint16(at, true), place = view.getUint16(at + 2, true);
    const length = view.getUint16(at + 4, true), value = view.getUint16(at + 6, true);
    const read = readKey({ place, length, value }, doubles, ascii);
    if (read !== null && id !== 0) keys[id] = read; // key 0 is padding
  }
  return keys;
}

function readKey({ place, length, value }: { place: number; length: number; value: number }, doubles?: Uint8Array, ascii?: Uint8Array): number | string | number[] | null {
  if (place === 0) return value;
  if (place === 34736 && doubles && length > 0 && 8 * (value + length) <= doubles.length) {
    const view = new DataView(doubles.buffer, doubles.byteOffset, doubles.byteLength);
    const numbers = Array.from({ length }, (_, i) => view.getFloat64(8 * (value + i), true));
    return length === 1 ? numbers[0]! : numbers;
  }
  if (place === 34737 && ascii && value + length <= ascii.length) {
    return new TextDecoder('latin1').decode(ascii.subarray(value, value + length)).replace(/[|\0]+$/, ''); // "|" ends a text
  }
  return null;
}
