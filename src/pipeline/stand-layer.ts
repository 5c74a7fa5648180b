// pipeline/stand-layer.ts: layers of stands and of masks, read once by stream, kept as records in the survey's CRS with an index. IO.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Box, Stand } from '../types.ts';
import { openFile } from '../files/byte-source.ts';
import { writeChunksAtomically, writeFileAtomically } from '../files/atomic.ts';
import { contentKey, sha256 } from '../files/hash.ts';
import { extentsMeet } from '../geo/box.ts';
import { boxIndex } from '../geo/box-index.ts';
import { bboxOf } from '../geo/polygon.ts';
import { filesOfVector } from '../ingest/vector.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { SideFile, StandEntry, StandLayer } from './survey.ts';

const LAYER_VERSION = 2;

interface LayerRequest {
  path: string;
  /** all that decides what is read beside the file: id field, layer, CRS */
  reading: object;
  /** @param note  told what is mended or skipped */
  read(note: (text: string) => void): AsyncIterable<Stand>;
  /** told the same, also when the layer was read by an earlier run */
  note(text: string): void;
  output: string;
  identities: Fingerprints;
}

/**
 * Read a layer, or find what an earlier run made of the same file.
 *
 * @returns the index; the polygons themselves stay on disk, one JSON record a line
 * @throws {InvalidInput} as `read` does
 */
export async function openStandLayer({ path, reading, read, note, output, identities }: LayerRequest): Promise<StandLayer> {
  const file = await layerFile(path, identities);
  const key = contentKey({ kind: 'stands', version: LAYER_VERSION, fingerprint: file.fingerprint, reading });
  const dir = join(output, 'parts', 'layer', key.slice(0, 2), key), records = join(dir, 'stands.ndjson'), index = join(dir, 'index.json');
  const known = await readFile(index, 'utf8').catch(() => null);
  if (known !== null) {
    const { notes, ...layer } = JSON.parse(known) as StandLayer & { notes: string[] };
    notes.forEach(note);
    return { ...layer, ...file, records };
  }
  const entries: StandEntry[] = [], notes: string[] = [];
  await writeChunksAtomically(records, recordsOf(read((text) => void notes.push(text)), entries));
  const layer = { ...file, records, hash: contentKey(entries.map(({ hash }) => hash).sort()), entries };
  await writeFileAtomically(index, JSON.stringify({ ...layer, notes }));
  notes.forEach(note);
  return layer;
}

/** A layer's identity: that of the file, and of those that belong to it (a Shapefile's attributes and CRS). */
export async function layerFile(path: string, identities: Fingerprints): Promise<SideFile> {
  const files = await Promise.all((await filesOfVector(path)).map((name) => sideFile(name, identities))), [first] = files;
  return files.length === 1 ? first! : { path, fingerprint: contentKey(files.map(({ fingerprint }) => fingerprint)), bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** The identity of one file. */
export async function sideFile(path: string, identities: Fingerprints): Promise<SideFile> {
  const source = await openFile(path);
  try {
    return { path, fingerprint: await identities.of(source), bytes: source.size };
  } finally {
    await source.close();
  }
}

/** One line a stand; fills `entries` on the way. */
async function* recordsOf(stands: AsyncIterable<Stand>, entries: StandEntry[]): AsyncGenerator<string> {
  let offset = 0;
  for await (const stand of stands) {
    const line = `${JSON.stringify(stand)}\n`, length = Buffer.byteLength(line), box = bboxOf(stand.polygons);
    if (box) entries.push({ standId: stand.standId, box, hash: sha256(line).slice(0, 40), offset, length });
    offset += length;
    yield line;
  }
}

const indices = new WeakMap<StandLayer, (box: Box) => number[]>();

/** Entries whose box meets a box, closed, in the layer's order. */
export function entriesOfBox(layer: StandLayer, box: Box): StandEntry[] {
  const near = indices.get(layer) ?? boxIndex(layer.entries.map((entry) => entry.box));
  indices.set(layer, near);
  return near(box).map((i) => layer.entries[i]!).filter((entry) => extentsMeet(entry.box, box));
}

/** Stands whose box meets a box, in the layer's order. */
export async function standsOfBox(layer: StandLayer, box: Box): Promise<Stand[]> {
  const wanted = entriesOfBox(layer, box);
  if (wanted.length === 0) return [];
  const source = await openFile(layer.records);
  try {
    const stands: Stand[] = [];
    for (const { offset, length } of wanted) stands.push(JSON.parse(new TextDecoder().decode(await source.read(offset, length))) as Stand);
    return stands;
  } finally {
    await source.close();
  }
}

/** Every stand, one at a time. */
export async function* allStands(layer: StandLayer): AsyncGenerator<Stand> {
  const source = await openFile(layer.records);
  try {
    for (const { offset, length } of layer.entries) yield JSON.parse(new TextDecoder().decode(await source.read(offset, length))) as Stand;
  } finally {
    await source.close();
  }
}
