// ingest/vector-flatgeobuf.ts: polygons of a FlatGeobuf file, feature by feature in the file's order. IO.
// Header, geometry and attributes are decoded by the flatgeobuf package; its own stream reader is not used, since it takes the whole
// spatial index into memory and ends without a word where a file is cut short.
import { ByteBuffer } from 'flatbuffers';
import { ColumnType } from 'flatgeobuf/lib/mjs/flat-geobuf/column-type.js';
import { Feature } from 'flatgeobuf/lib/mjs/flat-geobuf/feature.js';
import type { Geometry } from 'flatgeobuf/lib/mjs/flat-geobuf/geometry.js';
import { GeometryType } from 'flatgeobuf/lib/mjs/flat-geobuf/geometry-type.js';
import { parseProperties } from 'flatgeobuf/lib/mjs/generic/feature.js';
import { fromGeometry } from 'flatgeobuf/lib/mjs/geojson/geometry.js';
import { fromByteBuffer, type HeaderMeta } from 'flatgeobuf/lib/mjs/header-meta.js';
import { calcTreeSize } from 'flatgeobuf/lib/mjs/packedrtree.js';
import { InvalidInput, UnderstoryError, messageOf } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { layerCrsOf, noCrs } from './vector-crs.ts';
import { plainValue, readAhead, type RawFeature, type VectorFile, type VectorFormat } from './vector-format.ts';

const MAGIC = [0x66, 0x67, 0x62, 3, 0x66, 0x67, 0x62]; // `fgb`, version 3, `fgb`; the eighth byte is a patch level

export const flatgeobuf: VectorFormat = {
  name: 'FlatGeobuf',
  matches: (head) => MAGIC.every((byte, i) => head[i] === byte),
  open: openFlatgeobuf,
};

const damaged = (source: ByteSource, what: string, cause?: unknown): InvalidInput =>
  new InvalidInput(`${source.name}: ${what}; the file is damaged or cut short: copy it again, or write it again with ogr2ogr -f FlatGeobuf`, { source: source.name }, { cause });

const sizeAt = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

async function openFlatgeobuf(source: ByteSource): Promise<VectorFile> {
  if (source.size < 12) throw damaged(source, 'has no header');
  const length = sizeAt(await source.read(8, 4));
  if (12 + length > source.size) throw damaged(source, `states a header of ${length} bytes`);
  const header = headerOf(await source.read(8, 4 + length), source);
  const { crs, featuresCount, indexNodeSize } = header, start = 12 + length + (indexNodeSize > 0 && featuresCount > 0 ? calcTreeSize(featuresCount, indexNodeSize) : 0);
  if (start > source.size) throw damaged(source, `states ${featuresCount} features`);
  return {
    name: source.name, idName: null, outer: null, features: () => featuresOf(source, header, start), close: async () => {},
    crs: crs === null || (crs.code === 0 && !crs.wkt) ? noCrs() : layerCrsOf({ organisation: crs.org, code: crs.code, wkt: crs.wkt }),
  };
}

function headerOf(bytes: Uint8Array, source: ByteSource): HeaderMeta {
  try {
    return fromByteBuffer(new ByteBuffer(bytes));
  } catch (error) {
    throw damaged(source, `its header cannot be read (${messageOf(error)})`, error);
  }
}

async function* featuresOf(source: ByteSource, header: HeaderMeta, start: number): AsyncGenerator<RawFeature> {
  const read = readAhead(source);
  let number = 0;
  for (let at = start; at < source.size;) {
    const length = at + 4 > source.size ? Infinity : sizeAt(await read(at, 4));
    if (at + 4 + length > source.size) throw damaged(source, `ends within feature ${number + 1}${header.featuresCount > 0 ? ` of ${header.featuresCount}` : ''}`);
    const bytes = (await read(at, 4 + length)).slice(); // a copy, so that its doubles are aligned
    yield featureOf(bytes, ++number, header, source);
    at += 4 + length;
  }
  if (header.featuresCount > 0 && number !== header.featuresCount) throw damaged(source, `states ${header.featuresCount} features and holds ${number}`);
}

function featureOf(bytes: Uint8Array, number: number, header: HeaderMeta, source: ByteSource): RawFeature {
  try {
    const feature = Feature.getSizePrefixedRootAsFeature(new ByteBuffer(bytes)), geometry = feature.geometry();
    return { number, id: null, properties: propertiesOf(feature, header, number, source), geometry: geometry === null ? null : geometryOf(geometry, header.geometryType) };
  } catch (error) {
    throw error instanceof UnderstoryError ? error : damaged(source, `feature ${number} cannot be read (${messageOf(error)})`, error);
  }
}

const WITH_RINGS = new Set([GeometryType.Polygon, GeometryType.MultiPolygon, GeometryType.GeometryCollection]);

/** In GeoJSON's shape; of types that are no polygons only the name, since they are refused by it. A geometry without points is empty. */
function geometryOf(geometry: Geometry, ofLayer: GeometryType): unknown {
  const type = ofLayer === GeometryType.Unknown ? geometry.type() : ofLayer;
  if (!WITH_RINGS.has(type)) return { type: GeometryType[type] };
  if (geometry.xyLength() === 0 && geometry.partsLength() === 0) return null;
  if (type === GeometryType.GeometryCollection) {
    return { type: 'GeometryCollection', geometries: Array.from({ length: geometry.partsLength() }, (_, i) => geometry.parts(i)).map((part) => part && geometryOf(part, GeometryType.Unknown)) };
  }
  return fromGeometry(geometry, type);
}

/** Columns without a value are missing from the record: null, as in other formats. The package rounds whole numbers beyond 2^53, which would make two ids one. */
function propertiesOf(feature: Feature, { columns }: HeaderMeta, number: number, source: ByteSource): Record<string, unknown> {
  const read = parseProperties(feature, columns), properties: Record<string, unknown> = {};
  for (const { name, type } of columns ?? []) {
    const value = read[name];
    if ((type === ColumnType.Long || type === ColumnType.ULong) && typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new InvalidInput(`${source.name}: feature ${number} has a whole number beyond 2^53 in the field '${name}', which cannot be read exactly; make the field a text`, { source: source.name, feature: number, field: name });
    }
    properties[name] = plainValue(value);
  }
  return properties;
}
