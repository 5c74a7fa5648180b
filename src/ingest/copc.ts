// ingest/copc.ts: COPC: LAZ whose chunks are the nodes of an octree, so that a box reads only its part. IO.
import { InvalidInput } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { extentsMeet, growBox } from '../geo/box.ts';
import type { Box } from '../types.ts';
import type { LasFile } from './las-file.ts';
import { readContent } from './las-vlr.ts';
import { decodeChunks } from './laz.ts';
import { chunkHolds, readLazRecord } from './laz-chunks.ts';
import type { Chunk } from './laz-chunks.ts';
import type { ChunkOptions, RawPoints } from './point-reader.ts';
import type { PointFormat } from './point-registry.ts';

/** The record "copc" 1: the root cube in file units and the first page of the hierarchy. */
export interface CopcInfo {
  center: [number, number, number];
  halfsize: number;
  root: HierarchyPage;
}

interface HierarchyPage {
  offset: number;
  bytes: number;
}

/** 32 bytes of a page: a node, or (count -1) a further page about it and what lies below. */
export interface HierarchyEntry {
  /** level, x, y, z */
  key: [number, number, number, number];
  offset: number;
  bytes: number;
  count: number;
}

export const copc: PointFormat = {
  name: 'copc',
  async open(source, file) {
    await readLazRecord(source, file);
    const info = parseCopcInfo(await readContent(source, file.records[0]!), source.name);
    await readPage(source, info.root);
    return { header: file.header, chunks: (options = {}) => readNodes(source, file, info, options) };
  },
};

async function* readNodes(source: ByteSource, file: LasFile, info: CopcInfo, options: ChunkOptions): AsyncGenerator<RawPoints> {
  const nodes = await readHierarchy(source, info, file, options.box);
  const promised = file.header.pointCount, found = nodes.reduce((sum, node) => sum + node.count, 0);
  if (options.box ? found > promised : found !== promised) {
    throw new InvalidInput(`${source.name}: its hierarchy has ${found} points, its header promises ${promised}; the file is damaged, copy it again`, { source: source.name });
  }
  yield* decodeChunks(source, file, nodes, options);
}

export function parseCopcInfo(content: Uint8Array, source: string): CopcInfo {
  if (content.length < 160) throw new InvalidInput(`${source}: its COPC record is cut short; the file is damaged, copy it again`, { source });
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const halfsize = view.getFloat64(24, true);
  const center: CopcInfo['center'] = [view.getFloat64(0, true), view.getFloat64(8, true), view.getFloat64(16, true)];
  if (![...center, halfsize].every(Number.isFinite) || halfsize < 0) throw new InvalidInput(`${source}: its COPC cube is ${center.join(', ')} +- ${halfsize}; the file is damaged, copy it again`, { source });
  return { center, halfsize, root: { offset: Number(view.getBigUint64(40, true)), bytes: Number(view.getBigUint64(48, true)) } };
}

const ENTRY = 32;

async function readPage(source: ByteSource, { offset, bytes }: HierarchyPage): Promise<HierarchyEntry[]> {
  if (bytes === 0 || bytes % ENTRY !== 0 || offset + bytes > source.size) {
    throw new InvalidInput(`${source.name}: its COPC hierarchy has no page of ${bytes} bytes at byte ${offset}; the file is cut short, copy it again`, { source: source.name });
  }
  return parseHierarchyPage(await source.read(offset, bytes));
}

export function parseHierarchyPage(page: Uint8Array): HierarchyEntry[] {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  return Array.from({ length: Math.floor(page.length / ENTRY) }, (_, i) => {
    const at = i * ENTRY, int = (k: number): number => view.getInt32(at + k, true);
    return { key: [int(0), int(4), int(8), int(12)], offset: Number(view.getBigUint64(at + 16, true)), bytes: int(24), count: int(28) };
  });
}

/** The column of ground that a node covers, in file units. */
export function boxOfNode({ center, halfsize }: CopcInfo, [level, nx, ny]: HierarchyEntry['key']): Box {
  const side = 2 * halfsize / 2 ** level, x0 = center[0] - halfsize + nx * side, y0 = center[1] - halfsize + ny * side;
  return { x0, y0, x1: x0 + side, y1: y0 + side };
}

/**
 * Walk the hierarchy down from the root page and list the nodes with points, in file order.
 *
 * @param box  file units; nodes and pages that do not meet it are left out, its edges belonging to it. Nodes are grown by
 *             a scale unit, since writers round points into them
 * @throws {InvalidInput} for pages in a circle, and nodes that the file cannot hold
 */
export async function readHierarchy(source: ByteSource, info: CopcInfo, { header }: LasFile, box?: Box): Promise<Chunk[]> {
  const slack = Math.max(header.scale[0], header.scale[1]);
  const meets = (key: HierarchyEntry['key']): boolean => !box || extentsMeet(growBox(boxOfNode(info, key), slack), box);
  const damaged = (what: string): InvalidInput => new InvalidInput(`${source.name}: its COPC hierarchy ${what}; the file is damaged, copy it again`, { source: source.name });
  const nodes: Chunk[] = [], pages = [info.root], seen = new Set<number>();
  let entriesLeft = source.size / ENTRY; // pages do not overlap, so all entries have room in the file
  for (let page = pages.pop(); page; page = pages.pop()) {
    if (seen.has(page.offset)) throw damaged(`comes back to byte ${page.offset}`);
    seen.add(page.offset);
    const entries = await readPage(source, page);
    entriesLeft -= entries.length;
    if (entriesLeft < 0) throw damaged('has more entries than the file has room for');
    for (const { key, offset, bytes, count } of entries) {
      if (count === 0 || !meets(key)) continue;
      if (count === -1) pages.push({ offset, bytes });
      else if (count < 0 || offset + bytes > source.size || !chunkHolds(bytes, count, header.recordLength)) throw damaged(`has node ${key.join('-')} with ${count} points in ${bytes} bytes at byte ${offset}`);
      else nodes.push({ offset, bytes, count });
    }
  }
  return nodes.sort((a, b) => a.offset - b.offset);
}
