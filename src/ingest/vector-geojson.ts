// ingest/vector-geojson.ts: polygons of a GeoJSON file, feature by feature; memory holds one feature. IO.
import { Readable, pipeline } from 'node:stream';
import { parserStream } from 'stream-json';
import { filter } from 'stream-json/filters/filter.js';
import { pick } from 'stream-json/filters/pick.js';
import { streamArray } from 'stream-json/streamers/stream-array.js';
import { streamObject } from 'stream-json/streamers/stream-object.js';
import { streamValues } from 'stream-json/streamers/stream-values.js';
import { InvalidInput, UnderstoryError, messageOf } from '../errors.ts';
import type { ByteSource } from '../files/byte-source.ts';
import { WGS84 } from '../geo/crs.ts';
import { crsFromStatement } from '../geo/crs-statement.ts';
import { noCrs, type LayerCrs } from './vector-crs.ts';
import type { RawFeature, VectorFile, VectorFormat } from './vector-format.ts';

const CHUNK = 1 << 16; // a token an object: a larger piece is a large heap
const GEOMETRIES = new Set(['Polygon', 'MultiPolygon', 'GeometryCollection']);
const BOM = [0xef, 0xbb, 0xbf];

export const geojson: VectorFormat = {
  name: 'GeoJSON',
  matches: (head) => /^(?:\ufeff)?\s*\{/.test(new TextDecoder('utf-8', { ignoreBOM: true }).decode(head)),
  open: openGeojson,
};

/**
 * A GeoJSON file: FeatureCollection, Feature, or a bare geometry. It is read once for its type and crs member, which may come last.
 * Outer rings run counter-clockwise by RFC 7946; a file with the older crs member has no rule.
 */
async function openGeojson(source: ByteSource): Promise<VectorFile> {
  const { type, crs } = await headerOf(source);
  if (type !== 'FeatureCollection' && type !== 'Feature' && !(typeof type === 'string' && GEOMETRIES.has(type))) {
    throw new InvalidInput(`${source.name}: is no GeoJSON of polygons: its type is ${JSON.stringify(type) ?? 'missing'}, not FeatureCollection, Feature, Polygon or MultiPolygon`, { source: source.name });
  }
  return {
    name: source.name, crs: crsOfMember(crs), idName: 'id', outer: crs === undefined ? 'counter-clockwise' : null,
    features: () => featuresOf(source, type), close: async () => {},
  };
}

/** The values that a pipeline of stream-json's stages makes of the file. */
async function* valuesOf(source: ByteSource, stages: NodeJS.ReadWriteStream[]): AsyncGenerator<{ key: unknown; value: unknown }> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    const head = await source.read(0, Math.min(3, source.size));
    for (let at = BOM.every((byte, i) => head[i] === byte) ? 3 : 0; at < source.size; at += CHUNK) yield await source.read(at, Math.min(CHUNK, source.size - at));
  }
  const last = pipeline([Readable.from(bytes(), { objectMode: false }), parserStream({ streamValues: false }), ...stages], () => {}); // errors arrive at the reader below
  try {
    yield* last as unknown as AsyncIterable<{ key: unknown; value: unknown }>; // what streamArray, streamObject and streamValues emit
  } catch (error) {
    if (error instanceof UnderstoryError) throw error;
    throw new InvalidInput(`${source.name}: is not valid JSON (${messageOf(error)}); write it again, or check that it was copied whole`, { source: source.name }, { cause: error });
  }
}

async function headerOf(source: ByteSource): Promise<{ type: unknown; crs: unknown }> {
  const header: { type: unknown; crs: unknown } = { type: undefined, crs: undefined };
  const stages = [filter.asStream({ filter: /^(?:type|crs)(?:\.|$)/ }), streamObject.asStream()];
  for await (const { key, value } of valuesOf(source, stages)) if (key === 'type' || key === 'crs') header[key] = value;
  return header;
}

/** The old crs member: `{"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32611"}}`; without one WGS 84 (RFC 7946). */
function crsOfMember(member: unknown): LayerCrs {
  if (member === undefined) return crsFromStatement({ epsg: WGS84 });
  const text = (member as { properties?: { name?: unknown } } | null)?.properties?.name;
  if (typeof text !== 'string') return noCrs(`its crs member names no CRS: ${JSON.stringify(member)}`);
  if (/^(?:urn:ogc:def:crs:)?OGC:[\d.]*:?CRS84$/i.test(text)) return crsFromStatement({ epsg: WGS84 });
  const code = /^(?:urn:(?:x-)?ogc:def:crs:)?EPSG:(?:[\d.]*:)?(\d+)$/i.exec(text)?.[1] ?? /^https?:\/\/www\.opengis\.net\/def\/crs\/EPSG\/[\d.]+\/(\d+)$/i.exec(text)?.[1];
  if (code === undefined) return noCrs(`its crs member names '${text}', which is no EPSG code`);
  return crsFromStatement({ epsg: Number(code) });
}

async function* featuresOf(source: ByteSource, type: unknown): AsyncGenerator<RawFeature> {
  const stages = type === 'FeatureCollection' ? [pick.asStream({ filter: 'features' }), streamArray.asStream()] : [streamValues.asStream()];
  let number = 0;
  for await (const { value } of valuesOf(source, stages)) yield featureOf(value, ++number, source.name);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function featureOf(value: unknown, number: number, source: string): RawFeature {
  const record = isRecord(value) ? value : {}, isFeature = record['type'] === 'Feature';
  const properties = isFeature && isRecord(record['properties']) ? record['properties'] : {};
  const id = typeof record['id'] === 'string' || typeof record['id'] === 'number' ? record['id'] : null;
  if (!isFeature && number > 1) throw new InvalidInput(`${source}: feature ${number} is no Feature; write the file again`, { source, feature: number });
  return { number, id, properties, geometry: isFeature ? record['geometry'] : record };
}
