// export/csv.ts: CSV by RFC 4180: a header, CRLF, lists joined by ';', NULL empty. Pure.
import { csvField } from '../store/formats.ts';
import type { LayerRow } from '../store/layer-rows.ts';
import { toWkt } from '../store/wkb.ts';
import { outlineReader, type ExportInput, type Exporter } from './exporter.ts';

const round7 = (degrees: number): string => String(Math.round(degrees * 1e7) / 1e7);

interface Extra {
  names: string[];
  of(row: LayerRow): string[];
}

/** lon, lat beside x_m, y_m where the layer has no lon, lat of its own; the outline in the survey's CRS where the layer needs it. */
function extraColumns(input: ExportInput): Extra {
  const { names, layer, toLonLat } = input;
  const x = names.indexOf('x_m'), y = names.indexOf('y_m');
  const addsDegrees = x >= 0 && y >= 0 && !names.includes('lon'), outlineOf = outlineReader(input);
  return {
    names: [...(addsDegrees ? ['lon', 'lat'] : []), ...(layer.wkt ? ['geometry_wkt'] : [])],
    of(row) {
      const out = addsDegrees ? toLonLat(row.cells[x]!.number()!, row.cells[y]!.number()!).map(round7) : [];
      if (!layer.wkt) return out;
      const outline = outlineOf(row);
      return [...out, outline ? toWkt(outline) : ''];
    },
  };
}

export const csv: Exporter = {
  name: 'csv',
  async *chunks(input) {
    const extra = extraColumns(input);
    yield `${[...input.names, ...extra.names].map(csvField).join(',')}\r\n`;
    for await (const row of input.rows) {
      yield `${[...row.cells.map((cell) => cell.text()), ...extra.of(row)].map(csvField).join(',')}\r\n`;
    }
  },
};
