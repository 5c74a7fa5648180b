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

/** lon, lat beside x_m, y_m where the layer has no lon, lat of its own; the outline in the survey's CRS where the layer needs it; coordinates and outline in another CRS where one is wanted. */
function extraColumns(input: ExportInput): Extra {
  const { names, layer, toLonLat, other } = input;
  const x = names.indexOf('x_m'), y = names.indexOf('y_m'), isPlaced = x >= 0 && y >= 0;
  const addsDegrees = isPlaced && !names.includes('lon'), outlineOf = outlineReader(input), suffix = other === undefined ? '' : `_epsg_${other.epsg}`;
  const inOther = (xM: number, yM: number): [number, number] => {
    const [ox, oy] = other!.transform(xM, yM), factor = 10 ** other!.decimals;
    return [Math.round(ox * factor) / factor, Math.round(oy * factor) / factor];
  };
  return {
    names: [...(addsDegrees ? ['lon', 'lat'] : []), ...(other !== undefined && isPlaced ? [`x${suffix}`, `y${suffix}`] : []), ...(layer.wkt ? [`geometry_wkt${suffix}`] : [])],
    of(row) {
      const xM = isPlaced ? row.cells[x]!.number() : null, yM = isPlaced ? row.cells[y]!.number() : null, out = addsDegrees ? toLonLat(xM!, yM!).map(round7) : [];
      if (other !== undefined && isPlaced) out.push(...(xM === null || yM === null ? ['', ''] : inOther(xM, yM).map(String)));
      if (!layer.wkt) return out;
      const outline = outlineOf(row);
      return [...out, outline ? toWkt(other === undefined ? outline : outline.map((polygon) => polygon.map((ring) => ring.map(([rx, ry]) => inOther(rx, ry))))) : ''];
    },
  };
}

export const csv: Exporter = {
  name: 'csv',
  anyCrs: true,
  async *chunks(input) {
    const extra = extraColumns(input);
    yield `${[...input.names, ...extra.names].map(csvField).join(',')}\r\n`;
    for await (const row of input.rows) {
      yield `${[...row.cells.map((cell) => cell.text()), ...extra.of(row)].map(csvField).join(',')}\r\n`;
    }
  },
};
