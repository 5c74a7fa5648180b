// export/registry.ts: layers to files; the ending names the format. IO.
import { UsageError } from '../errors.ts';
import { writeChunksAtomically } from '../files/atomic.ts';
import { WGS84 } from '../geo/crs.ts';
import { withRows } from '../store/layer-rows.ts';
import type { Exporter, OtherCrs } from './exporter.ts';
import { LAYERS, type Layer, type LayerName } from './layers.ts';
import type { ToLonLat } from './shape.ts';

export type { OtherCrs } from './exporter.ts';
export type { LayerName } from './layers.ts';
export { LAYERS } from './layers.ts';

/** Exporters by the ending of the file. */
export const exporters: ReadonlyMap<string, () => Promise<Exporter>> = new Map([
  ['geojson', () => import('./geojson.ts').then((module) => module.geojson)],
  ['csv', () => import('./csv.ts').then((module) => module.csv)],
]);

export interface ExportOptions {
  database: string;
  layer: LayerName;
  output: string;
  /** a condition on the layer's columns */
  where?: string | undefined;
  /** WGS 84 from the survey's CRS */
  toLonLat: ToLonLat;
  /** coordinates in this CRS too, beside the survey's; refused for formats that prescribe one */
  other?: OtherCrs | undefined;
  /** ordered by key, without the columns that name the run or the tile */
  canonical?: boolean | undefined;
  /** fewer corners in outlines: none moves farther than this, metres; a part that would become invalid stays as it is */
  simplifyM?: number | undefined;
}

const CHUNK_CHARS = 1 << 16;

/** Small texts joined, so that a write is worth its call. */
async function* gathered(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length < CHUNK_CHARS) continue;
    yield text;
    text = '';
  }
  yield text;
}

function exporterFor(output: string): () => Promise<Exporter> {
  const ending = /\.([^./]+)$/.exec(output)?.[1]?.toLowerCase() ?? '';
  const load = exporters.get(ending);
  if (load) return load;
  throw new UsageError(`${output}: the ending names the format, and there is none for '.${ending}'; use ${[...exporters.keys()].map((name) => `.${name}`).join(' or ')}`, { source: output });
}

/** The layer of a name that a user gave. @throws {UsageError} for one that there is not */
export function layerOf(name: string): LayerName {
  if (Object.hasOwn(LAYERS, name)) return name as LayerName;
  throw new UsageError(`no layer ${name}; use ${Object.keys(LAYERS).join(', ')}`);
}

const cellSizeM = (database: string): Promise<number> =>
  withRows(database, 'SELECT cell_size_m FROM run', {}, async ({ rows }) => {
    for await (const row of rows) return row.cells[0]!.number() ?? 0;
    return 0;
  });

/**
 * Write a layer of the inventory to a file, streaming, atomically.
 *
 * @returns the number of rows written
 * @throws {UsageError} for an unknown layer or ending, or a `where` that is no condition
 */
export async function exportLayer({ database, layer: name, output, where, toLonLat, other, canonical = false, simplifyM = 0 }: ExportOptions): Promise<{ rows: number }> {
  if (canonical && simplifyM > 0) throw new UsageError('a canonical export holds outlines as they are; leave out --simplify or --canonical');
  const layer: Layer = LAYERS[layerOf(name)], exporter = await exporterFor(output)();
  if (other !== undefined && !exporter.anyCrs && other.epsg !== WGS84) throw new UsageError(`--crs EPSG:${other.epsg}: GeoJSON is always in WGS 84 (RFC 7946), programs would misplace it; write .csv, or reproject the file with ogr2ogr -t_srs EPSG:${other.epsg}`, { source: output });
  const sizeM = layer.shape === 'square' ? await cellSizeM(database) : 0;
  const dropped = canonical && layer.notCanonical.length > 0 ? `SELECT * EXCLUDE (${layer.notCanonical.join(', ')}) FROM (${layer.sql})` : layer.sql;
  return withRows(database, dropped, { where, orderBy: canonical ? layer.key : [] }, async ({ names, rows }) => {
    let count = 0;
    async function* counted(): typeof rows {
      for await (const row of rows) {
        count++;
        yield row;
      }
    }
    await writeChunksAtomically(output, gathered(exporter.chunks({ layer, names, rows: counted(), cellSizeM: sizeM, simplifyM, toLonLat, other })));
    return { rows: count };
  });
}
