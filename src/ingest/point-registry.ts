// ingest/point-registry.ts: the LiDAR formats, each loaded when first asked for. IO.
import type { ByteSource } from '../files/byte-source.ts';
import type { LasFile } from './las-file.ts';
import type { PointFileHeader, PointReader } from './point-reader.ts';

/** How the points of one format are read, once the header is known. */
export interface PointFormat {
  name: PointFileHeader['format'];
  open(source: ByteSource, file: LasFile): Promise<PointReader>;
}

export const pointFormats = new Map<PointFileHeader['format'], () => Promise<PointFormat>>([
  ['las', () => import('./las.ts').then((m) => m.las)],
  ['laz', () => import('./laz.ts').then((m) => m.laz)],
  ['copc', () => import('./copc.ts').then((m) => m.copc)],
]);
