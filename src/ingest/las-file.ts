// ingest/las-file.ts: all that stands in a LAS, LAZ or COPC file beside its points. IO.
import type { ByteSource } from '../files/byte-source.ts';
import { crsOfRecords } from './las-crs.ts';
import { parseExtraBytes } from './las-extra-bytes.ts';
import type { ExtraField } from './las-extra-bytes.ts';
import { BASE_RECORD_BYTES, MAX_HEADER_BYTES, parseHeaderBlock } from './las-header.ts';
import type { LasLayout } from './las-header.ts';
import { listVariableRecords, readRecords } from './las-vlr.ts';
import type { VariableRecord } from './las-vlr.ts';
import type { PointFileHeader } from './point-reader.ts';

export interface LasFile {
  header: PointFileHeader;
  layout: LasLayout;
  records: VariableRecord[];
  extraFields: ExtraField[];
}

/** Header and records fit in this in nearly all files: one read opens them. */
const FRONT_BYTES = 16 * 1024;

/** The source with its first bytes in memory: a survey has thousands of files, and each read costs more than its bytes. */
export async function withFront(source: ByteSource): Promise<ByteSource> {
  const front = await source.read(0, Math.min(FRONT_BYTES, source.size));
  return {
    name: source.name,
    size: source.size,
    close: () => source.close(),
    read: async (offset, length) => (offset >= 0 && offset + length <= front.length ? front.subarray(offset, offset + length) : source.read(offset, length)),
  };
}

/** Read the header block and the records about CRS and extra bytes. @throws as `openPointFile` */
export async function readLasFile(source: ByteSource): Promise<LasFile> {
  const { layout, ...block } = parseHeaderBlock(await source.read(0, Math.min(MAX_HEADER_BYTES, source.size)), source.size, source.name);
  const records = await listVariableRecords(source, layout);
  const read = (userId: string, recordId: number): Promise<Uint8Array[]> => readRecords(source, records, userId, recordId);
  const crs = crsOfRecords({
    wkt: (await read('LASF_Projection', 2112))[0] ?? (await read('liblas', 2112))[0], // liblas wrote WKT under its own name
    keys: (await read('LASF_Projection', 34735))[0],
    doubles: (await read('LASF_Projection', 34736))[0],
    ascii: (await read('LASF_Projection', 34737))[0],
    wktFirst: layout.wktFlag,
  });
  const extraFields = parseExtraBytes(await read('LASF_Spec', 4), BASE_RECORD_BYTES[block.pointFormat]!, block.recordLength);
  const extraBytes = extraFields.map(({ name, type }) => ({ name, type }));
  return { header: { format: formatOf(layout, records), ...block, crs, extraBytes }, layout, records, extraFields };
}

/** COPC says so in its first record; any other compressed file is LAZ. */
function formatOf(layout: LasLayout, records: readonly VariableRecord[]): PointFileHeader['format'] {
  if (!layout.compressed) return 'las';
  return records[0]?.userId === 'copc' && records[0].recordId === 1 ? 'copc' : 'laz';
}
