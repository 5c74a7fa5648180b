// files/hash.ts: sha256 of bytes and records, and the fingerprint of a file. IO in `fingerprint` only.
import { createHash } from 'node:crypto';
import type { ByteSource } from './byte-source.ts';

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** JSON with sorted keys and no undefined: equal records give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, v]) => v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
}

/** The content key of a record: the first 40 hex digits of the sha256 of its canonical JSON. */
export const contentKey = (record: unknown): string => sha256(canonicalJson(record)).slice(0, 40);

const PIECE = 64 * 1024, PIECES = 16;

/**
 * Fingerprint of a file: sha256 of its size and of 16 pieces of 64 KiB spread evenly over it (the whole file when it is smaller).
 * It reads no time stamp, so a copied file keeps its fingerprint.
 */
export async function fingerprint(source: ByteSource): Promise<string> {
  const hash = createHash('sha256').update(`${source.size}:`);
  if (source.size <= PIECE * PIECES) return hash.update(await source.read(0, source.size)).digest('hex');
  const step = (source.size - PIECE) / (PIECES - 1);
  for (let i = 0; i < PIECES; i++) hash.update(await source.read(Math.floor(i * step), PIECE));
  return hash.digest('hex');
}

/** sha256 of all bytes, with a mark that sets it apart from a fingerprint of pieces. Reads the file once. */
export async function hashFile(source: ByteSource): Promise<string> {
  const hash = createHash('sha256').update(`${source.size}:whole:`), step = 2 ** 22;
  for (let at = 0; at < source.size; at += step) hash.update(await source.read(at, Math.min(step, source.size - at)));
  return hash.digest('hex');
}
