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
import { WGS84, crsFromEpsg, type Crs } from '../geo/crs.ts';
import type { VectorFeature, VectorFile } from './vector.ts';
import { polygonsOf } from './vector-geometry.ts';

const CHUNK = 1 << 20;
const GEOMETRIES = new Set(['Polygon', 'MultiPolygon', 'GeometryCollection']);

/**
 * Open a GeoJSON file: FeatureCollection, Feature, or a bare geometry. It is read once for its type and crs member, which may come last.
 *
 * @throws {InvalidInput} when it is no GeoJSON, or names a CRS that cannot be used
 */
export async function openGeojson(source: ByteSource): Promise<VectorFile> {
  const { type, crs } = await headerOf(source);
  if (type !== 'FeatureCollection' && type !== 'Feature' && !(typeof type === 'string' && GEOMETRIES.has(type))) {
    throw new InvalidInput(`${source.name}: is no GeoJSON of polygons: its type is ${JSON.stringify(type) ?? 'missing'}, not FeatureCollection, Feature, Polygon or MultiPolygon`, { source: source.name });
  }
  const its = crsOfMember(crs, source.name);
  return { name: source.name, crs: its, features: () => featuresOf(source, type, !its.isProjected) };
}

/** The values that a pipeline of stream-json's stages makes of the file. */
async function* valuesOf(source: ByteSource, stages: NodeJS.ReadWriteStream[]): AsyncGenerator<{ key: unknown; value: unknown }> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < source.size; at += CHUNK) yield await source.read(at, Math.min(CHUNK, source.size - at));
  }
  const last = pipeline([Readable.from(bytes(), { objectMode: false }), parserStream(), ...stages], () => {}); // errors arrive at the reader below
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
function crsOfMember(member: unknown, name: string): Crs {
  if (member === undefined) return crsFromEpsg(WGS84);
  const text = (member as { properties?: { name?: unknown } } | null)?.properties?.name;
  const remedy = 'leave the member out for WGS 84, or name a code as urn:ogc:def:crs:EPSG::32611';
  if (typeof text !== 'string') throw new InvalidInput(`${name}: its crs member names no CRS: ${JSON.stringify(member)}; ${remedy}`, { source: name });
  if (/^(?:urn:ogc:def:crs:)?OGC:[\d.]*:?CRS84$/i.test(text)) return crsFromEpsg(WGS84);
  const code = /^(?:urn:(?:x-)?ogc:def:crs:)?EPSG:(?:[\d.]*:)?(\d+)$/i.exec(text)?.[1] ?? /^https?:\/\/www\.opengis\.net\/def\/crs\/EPSG\/[\d.]+\/(\d+)$/i.exec(text)?.[1];
  if (code === undefined) throw new InvalidInput(`${name}: its crs member names '${text}', which is no EPSG code; ${remedy}`, { source: name });
  try {
    return crsFromEpsg(Number(code));
  } catch (error) {
    throw new InvalidInput(`${name}: its crs member cannot be used`, { source: name, epsg: Number(code) }, { cause: error });
  }
}

async function* featuresOf(source: ByteSource, type: unknown, isLonLat: boolean): AsyncGenerator<VectorFeature> {
  const stages = type === 'FeatureCollection' ? [pick.asStream({ filter: 'features' }), streamArray.asStream()] : [streamValues.asStream()];
  let number = 0;
  for await (const { value } of valuesOf(source, stages)) yield featureOf(value, ++number, source.name, isLonLat);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function featureOf(value: unknown, number: number, source: string, isLonLat: boolean): VectorFeature {
  const record = isRecord(value) ? value : {}, isFeature = record['type'] === 'Feature';
  const properties = isFeature && isRecord(record['properties']) ? record['properties'] : {};
  const id = typeof record['id'] === 'string' || typeof record['id'] === 'number' ? record['id'] : null;
  const text = `${source}: feature ${number}${id === null ? '' : ` (id ${id})`}`, place = { source, feature: number, id };
  if (!isFeature && number > 1) throw new InvalidInput(`${text} is no Feature; write the file again`, place);
  return { number, id, properties, polygons: polygonsOf(isFeature ? record['geometry'] : record, { text, place }, isLonLat) };
}
