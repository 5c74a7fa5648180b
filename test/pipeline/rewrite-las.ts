// The sample's point clouds written again in another CRS, unit and scale: for tests.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crsFromEpsg, transformer } from '../../src/geo/crs.ts';

/** The sample's returns are of whole millimetres: half of one aside, none lies on the border of a pixel, and the least shift moves none over. */
const ASIDE_M = 0.0005;

const HEADER_BYTES = 375, VLR_HEADER_BYTES = 54, SAMPLE_EPSG = 32611;

export interface Rewriting {
  /** CRS of the coordinates */
  epsg: number;
  /** metres in one unit of z */
  zToMetre: number;
  /** of x, of y, of z, in the file's units */
  scale: [number, number, number];
  /** what the file says of itself; null: nothing */
  wkt: string | null;
  /** which files: default all */
  only?: (name: string) => boolean;
}

/** Write each LAS file of `dir/lidar` again; every other field of its records stays. */
export async function rewriteLidar(dir: string, { only = () => true, ...rewriting }: Rewriting): Promise<void> {
  const lidar = join(dir, 'lidar');
  for (const name of (await readdir(lidar)).filter(only)) await writeFile(join(lidar, name), rewritten(await readFile(join(lidar, name)), rewriting));
}

function rewritten(bytes: Buffer, { epsg, zToMetre, scale, wkt }: Rewriting): Buffer {
  const start = bytes.readUInt32LE(96), length = bytes.readUInt16LE(105), records = Buffer.from(bytes.subarray(start));
  const read = (axis: number, at: number) => records.readInt32LE(at + 4 * axis) * bytes.readDoubleLE(131 + 8 * axis) + bytes.readDoubleLE(155 + 8 * axis);
  const transform = transformer(crsFromEpsg(SAMPLE_EPSG), crsFromEpsg(epsg)), places: number[][] = [];
  for (let at = 0; at < records.length; at += length) places.push([...transform(read(0, at) + ASIDE_M, read(1, at) + ASIDE_M), read(2, at) / zToMetre]);
  const head = headOf(bytes.subarray(0, HEADER_BYTES), wkt);
  for (let axis = 0; axis < 3; axis++) {
    const step = scale[axis]!, offset = Math.floor(places[0]![axis]!), raw = places.map((place) => Math.round((place[axis]! - offset) / step));
    raw.forEach((value, i) => records.writeInt32LE(value, i * length + 4 * axis));
    head.writeDoubleLE(step, 131 + 8 * axis);
    head.writeDoubleLE(offset, 155 + 8 * axis);
    head.writeDoubleLE(raw.reduce((a, b) => Math.max(a, b)) * step + offset, 179 + 16 * axis);
    head.writeDoubleLE(raw.reduce((a, b) => Math.min(a, b)) * step + offset, 187 + 16 * axis);
  }
  return Buffer.concat([head, records]);
}

/** Header and the one record that states the CRS. */
function headOf(header: Buffer, wkt: string | null): Buffer {
  const text = Buffer.from(wkt === null ? '' : `${wkt}\0`), record = wkt === null ? Buffer.alloc(0) : Buffer.concat([Buffer.alloc(VLR_HEADER_BYTES), text]), head = Buffer.concat([header, record]);
  head.writeUInt32LE(head.length, 96);
  head.writeUInt32LE(wkt === null ? 0 : 1, 100);
  if (wkt === null) return head;
  head.write('LASF_Projection', HEADER_BYTES + 2);
  head.writeUInt16LE(2112, HEADER_BYTES + 18);
  head.writeUInt16LE(text.length, HEADER_BYTES + 20);
  return head;
}
