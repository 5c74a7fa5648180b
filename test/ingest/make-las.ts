// test/ingest/make-las.ts: write LAS files for tests: versions 1.0-1.4, point formats 0-3 and 6-8, extra bytes, VLRs, EVLRs. Pure.

export type LasVersion = '1.0' | '1.1' | '1.2' | '1.3' | '1.4';

/** A point in file units; what is left out is 0, or 1 for return number, return count and class. */
export interface LasPoint {
  x: number;
  y: number;
  z: number;
  intensity?: number;
  returnNumber?: number;
  returnCount?: number;
  classification?: number;
  withheld?: boolean;
  /** formats 6-8 only; older ones say it with class 12 */
  overlap?: boolean;
  synthetic?: boolean;
  keyPoint?: boolean;
  gpsTime?: number;
  pointSource?: number;
  scanAngle?: number;
  userData?: number;
  rgb?: [number, number, number];
  nir?: number;
  /** raw values of the extra bytes, in their order */
  extra?: number[];
}

export type ExtraType = keyof typeof EXTRA_TYPES;

export interface ExtraBytesSpec {
  name: string;
  type: ExtraType;
  scale?: number;
  offset?: number;
  /** raw */
  noData?: number;
}

export interface VlrSpec {
  userId: string;
  recordId: number;
  content: Uint8Array;
}

export interface LasSpec {
  points: readonly LasPoint[];
  /** default 1 */
  pointFormat?: number;
  /** default 1.2 for formats 0-3, 1.4 for 6-8 */
  version?: LasVersion;
  /** default 0.01 */
  scale?: [number, number, number];
  /** default 0 */
  offset?: [number, number, number];
  extraBytes?: readonly ExtraBytesSpec[];
  /** one record for each of them, as some writers do */
  splitExtraBytes?: boolean;
  /** written as LASF_Projection 2112, and the header's WKT bit set in LAS 1.4 */
  wkt?: string;
  /** written as LASF_Projection 34735-34737: numbers up to 65535 in place, other numbers and lists as doubles, texts as ASCII */
  geoKeys?: Record<number, number | string | number[]>;
  vlrs?: readonly VlrSpec[];
  /** LAS 1.4 only */
  evlrs?: readonly VlrSpec[];
  /** default: those of the points */
  min?: [number, number, number];
  max?: [number, number, number];
  system?: string;
  software?: string;
  createdYear?: number;
  createdDay?: number;
  /** LAS 1.4: leave the old 32-bit count 0, as many writers do. Default true for formats 6-8, where it must be */
  noLegacyCount?: boolean;
  /** bytes between the VLRs and the points; LAS 1.0 has 2 by default */
  gap?: number;
}

/** [number of the type, bytes, setter] */
const EXTRA_TYPES = {
  uint8: [1, 1, (v: DataView, at: number, x: number) => v.setUint8(at, x)],
  int8: [2, 1, (v: DataView, at: number, x: number) => v.setInt8(at, x)],
  uint16: [3, 2, (v: DataView, at: number, x: number) => v.setUint16(at, x, true)],
  int16: [4, 2, (v: DataView, at: number, x: number) => v.setInt16(at, x, true)],
  uint32: [5, 4, (v: DataView, at: number, x: number) => v.setUint32(at, x, true)],
  int32: [6, 4, (v: DataView, at: number, x: number) => v.setInt32(at, x, true)],
  uint64: [7, 8, (v: DataView, at: number, x: number) => v.setBigUint64(at, BigInt(x), true)],
  int64: [8, 8, (v: DataView, at: number, x: number) => v.setBigInt64(at, BigInt(x), true)],
  float32: [9, 4, (v: DataView, at: number, x: number) => v.setFloat32(at, x, true)],
  float64: [10, 8, (v: DataView, at: number, x: number) => v.setFloat64(at, x, true)],
} as const;

const BASE_BYTES: Record<number, number> = { 0: 20, 1: 28, 2: 26, 3: 34, 6: 30, 7: 36, 8: 38 };
const HEADER_BYTES: Record<LasVersion, number> = { '1.0': 227, '1.1': 227, '1.2': 227, '1.3': 235, '1.4': 375 };

/** A LAS file as bytes. */
export function makeLas(spec: LasSpec): Uint8Array {
  return assembleLas(spec, { body: () => concat(encodeRecords(spec)) });
}

/** The uncompressed records of a file, one array a point. */
export function encodeRecords(spec: LasSpec): Uint8Array[] {
  return spec.points.map((point) => encodeRecord(point, spec));
}

export const recordLengthOf = ({ pointFormat = 1, extraBytes = [] }: LasSpec): number =>
  BASE_BYTES[pointFormat]! + extraBytes.reduce((sum, { type }) => sum + EXTRA_TYPES[type][1], 0);

export interface LasBody {
  /** the bytes from the point data on, up to the EVLRs */
  body: (pointOffset: number) => Uint8Array;
  compressed?: boolean;
  firstVlrs?: readonly VlrSpec[];
  /** EVLRs that need to know where the points lie */
  evlrsAt?: (evlrStart: number, pointOffset: number) => readonly VlrSpec[];
  /** VLR contents that need to know where things lie, patched in after all else is placed */
  finish?: (file: Uint8Array, places: { pointOffset: number; evlrStart: number }) => void;
}

/** Header, VLRs, a body of any kind, EVLRs. */
export function assembleLas(spec: LasSpec, { body, compressed = false, firstVlrs = [], evlrsAt, finish }: LasBody): Uint8Array {
  const { vlrs = [], evlrs = [] } = spec, version = versionOf(spec);
  const records = [...firstVlrs, ...projectionVlrs(spec), ...extraBytesVlrs(spec), ...vlrs].map((vlr) => encodeVlr(vlr, 54));
  const gap = new Uint8Array(spec.gap ?? (version === '1.0' ? 2 : 0));
  if (version === '1.0' && gap.length >= 2) gap.set([0xdd, 0xcc], gap.length - 2); // LAS 1.0 signs the start of its points
  const front = concat([...records, gap]);
  const pointOffset = HEADER_BYTES[version] + front.length;
  const points = body(pointOffset), evlrStart = pointOffset + points.length;
  const extended = [...(evlrsAt?.(evlrStart, pointOffset) ?? []), ...evlrs].map((vlr) => encodeVlr(vlr, 60));
  const header = encodeHeader(spec, { pointOffset, vlrCount: records.length, evlrStart: extended.length > 0 ? evlrStart : 0, evlrCount: extended.length, compressed });
  const file = concat([header, front, points, ...extended]);
  finish?.(file, { pointOffset, evlrStart });
  return file;
}

const versionOf = ({ version, pointFormat = 1 }: LasSpec): LasVersion => version ?? (pointFormat >= 6 ? '1.4' : '1.2');

interface Places { pointOffset: number; vlrCount: number; evlrStart: number; evlrCount: number; compressed: boolean }

function encodeHeader(spec: LasSpec, { pointOffset, vlrCount, evlrStart, evlrCount, compressed }: Places): Uint8Array {
  const { points, pointFormat = 1, scale = [0.01, 0.01, 0.01], offset = [0, 0, 0] } = spec, version = versionOf(spec);
  const bytes = new Uint8Array(HEADER_BYTES[version]), view = new DataView(bytes.buffer);
  putText(bytes, 0, 'LASF');
  view.setUint16(6, version === '1.4' && spec.wkt !== undefined ? 0x10 : 0, true);
  bytes.set([Number(version[0]), Number(version[2])], 24);
  putText(bytes, 26, spec.system ?? 'test');
  putText(bytes, 58, spec.software ?? 'make-las');
  view.setUint16(90, spec.createdDay ?? 1, true);
  view.setUint16(92, spec.createdYear ?? 2024, true);
  view.setUint16(94, bytes.length, true);
  view.setUint32(96, pointOffset, true);
  view.setUint32(100, vlrCount, true);
  view.setUint8(104, pointFormat | (compressed ? 0x80 : 0));
  view.setUint16(105, recordLengthOf(spec), true);
  const hidden = version === '1.4' && (spec.noLegacyCount ?? pointFormat >= 6);
  view.setUint32(107, hidden ? 0 : points.length, true);
  for (let r = 1; r <= 5 && !hidden; r++) view.setUint32(107 + 4 * r, points.filter((p) => (p.returnNumber ?? 1) === r).length, true);
  const [min, max] = [spec.min ?? bound(spec, Math.min), spec.max ?? bound(spec, Math.max)];
  for (let axis = 0; axis < 3; axis++) {
    view.setFloat64(131 + 8 * axis, scale[axis]!, true);
    view.setFloat64(155 + 8 * axis, offset[axis]!, true);
    view.setFloat64(179 + 16 * axis, max[axis]!, true);
    view.setFloat64(187 + 16 * axis, min[axis]!, true);
  }
  if (version !== '1.4') return bytes;
  view.setBigUint64(235, BigInt(evlrStart), true);
  view.setUint32(243, evlrCount, true);
  view.setBigUint64(247, BigInt(points.length), true);
  for (let r = 1; r <= 15; r++) view.setBigUint64(247 + 8 * r, BigInt(points.filter((p) => (p.returnNumber ?? 1) === r).length), true);
  return bytes;
}

/** The file's integer for a coordinate. */
export const rawOf = (value: number, scale: number, offset: number): number => Math.round((value - offset) / scale);

function bound({ points, scale = [0.01, 0.01, 0.01], offset = [0, 0, 0] }: LasSpec, pick: (...v: number[]) => number): [number, number, number] {
  const of = (axis: 0 | 1 | 2, key: 'x' | 'y' | 'z'): number =>
    points.length === 0 ? 0 : points.map((p) => rawOf(p[key], scale[axis], offset[axis]) * scale[axis] + offset[axis]).reduce((a, b) => pick(a, b));
  return [of(0, 'x'), of(1, 'y'), of(2, 'z')];
}

function encodeRecord(point: LasPoint, spec: LasSpec): Uint8Array {
  const { pointFormat = 1, scale = [0.01, 0.01, 0.01], offset = [0, 0, 0], extraBytes = [] } = spec;
  const bytes = new Uint8Array(recordLengthOf(spec)), view = new DataView(bytes.buffer);
  (['x', 'y', 'z'] as const).forEach((key, axis) => view.setInt32(4 * axis, rawOf(point[key], scale[axis]!, offset[axis]!), true));
  view.setUint16(12, point.intensity ?? 0, true);
  if (pointFormat < 6) encodeLegacy(view, point, pointFormat);
  else encodeModern(view, point, pointFormat);
  let at = BASE_BYTES[pointFormat]!;
  extraBytes.forEach(({ type }, i) => {
    const [, size, set] = EXTRA_TYPES[type];
    set(view, at, point.extra?.[i] ?? 0);
    at += size;
  });
  return bytes;
}

function encodeLegacy(view: DataView, point: LasPoint, pointFormat: number): void {
  view.setUint8(14, (point.returnNumber ?? 1) | ((point.returnCount ?? 1) << 3));
  view.setUint8(15, (point.classification ?? 1) | (point.synthetic ? 32 : 0) | (point.keyPoint ? 64 : 0) | (point.withheld ? 128 : 0));
  view.setInt8(16, point.scanAngle ?? 0);
  view.setUint8(17, point.userData ?? 0);
  view.setUint16(18, point.pointSource ?? 0, true);
  if (pointFormat === 1 || pointFormat === 3) view.setFloat64(20, point.gpsTime ?? 0, true);
  const rgbAt = { 2: 20, 3: 28 }[pointFormat];
  if (rgbAt) point.rgb?.forEach((band, i) => view.setUint16(rgbAt + 2 * i, band, true));
}

function encodeModern(view: DataView, point: LasPoint, pointFormat: number): void {
  view.setUint8(14, (point.returnNumber ?? 1) | ((point.returnCount ?? 1) << 4));
  view.setUint8(15, (point.synthetic ? 1 : 0) | (point.keyPoint ? 2 : 0) | (point.withheld ? 4 : 0) | (point.overlap ? 8 : 0));
  view.setUint8(16, point.classification ?? 1);
  view.setUint8(17, point.userData ?? 0);
  view.setInt16(18, point.scanAngle ?? 0, true);
  view.setUint16(20, point.pointSource ?? 0, true);
  view.setFloat64(22, point.gpsTime ?? 0, true);
  if (pointFormat >= 7) point.rgb?.forEach((band, i) => view.setUint16(30 + 2 * i, band, true));
  if (pointFormat === 8) view.setUint16(36, point.nir ?? 0, true);
}

function encodeVlr({ userId, recordId, content }: VlrSpec, header: 54 | 60): Uint8Array {
  const bytes = new Uint8Array(header + content.length), view = new DataView(bytes.buffer);
  putText(bytes, 2, userId);
  view.setUint16(18, recordId, true);
  if (header === 54) view.setUint16(20, content.length, true);
  else view.setBigUint64(20, BigInt(content.length), true);
  bytes.set(content, header);
  return bytes;
}

function projectionVlrs({ wkt, geoKeys }: LasSpec): VlrSpec[] {
  const vlrs: VlrSpec[] = [];
  if (geoKeys) vlrs.push(...geoKeyVlrs(geoKeys));
  if (wkt !== undefined) vlrs.push({ userId: 'LASF_Projection', recordId: 2112, content: new TextEncoder().encode(`${wkt}\0`) });
  return vlrs;
}

function geoKeyVlrs(geoKeys: NonNullable<LasSpec['geoKeys']>): VlrSpec[] {
  const doubles: number[] = [], directory: number[] = [];
  let ascii = '';
  for (const [key, value] of Object.entries(geoKeys).sort(([a], [b]) => Number(a) - Number(b))) {
    if (typeof value === 'string') {
      directory.push(Number(key), 34737, value.length + 1, ascii.length);
      ascii += `${value}|`;
    } else if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535) {
      directory.push(Number(key), 0, 1, value);
    } else {
      const numbers = [value].flat();
      directory.push(Number(key), 34736, numbers.length, doubles.length);
      doubles.push(...numbers);
    }
  }
  const shorts = Uint16Array.from([1, 1, 0, directory.length / 4, ...directory]);
  return [
    { userId: 'LASF_Projection', recordId: 34735, content: new Uint8Array(shorts.buffer) },
    { userId: 'LASF_Projection', recordId: 34736, content: new Uint8Array(Float64Array.from(doubles).buffer) },
    { userId: 'LASF_Projection', recordId: 34737, content: new TextEncoder().encode(ascii) },
  ];
}

function extraBytesVlrs({ extraBytes = [], splitExtraBytes = false }: LasSpec): VlrSpec[] {
  if (extraBytes.length === 0) return [];
  const descriptors = extraBytes.map(({ name, type, scale, offset, noData }) => {
    const bytes = new Uint8Array(192), view = new DataView(bytes.buffer);
    bytes[2] = EXTRA_TYPES[type][0];
    bytes[3] = (noData !== undefined ? 1 : 0) | (scale !== undefined ? 8 : 0) | (offset !== undefined ? 16 : 0);
    putText(bytes, 4, name);
    if (noData !== undefined && type.startsWith('float')) view.setFloat64(40, noData, true);
    else if (noData !== undefined) view.setBigInt64(40, BigInt(noData), true);
    if (scale !== undefined) view.setFloat64(112, scale, true);
    if (offset !== undefined) view.setFloat64(136, offset, true);
    return bytes;
  });
  return (splitExtraBytes ? descriptors : [concat(descriptors)]).map((content) => ({ userId: 'LASF_Spec', recordId: 4, content }));
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  bytes.set(new TextEncoder().encode(text), at);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
