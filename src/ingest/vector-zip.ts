// ingest/vector-zip.ts: a Shapefile inside a zip, inflated as it is read; nothing is unpacked to disk. IO.
import { Readable } from 'node:stream';
import { RandomAccessReader, fromRandomAccessReaderPromise, type Entry, type ZipFile } from 'yauzl';
import { InvalidInput, UnderstoryError, messageOf } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import type { VectorFile, VectorFormat } from './vector-format.ts';
import { openShapefile, shapefile } from './vector-shapefile.ts';

const CHUNK = 1 << 18;

export const zippedShapefile: VectorFormat = {
  name: 'zip',
  matches: (head) => head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5),
  open: openZip,
};

/** A source as yauzl reads it. */
class SourceReader extends RandomAccessReader {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super();
    this.#source = source;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const source = this.#source;
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for (let at = start; at < end; at += CHUNK) yield await source.read(at, Math.min(CHUNK, end - at));
    }
    return Readable.from(bytes(), { objectMode: false });
  }
}

const unreadable = (name: string, error: unknown): UnderstoryError =>
  error instanceof UnderstoryError ? error : new InvalidInput(`${name}: cannot be read as a zip (${messageOf(error)}); copy it again, or unpack it and name the .shp`, { source: name }, { cause: error });

/** The Shapefile in a zip; with several, the one that `layer` names. */
async function openZip(source: ByteSource, { layer }: { layer: string | null }): Promise<VectorFile> {
  const opened: ByteSource[] = [];
  try {
    const zip = await fromRandomAccessReaderPromise(new SourceReader(source), source.size, { autoClose: false }), entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) if (!/(?:^|\/)(?:__MACOSX\/|\.)/.test(entry.fileName)) entries.set(entry.fileName, entry);
    const path = pathOfShp([...entries.keys()], source.name, layer), stem = path.slice(0, -4).toLowerCase();
    const open = (entry: Entry): ByteSource => {
      if (entry.isEncrypted()) throw new InvalidInput(`${source.name}: ${entry.fileName} is encrypted; unpack it and name the .shp`, { source: source.name });
      opened.push(entrySource(zip, entry, `${source.name}/${entry.fileName}`));
      return opened.at(-1)!;
    };
    const shp = open(entries.get(path)!), head = await shp.read(0, Math.min(64, shp.size));
    if (!shapefile.matches(head)) throw new InvalidInput(`${shp.name}: is no Shapefile, though it ends in .shp; zip it again`, { source: shp.name });
    const file = await openShapefile(shp, async (ending) => {
      const entry = [...entries.values()].find(({ fileName }) => fileName.toLowerCase() === stem + ending);
      return entry ? open(entry) : null;
    });
    return { ...file, close: () => closeAll(opened) };
  } catch (error) {
    await closeAll(opened);
    throw unreadable(source.name, error);
  }
}

const closeAll = async (sources: readonly ByteSource[]): Promise<void> => {
  for (const source of sources) await source.close();
};

function pathOfShp(paths: readonly string[], source: string, layer: string | null): string {
  const layers = paths.filter((path) => /\.shp$/i.test(path)), nameOf = (path: string): string => path.replace(/^.*\//, '').slice(0, -4);
  const wanted = layer === null ? layers : layers.filter((path) => nameOf(path).toLowerCase() === layer.toLowerCase() || path === layer);
  if (wanted.length === 1) return wanted[0]!;
  if (layers.length === 0) throw new InvalidInput(`${source}: holds no Shapefile; zip the .shp with its .dbf, .shx and .prj, or unpack it and name the layer's file`, { source });
  if (layer === null) throw new InvalidInput(`${source}: holds ${layers.length} Shapefiles; add the line \`layer: NAME\` under this input in the job file: ${layers.map(nameOf).join(', ')}`, { source, path: 'layer' });
  throw new InvalidInput(`${source}: ${wanted.length === 0 ? 'holds no' : 'holds more than one'} Shapefile '${layer}'; it holds ${layers.join(', ')}`, { source, path: 'layer' });
}

/** Reads back before the point that has been inflated begin anew; this many are a layer whose records are in no order. */
const MOST_RESTARTS = 200;

/** A member of a zip by range: inflated from its start, forward; memory holds what was asked for and a chunk. */
function entrySource(zip: ZipFile, entry: Entry, name: string): ByteSource {
  let stream: AsyncIterator<Uint8Array> | null = null, rest: Uint8Array = new Uint8Array(0), at = 0, restarts = 0;
  async function begin(): Promise<AsyncIterator<Uint8Array>> {
    if (restarts++ > MOST_RESTARTS) throw new InvalidInput(`${name}: its records are in no order; unpack the zip and name the .shp`, { source: name });
    await stream?.return?.();
    rest = new Uint8Array(0);
    at = 0;
    return (await zip.openReadStreamPromise(entry))[Symbol.asyncIterator]();
  }
  async function read(offset: number, length: number): Promise<Uint8Array> {
    if (stream === null || offset < at) stream = await begin();
    const out = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      if (rest.length === 0) {
        const next = await stream.next();
        if (next.done) throw new InvalidInput(`${name}: ends at byte ${at}, but bytes ${offset} to ${offset + length} are needed; zip it again`, { source: name });
        rest = next.value;
      }
      const skip = Math.min(rest.length, Math.max(0, offset - at)), take = Math.min(rest.length - skip, length - filled);
      out.set(rest.subarray(skip, skip + take), filled);
      filled += take;
      at += skip + take;
      rest = rest.subarray(skip + take);
    }
    return out;
  }
  return {
    name,
    size: entry.uncompressedSize,
    read: (offset, length) => read(offset, length).catch((error: unknown) => { throw unreadable(name, error); }),
    async close() {
      await stream?.return?.();
      stream = null;
    },
  };
}
