// ingest/vector-shapefile.ts: polygons of a Shapefile with its .dbf, .shx, .prj and .cpg, record by record. IO.
// Own code, because both libraries lose data without a word: @loaders.gl/shapefile 4.5.2 loses what follows a null shape, takes a hole by
// its direction and order, and keeps parse errors to itself; shapefile 0.6.6 skips what it cannot read, ends quietly where the file is
// cut, makes a part of each ring of the wrong direction, and gives deleted rows.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InvalidInput, UnsupportedInput } from '../errors.ts';
import { openFile, type ByteSource } from '../files/byte-source.ts';
import { layerCrsOf, noCrs } from './vector-crs.ts';
import { openDbf } from './vector-dbf.ts';
import { readAhead, type RawFeature, type VectorFile, type VectorFormat } from './vector-format.ts';
import { LOOSE_RINGS } from './vector-geometry.ts';

const FILE_CODE = 9994, HEADER_BYTES = 100;
const TYPES = new Map([[0, 'Null'], [1, 'Point'], [3, 'LineString'], [5, 'Polygon'], [8, 'MultiPoint'], [11, 'Point'], [13, 'LineString'], [15, 'Polygon'], [18, 'MultiPoint'],
  [21, 'Point'], [23, 'LineString'], [25, 'Polygon'], [28, 'MultiPoint'], [31, 'MultiPatch']]);

export const shapefile: VectorFormat = {
  name: 'Shapefile',
  matches: (head) => head.length >= 32 && viewOf(head).getInt32(0) === FILE_CODE && viewOf(head).getInt32(28, true) === 1000,
  open: async (source) => openShapefile(source, await siblingsOnDisk(source.name)),
};

/** Opens the file of a layer with another ending (`.dbf`); null where there is none. */
export type Siblings = (ending: string) => Promise<ByteSource | null>;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The files beside one on disk, whatever the case of their endings. */
async function siblingsOnDisk(path: string): Promise<Siblings> {
  const stem = basename(path).replace(/\.[^.]+$/, '').toLowerCase(), names = await readdir(dirname(path)).catch(() => []);
  return async (ending) => {
    const name = names.find((each) => each.toLowerCase() === stem + ending);
    return name === undefined ? null : openFile(join(dirname(path), name));
  };
}

async function textOf(source: ByteSource | null): Promise<string | null> {
  if (source === null) return null;
  const text = new TextDecoder().decode(await source.read(0, Math.min(source.size, 1 << 16)));
  await source.close();
  return text;
}

/** Open a Shapefile by its .shp and whatever lies beside it. Outer rings run clockwise by ESRI's description. */
export async function openShapefile(shp: ByteSource, siblings: Siblings): Promise<VectorFile> {
  const head = viewOf(await shp.read(0, Math.min(HEADER_BYTES, shp.size)));
  if (head.byteLength < HEADER_BYTES) throw new InvalidInput(`${shp.name}: ends within its header; copy it again`, { source: shp.name });
  const type = TYPES.get(head.getInt32(32, true)), prj = await textOf(await siblings('.prj')), cpg = await textOf(await siblings('.cpg'));
  if (type !== 'Polygon' && type !== 'Null') throw new UnsupportedInput(`${shp.name}: is a layer of ${type ?? 'an unknown type'}; only polygons are read here: name a layer of polygons`, { source: shp.name });
  const dbf = await siblings('.dbf'), shx = await siblings('.shx');
  return {
    name: shp.name, idName: null, outer: 'clockwise',
    crs: prj === null || prj.trim() === '' ? noCrs() : layerCrsOf({ organisation: null, code: null, wkt: prj }),
    features: (onNote) => featuresOf({ shp, dbf, shx, cpg }, onNote),
    async close() {
      await dbf?.close();
      await shx?.close();
    },
  };
}

interface Files {
  shp: ByteSource;
  dbf: ByteSource | null;
  shx: ByteSource | null;
  cpg: string | null;
}

async function* featuresOf({ shp, dbf, shx, cpg }: Files, onNote: (note: string) => void): AsyncGenerator<RawFeature> {
  if (dbf === null) onNote(`${shp.name}: has no .dbf beside it, so its features have no attributes`);
  const table = dbf === null ? null : await openDbf(dbf, cpg, onNote), read = readAhead(shp);
  let number = 0;
  for await (const { offset, length } of shx === null ? recordsInOrder(shp) : recordsOfIndex(shp, shx)) {
    if (table !== null && number >= table.rows) throw mismatch(shp, `more than ${number} shapes`, table.rows);
    const properties = table === null ? {} : await table.row(number), place = `${shp.name}: feature ${++number}`;
    if (properties === null) onNote(`${place} is marked as deleted in the .dbf and is left out`);
    else yield { number, id: null, properties, geometry: geometryOf(await read(offset, length), place, shp.name) };
  }
  if (table !== null && number < table.rows) throw mismatch(shp, `${number} shapes`, table.rows);
}

const mismatch = (shp: ByteSource, shapes: string, rows: number): InvalidInput =>
  new InvalidInput(`${shp.name}: has ${shapes}, but its .dbf ${rows} rows; copy all files of the layer again`, { source: shp.name });

interface RecordPlace {
  /** of the content, after the record's header of eight bytes */
  offset: number;
  length: number;
}

/** By the index: after edits in place the .shp holds old shapes that no row belongs to. */
async function* recordsOfIndex(shp: ByteSource, shx: ByteSource): AsyncGenerator<RecordPlace> {
  const read = readAhead(shx), count = Math.floor((shx.size - HEADER_BYTES) / 8);
  if (shx.size < HEADER_BYTES || viewOf(await read(0, 4)).getInt32(0) !== FILE_CODE) throw new InvalidInput(`${shx.name}: is no index of a Shapefile; remove it, or copy all files of the layer again`, { source: shx.name });
  for (let i = 0; i < count; i++) {
    const entry = viewOf(await read(HEADER_BYTES + 8 * i, 8));
    yield checkedPlace(shp, { offset: 2 * entry.getInt32(0) + 8, length: 2 * entry.getInt32(4) }, i + 1);
  }
}

/** Without an index: one after the other, numbered from 1 without a gap. */
async function* recordsInOrder(shp: ByteSource): AsyncGenerator<RecordPlace> {
  const read = readAhead(shp);
  for (let at = HEADER_BYTES, number = 1; at < shp.size; number++) {
    if (at + 8 > shp.size) throw new InvalidInput(`${shp.name}: ends within record ${number}; copy it again`, { source: shp.name });
    const header = viewOf(await read(at, 8));
    if (header.getInt32(0) !== number) throw new InvalidInput(`${shp.name}: record ${number} calls itself ${header.getInt32(0)}: the layer was edited or is damaged, and its .shx is not there; copy that too`, { source: shp.name, feature: number });
    const place = checkedPlace(shp, { offset: at + 8, length: 2 * header.getInt32(4) }, number);
    yield place;
    at = place.offset + place.length;
  }
}

function checkedPlace(shp: ByteSource, place: RecordPlace, number: number): RecordPlace {
  if (place.offset < HEADER_BYTES || place.length < 4 || place.offset + place.length > shp.size) {
    throw new InvalidInput(`${shp.name}: feature ${number} lies outside the file; it is damaged or cut short: copy all files of the layer again`, { source: shp.name, feature: number });
  }
  return place;
}

/** Rings of a record of type Polygon, PolygonZ or PolygonM; Z and M stand behind the points and are left out. */
function geometryOf(record: Uint8Array, place: string, source: string): unknown {
  const view = viewOf(record), type = TYPES.get(view.getInt32(0, true));
  if (type === 'Null') return null;
  if (type !== 'Polygon') return { type: type ?? 'shape of an unknown type' };
  const damaged = new InvalidInput(`${place} is damaged: its rings do not fit into its record; copy all files of the layer again`, { source });
  if (record.length < 44) throw damaged;
  const parts = view.getInt32(36, true), points = view.getInt32(40, true), first = 44 + 4 * parts;
  if (parts < 0 || points < 0 || first + 16 * points > record.length) throw damaged;
  const rings: [number, number][][] = [];
  for (let part = 0; part < parts; part++) {
    const from = view.getInt32(44 + 4 * part, true), to = part + 1 < parts ? view.getInt32(48 + 4 * part, true) : points;
    if (from < 0 || to < from || to > points) throw damaged;
    rings.push(Array.from({ length: to - from }, (_, i) => [view.getFloat64(first + 16 * (from + i), true), view.getFloat64(first + 16 * (from + i) + 8, true)]));
  }
  return { type: LOOSE_RINGS, coordinates: rings.filter((ring) => ring.length > 0) };
}
