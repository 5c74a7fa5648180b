// ingest/point-reader.ts: what every LiDAR reader gives, and the way in: a file's header chooses its reader. IO.
import type { ByteSource } from '../files/byte-source.ts';
import type { Box } from '../types.ts';
import { readLasFile, withFront } from './las-file.ts';
import { pointFormats } from './point-registry.ts';

/** What a file says about its coordinate system, as it says it; whether that is usable is for the caller to judge. */
export interface CrsStatement {
  /** the text, where the statement is WKT */
  wkt: string | null;
  /** code of the horizontal CRS; null where the file gives none, or "user defined" */
  epsg: number | null;
  verticalEpsg: number | null;
  source: 'wkt' | 'geotiff';
  /** GeoTIFF keys as they came, also beside a WKT that takes precedence; null where the file has none */
  geoKeys: Record<number, number | string | number[]> | null;
}

/** The header of a LiDAR file, in file units, as it stands in the file. */
export interface PointFileHeader {
  format: 'las' | 'laz' | 'copc';
  /** '1.4' */
  version: string;
  /** 0-3 or 6-8, without compression bits */
  pointFormat: number;
  pointCount: number;
  /** bytes in an uncompressed record, extra bytes included */
  recordLength: number;
  scale: [number, number, number];
  offset: [number, number, number];
  min: [number, number, number];
  max: [number, number, number];
  crs: CrsStatement | null;
  /** `type` as numpy calls it (uint16, float64 ...), `float32[3]` for the old arrays, `bytes[n]` where undocumented */
  extraBytes: { name: string; type: string }[];
  createdYear: number;
  createdDay: number;
  system: string;
  software: string;
}

/** One chunk of decoded records in file order, raw: x, y, z are the file's integers. All arrays have length `count`. */
export interface RawPoints {
  count: number;
  x: Int32Array;
  y: Int32Array;
  z: Int32Array;
  intensity: Uint16Array;
  returnNumber: Uint8Array;
  returnCount: Uint8Array;
  /** ASPRS class without flag bits */
  classification: Uint8Array;
  /** bit 0 withheld, 1 overlap, 2 synthetic, 3 key point */
  flags: Uint8Array;
  /** as in the file, NaN included; 0 in formats without time */
  gpsTime: Float64Array;
  pointSource: Uint16Array;
  /** the extra bytes asked for, by name: scaled values, NaN for the field's no-data value */
  extra?: Record<string, Float64Array>;
}

export interface ChunkOptions {
  /** file units; a COPC file then reads only the nodes that meet it. Points outside may still come: a box saves reading, it does not select */
  box?: Box;
  /** names of extra bytes to decode into `extra` */
  extraBytes?: readonly string[];
}

export interface PointReader {
  header: PointFileHeader;
  /**
   * All points, chunk by chunk, in file order; memory holds one chunk. Each call reads the file anew.
   * @throws {InvalidInput} where the data are damaged or fewer than the header says
   */
  chunks(options?: ChunkOptions): AsyncIterable<RawPoints>;
}

/**
 * Open a LAS, LAZ or COPC file: read its header and records about it, and choose the reader. Points are not read.
 *
 * The file is known by its bytes, not by its name. The caller closes `source`, after the last chunk.
 *
 * @throws {UnsupportedInput} for a kind of file that this program does not read; says what to convert it to
 * @throws {InvalidInput} when the header is damaged, or promises more points than the file can hold
 * @throws {IoError} when the file is cut short
 */
export async function openPointFile(source: ByteSource): Promise<PointReader> {
  const fronted = await withFront(source), file = await readLasFile(fronted);
  const format = await pointFormats.get(file.header.format)!();
  return format.open(fronted, file);
}
