// test/ingest/conformance-las.ts: read every shared LiDAR file with Understory and with other readers, and print the table. IO.
//
//   npx node test/ingest/conformance-las.ts > docs/conformance-las.md
import { load } from '@loaders.gl/core';
import { LASLoader, LAZRsLoader } from '@loaders.gl/las';
import { Copc, Getter } from 'copc';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnderstoryError } from '../../src/errors.ts';
import { openFile } from '../../src/files/byte-source.ts';
import { openPointFile } from '../../src/ingest/point-reader.ts';
import type { PointFileHeader } from '../../src/ingest/point-reader.ts';

const data = fileURLToPath(new URL('../../../shared/data', import.meta.url));
const FOLDERS = ['lidar', 'lidar/pycrown', 'crowns/plots', 'conformance/las'];

/** All LAS and LAZ files beside the project; none where the shared data are absent. */
export async function conformanceFiles(): Promise<string[]> {
  if (!existsSync(data)) return [];
  const lists = await Promise.all(FOLDERS.map(async (folder) => (await readdir(join(data, folder))).sort().map((name) => join(data, folder, name))));
  return lists.flat().filter((path) => /\.la[sz]$/.test(path));
}

/** What two readers are compared by: exact integers, as long as a file has fewer than 2^53 / 2^32 points. */
export interface Sums {
  count: number;
  /** of the file's integers */
  x: number;
  y: number;
  z: number;
  intensity: number;
  classification: number;
}

export interface Reading {
  header: PointFileHeader;
  sums: Sums;
  /** points outside the header's box, grown by a scale unit */
  outside: number;
}

/** Read a file with Understory, all of it. @throws as the reader does */
export async function readOurs(path: string): Promise<Reading> {
  const source = await openFile(path);
  try {
    const { header, chunks } = await openPointFile(source);
    const sums: Sums = { count: 0, x: 0, y: 0, z: 0, intensity: 0, classification: 0 };
    let outside = 0;
    const isOutside = (raw: number, axis: 0 | 1 | 2): boolean => {
      const value = raw * header.scale[axis] + header.offset[axis];
      return value < header.min[axis] - header.scale[axis] || value > header.max[axis] + header.scale[axis];
    };
    for await (const points of chunks()) {
      sums.count += points.count;
      for (let i = 0; i < points.count; i++) {
        const x = points.x[i]!, y = points.y[i]!, z = points.z[i]!;
        sums.x += x;
        sums.y += y;
        sums.z += z;
        sums.intensity += points.intensity[i]!;
        sums.classification += points.classification[i]!;
        if (isOutside(x, 0) || isOutside(y, 1) || isOutside(z, 2)) outside++;
      }
    }
    return { header, sums, outside };
  } finally {
    await source.close();
  }
}

/** laz-rs, the Rust decoder, fetches its wasm over the network unless it is handed the file of its own package. */
let lazRsReady: Promise<void> | null = null;
async function readyLazRs(): Promise<void> {
  const wasm = await readFile(fileURLToPath(new URL('./libs/laz-rs-wasm/laz_rs_wasm_bg.wasm', import.meta.resolve('@loaders.gl/las'))));
  const fetch = globalThis.fetch;
  globalThis.fetch = async () => new Response(wasm, { headers: { 'content-type': 'application/wasm' } });
  // its wasm is loaded by the first parse, here of an empty file
  await LAZRsLoader.parse(new ArrayBuffer(0)).catch(() => {}).finally(() => { globalThis.fetch = fetch; });
}

const LOADERS = { 'laz-rs': LAZRsLoader, 'loaders.gl': LASLoader } as const;

/**
 * Read a file with one of the two loaders of @loaders.gl/las, which give doubles (`fp64`); they are brought back to the
 * file's integers. Their class keeps the flag bits in formats 0-3: they are cut off here.
 */
async function readLoadersGl(path: string, { scale, offset, pointFormat }: PointFileHeader, loader: keyof typeof LOADERS): Promise<Sums> {
  if (loader === 'laz-rs') await (lazRsReady ??= readyLazRs());
  const bytes = await readFile(path);
  const mesh = await load(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), LOADERS[loader], { las: { fp64: true, shape: 'mesh' }, worker: false });
  const { POSITION, intensity, classification } = mesh.attributes as Record<string, { value: ArrayLike<number> } | undefined>;
  const sums: Sums = { count: (POSITION?.value.length ?? 0) / 3, x: 0, y: 0, z: 0, intensity: 0, classification: 0 };
  for (let i = 0; i < sums.count; i++) {
    sums.x += Math.round((POSITION!.value[3 * i]! - offset[0]) / scale[0]);
    sums.y += Math.round((POSITION!.value[3 * i + 1]! - offset[1]) / scale[1]);
    sums.z += Math.round((POSITION!.value[3 * i + 2]! - offset[2]) / scale[2]);
    sums.intensity += intensity!.value[i]!;
    sums.classification += pointFormat < 6 ? classification!.value[i]! & 31 : classification!.value[i]!;
  }
  return sums;
}

/** Read a COPC file with the copc package: its own hierarchy and fields, though laz-perf beneath as in ours. */
async function readCopc(path: string, { scale, offset }: PointFileHeader): Promise<Sums> {
  const get = Getter.create(path), file = await Copc.create(get);
  const { nodes } = await Copc.loadHierarchyPage(get, file.info.rootHierarchyPage);
  const sums: Sums = { count: 0, x: 0, y: 0, z: 0, intensity: 0, classification: 0 };
  for (const node of Object.values(nodes)) {
    if (!node || node.pointCount === 0) continue;
    const view = await Copc.loadPointDataView(get, file, node);
    const [x, y, z, intensity, classification] = ['X', 'Y', 'Z', 'Intensity', 'Classification'].map((name) => view.getter(name));
    sums.count += view.pointCount;
    for (let i = 0; i < view.pointCount; i++) {
      sums.x += Math.round((x!(i) - offset[0]) / scale[0]);
      sums.y += Math.round((y!(i) - offset[1]) / scale[1]);
      sums.z += Math.round((z!(i) - offset[2]) / scale[2]);
      sums.intensity += intensity!(i);
      sums.classification += classification!(i);
    }
  }
  return sums;
}

export type SecondReader = keyof typeof LOADERS | 'copc';

export interface Comparison {
  path: string;
  ours: Reading | UnderstoryError;
  /** null where no second reader can read the file */
  second: { reader: SecondReader; sums: Sums } | null;
  /** what the second reader said, where it could not */
  refusal: string | null;
}

export async function compare(path: string): Promise<Comparison> {
  const ours = await readOurs(path).catch((error: unknown) => {
    if (error instanceof UnderstoryError) return error;
    throw error;
  });
  if (ours instanceof Error) return { path, ours, second: null, refusal: null };
  const { header } = ours, refusals: string[] = [];
  const readers: SecondReader[] = header.format === 'copc' ? ['copc'] : ['laz-rs', 'loaders.gl'];
  for (const reader of readers) {
    try {
      const sums = reader === 'copc' ? await readCopc(path, header) : await readLoadersGl(path, header, reader);
      return { path, ours, second: { reader, sums }, refusal: null };
    } catch (error) {
      refusals.push(`${reader}: ${error instanceof Error ? error.message.split('\n')[0]! : String(error)}`);
    }
  }
  return { path, ours, second: null, refusal: refusals.join('; ') };
}

export const sameSums = (a: Sums, b: Sums): boolean => (Object.keys(a) as (keyof Sums)[]).every((key) => a[key] === b[key]);

function row({ path, ours, second, refusal }: Comparison): string {
  const name = basename(path);
  if (ours instanceof UnderstoryError) return `| ${name} | | | ${ours.name}: ${ours.message.replace(`${path}: `, '')} | |`;
  const { header, sums, outside } = ours;
  const crs = header.crs ? `${header.crs.source}${header.crs.epsg === null ? ', no code' : ` ${header.crs.epsg}`}` : 'none';
  const extra = header.extraBytes.length > 0 ? `, ${header.extraBytes.length} extra` : '';
  const read = sums.count === header.pointCount ? `read${outside > 0 ? `; ${outside} outside the header's box` : ''}` : `${sums.count} of ${header.pointCount}`;
  const agreement = second ? (sameSums(sums, second.sums) ? `same as ${second.reader}` : `DIFFERS from ${second.reader}`) : (refusal ?? '');
  return `| ${name} | ${header.format} ${header.version}, format ${header.pointFormat}${extra}; CRS ${crs} | ${sums.count.toLocaleString('en-US')} | ${read} | ${agreement} |`;
}

async function printTable(): Promise<void> {
  const lines = [
    '# Conformance: LAS, LAZ, COPC', '',
    'Every LiDAR file of the shared data (not part of this repository), read whole by Understory and by a second reader. Compared, all',
    'exactly: the number of points and the sums of x, y, z (the file\'s integers), intensity and class without flag bits. `laz-rs` is the Rust',
    'decoder in `@loaders.gl/las` (LAZRsLoader), which shares no code with ours; COPC files, which it cannot read, are compared with the',
    '`copc` package (its own hierarchy and fields, laz-perf beneath as in ours). No point lies outside its header\'s box, grown by one scale',
    'unit, unless the table says so.', '',
    'Made by `npx node test/ingest/conformance-las.ts > docs/conformance-las.md`; `test/ingest/conformance-las.test.ts` holds the program to it.', '',
    '| file | what it is | points | Understory | second reader |', '| --- | --- | ---: | --- | --- |',
  ];
  for (const path of await conformanceFiles()) lines.push(row(await compare(path)));
  process.stdout.write(`${lines.join('\n')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await printTable();
