// ingest/vector-format.ts: what a reader of vector layers gives: raw features, the CRS that the file states. Pure.
import type { ByteSource } from '../files/byte-source.ts';
import type { LayerCrs } from './vector-crs.ts';
import type { GeometryRules } from './vector-geometry.ts';

/** A feature as its file has it; the geometry is in GeoJSON's shape (or loose rings), null where it is empty. */
export interface RawFeature {
  /** counted from 1 in the file's order */
  number: number;
  /** the feature's own id, null without one */
  id: string | number | null;
  /** plain JSON values */
  properties: Record<string, unknown>;
  geometry: unknown;
}

export interface VectorFile {
  /** the file, and its layer where it has several */
  name: string;
  crs: LayerCrs;
  /** what the features' own ids are called: `id`, `fid`; null where the format has none */
  idName: string | null;
  /** direction of outer rings where the format prescribes one */
  outer: GeometryRules['outer'];
  /** reads the file anew each time; `onNote` hears what is not as it should be */
  features(onNote: (note: string) => void): AsyncIterable<RawFeature>;
  /** what the reader itself opened; the source stays the caller's */
  close(): Promise<void>;
}

/** One format of polygon layers. */
export interface VectorFormat {
  /** `GeoPackage` */
  name: string;
  /** true when a file that starts with these bytes (64, or all there are) is of this format */
  matches(head: Uint8Array): boolean;
  /** @throws {InvalidInput} when the file is damaged, or has several layers and none is named */
  open(source: ByteSource, options: { layer: string | null }): Promise<VectorFile>;
}

/**
 * An attribute as a plain JSON value: times as ISO 8601 text, whole numbers beyond 2^53 and numbers that JSON lacks as text or null,
 * bytes as base64.
 */
export function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value ?? null;
}

/**
 * Ranges of a source through a window that is read ahead, for a file read from front to back in small pieces. The bytes must not be changed.
 * What the window holds is not read again: ranges in ascending order make the source read forward only, as a member of a zip must be.
 */
export function readAhead(source: ByteSource, windowBytes = 1 << 20): (offset: number, length: number) => Promise<Uint8Array> {
  let start = 0, window = new Uint8Array(0);
  return async (offset, length) => {
    const end = start + window.length;
    if (offset < start || offset + length > end) {
      const kept = offset >= start && offset < end ? window.subarray(offset - start) : new Uint8Array(0), from = offset + kept.length;
      const read = await source.read(from, Math.max(length - kept.length, Math.min(windowBytes, source.size - from)));
      window = new Uint8Array(kept.length + read.length);
      window.set(kept);
      window.set(read, kept.length);
      start = offset;
    }
    return window.subarray(offset - start, offset - start + length);
  };
}
