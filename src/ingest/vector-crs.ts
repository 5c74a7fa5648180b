// ingest/vector-crs.ts: the CRS of a vector layer, from what its file states and what the job file says. Nothing is guessed. Pure.
import { InvalidInput } from '../errors.ts';
import { crsFromStatement, type CrsReading, type CrsWords } from '../geo/crs-statement.ts';
import type { Crs } from '../geo/crs.ts';
import { readWkt } from '../geo/crs-wkt.ts';

/** What a layer's file states of its CRS: a CRS, or the reason why there is none. */
export type LayerCrs = Pick<CrsReading, 'crs' | 'reason'>;

const NOTHING_STATED = 'it states no CRS';
export const noCrs = (reason: string = NOTHING_STATED): LayerCrs => ({ crs: null, reason });

/** From an organisation's code and a WKT: of a compound CRS the horizontal part, of a CRS that is not EPSG's the WKT alone. */
export function layerCrsOf({ organisation, code, wkt }: { organisation: string | null; code: number | null; wkt: string | null }): LayerCrs {
  const horizontal = wkt === null ? null : readWkt(wkt)?.horizontal ?? null, isCompound = wkt !== null && /^\s*COMP(?:D_CS|OUNDCRS)\b/i.test(wkt);
  const epsg = code !== null && code > 0 && (organisation === null || /^epsg$/i.test(organisation)) ? code : null;
  const words: CrsWords = { wkt: horizontal ? wkt : null, epsg: isCompound && horizontal ? null : epsg };
  const { crs, reason } = crsFromStatement(words);
  if (crs === null && epsg === null && horizontal === null && code !== null && code > 0) return noCrs(`its CRS ${organisation}:${code} is none of EPSG's`);
  return { crs, reason };
}

/**
 * The CRS to read a layer in.
 *
 * @param statedCrs what the job file says, null where it says nothing
 * @param override  take `statedCrs` even where the file says otherwise
 * @throws {InvalidInput} where neither says it, or both do and differ: the line to add is named
 */
export function settleLayerCrs(name: string, stated: LayerCrs, statedCrs: Crs | null, override: boolean): Crs {
  if (statedCrs && override) return statedCrs;
  if (stated.crs === null) {
    if (statedCrs && stated.reason === NOTHING_STATED) return statedCrs;
    const lines = stated.reason === NOTHING_STATED ? 'add the line `crs: EPSG:N` under this input in the job file' : 'if you know it, add the lines `crs: EPSG:N` and `override: true` under this input in the job file';
    throw new InvalidInput(`${name}: its CRS is unknown: ${stated.reason}; ${lines}`, { source: name, path: 'crs' });
  }
  if (statedCrs && statedCrs.epsg !== stated.crs.epsg) {
    throw new InvalidInput(`${name}: it is in EPSG:${stated.crs.epsg} (${stated.crs.name}), but the job file says EPSG:${statedCrs.epsg} (${statedCrs.name}); correct the line \`crs\` under this input, or add \`override: true\` if the file is wrong`, { source: name, path: 'crs', stated: stated.crs.epsg, said: statedCrs.epsg });
  }
  return stated.crs;
}
