// export/geojson.ts: GeoJSON by RFC 7946: WGS 84, right-hand rule, 7 decimals, no crs member. Pure.
import type { LayerRow } from '../store/layer-rows.ts';
import { outlineReader, type ExportInput, type Exporter } from './exporter.ts';
import { geometryJson, inDegrees, pointJson } from './shape.ts';

function geometryOf(input: ExportInput): (row: LayerRow) => string {
  const { layer, names, toLonLat } = input;
  if (layer.shape === 'point') {
    const lon = names.indexOf('lon'), lat = names.indexOf('lat');
    return (row) => pointJson(row.cells[lon]!.number()!, row.cells[lat]!.number()!);
  }
  const outlineOf = outlineReader(input);
  return (row) => geometryJson(inDegrees(outlineOf(row) ?? [], toLonLat), layer.multi);
}

/** Features, one a line; properties are named as the columns, NULL is null. */
export const geojson: Exporter = {
  name: 'geojson',
  anyCrs: false, // RFC 7946
  async *chunks(input) {
    const keys = input.names.map((name) => JSON.stringify(name)), geometry = geometryOf(input);
    yield '{"type":"FeatureCollection","features":[';
    let separator = '\n';
    for await (const row of input.rows) {
      const properties = row.cells.map((cell, index) => `${keys[index]}:${cell.json()}`).join(',');
      yield `${separator}{"type":"Feature","geometry":${geometry(row)},"properties":{${properties}}}`;
      separator = ',\n';
    }
    yield '\n]}\n';
  },
};
