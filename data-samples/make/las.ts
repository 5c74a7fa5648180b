// make/las.ts: returns to the bytes of a LAS 1.4 file, point format 6, with the CRS as WKT. Pure.
import type { Return } from './scan.ts';

const HEADER_BYTES = 375, VLR_HEADER_BYTES = 54, POINT_BYTES = 30;
const SCAN_ANGLE_STEP_DEG = 0.006;

/** WKT of EPSG:32611, as OGC 01-009 writes it, which is what LAS 1.4 asks for. */
const WKT_32611 =
  'PROJCS["WGS 84 / UTM zone 11N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],' +
  'PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]],' +
  'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",-117],PARAMETER["scale_factor",0.9996],' +
  'PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST],AXIS["Northing",NORTH],AUTHORITY["EPSG","32611"]]';

export interface LasOptions {
  /** added to x and y of every return, whole millimetres: the corner of the extent in EPSG:32611 */
  x0M: number;
  y0M: number;
  /** added to x, y, z by the file's header, whole metres */
  offsetM: [number, number, number];
  /** GPS time of second 0, adjusted standard time */
  gpsStart: number;
  /** what the header gives as the day of its making */
  created: { year: number; dayOfYear: number };
}

/**
 * Encode returns as LAS 1.4: coordinates are whole millimetres (scale 0.001), so every reader finds the same numbers.
 *
 * @param returns  in the order in which they are written
 */
export function encodeLas(returns: Return[], options: LasOptions): Uint8Array {
  const wkt = new TextEncoder().encode(`${WKT_32611}\0`);
  const dataAt = HEADER_BYTES + VLR_HEADER_BYTES + wkt.length;
  const bytes = new Uint8Array(dataAt + POINT_BYTES * returns.length), view = new DataView(bytes.buffer);
  writeWktRecord(bytes, view, wkt);
  const [ox, oy, oz] = options.offsetM;
  const lowest = [Infinity, Infinity, Infinity], highest = [-Infinity, -Infinity, -Infinity];
  returns.forEach((r, i) => {
    const at = dataAt + POINT_BYTES * i;
    const xyz = [r.x + (options.x0M - ox), r.y + (options.y0M - oy), r.z - oz].map((metres) => Math.round(metres * 1000));
    xyz.forEach((mm, axis) => {
      view.setInt32(at + 4 * axis, mm, true);
      lowest[axis] = Math.min(lowest[axis]!, mm);
      highest[axis] = Math.max(highest[axis]!, mm);
    });
    writeAttributes(view, at + 12, r, options.gpsStart);
  });
  writeHeader(bytes, view, { options, dataAt, returns, lowest, highest });
  return bytes;
}

function writeAttributes(view: DataView, at: number, r: Return, gpsStart: number): void {
  view.setUint16(at, r.intensity, true);
  view.setUint8(at + 2, r.returnNumber | (r.returnCount << 4));
  view.setUint8(at + 3, (r.withheld ? 4 : 0) | (r.overlap ? 8 : 0) | (r.edgeOfLine ? 128 : 0));
  view.setUint8(at + 4, r.classification);
  view.setInt16(at + 6, Math.round(r.scanAngleDeg / SCAN_ANGLE_STEP_DEG), true);
  view.setUint16(at + 8, r.lineNo, true);
  view.setFloat64(at + 10, gpsStart + Math.round(r.seconds * 1e6) / 1e6, true);
}

function writeWktRecord(bytes: Uint8Array, view: DataView, wkt: Uint8Array): void {
  writeText(bytes, HEADER_BYTES + 2, 'LASF_Projection');
  view.setUint16(HEADER_BYTES + 18, 2112, true);
  view.setUint16(HEADER_BYTES + 20, wkt.length, true);
  writeText(bytes, HEADER_BYTES + 22, 'OGC coordinate system WKT');
  bytes.set(wkt, HEADER_BYTES + VLR_HEADER_BYTES);
}

interface HeaderFields { options: LasOptions; dataAt: number; returns: Return[]; lowest: number[]; highest: number[] }

/** Offsets as in the LAS 1.4 specification, table 3. */
function writeHeader(bytes: Uint8Array, view: DataView, { options, dataAt, returns, lowest, highest }: HeaderFields): void {
  writeText(bytes, 0, 'LASF');
  view.setUint16(6, 1 | 16, true); // GPS time is adjusted standard time; the CRS is WKT
  view.setUint8(24, 1);
  view.setUint8(25, 4);
  writeText(bytes, 26, 'SYNTHETIC');
  writeText(bytes, 58, 'understory data-samples/make');
  view.setUint16(90, options.created.dayOfYear, true);
  view.setUint16(92, options.created.year, true);
  view.setUint16(94, HEADER_BYTES, true);
  view.setUint32(96, dataAt, true);
  view.setUint32(100, 1, true);
  view.setUint8(104, 6);
  view.setUint16(105, POINT_BYTES, true);
  for (let axis = 0; axis < 3; axis++) {
    const offset = options.offsetM[axis]!, metres = (mm: number) => (Number.isFinite(mm) ? mm + offset * 1000 : offset * 1000) / 1000;
    view.setFloat64(131 + 8 * axis, 0.001, true);
    view.setFloat64(155 + 8 * axis, offset, true);
    view.setFloat64(179 + 16 * axis, metres(highest[axis]!), true);
    view.setFloat64(187 + 16 * axis, metres(lowest[axis]!), true);
  }
  view.setBigUint64(247, BigInt(returns.length), true);
  const byReturn = new Array<number>(15).fill(0);
  for (const { returnNumber } of returns) byReturn[returnNumber - 1]!++;
  byReturn.forEach((count, i) => view.setBigUint64(255 + 8 * i, BigInt(count), true));
}

function writeText(bytes: Uint8Array, at: number, text: string): void {
  bytes.set(new TextEncoder().encode(text), at);
}
