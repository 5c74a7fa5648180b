// export/exporter.ts: what an exporter is, and what it gets. Types, and the shape of a row.
import type { LayerRow, LayerRows } from '../store/layer-rows.ts';
import type { MultiPolygon } from '../types.ts';
import { simplifyPolygon } from '../raster/simplify.ts';
import type { Layer } from './layers.ts';
import { boxOutline, cellSquare, type ToLonLat } from './shape.ts';

export interface ExportInput {
  layer: Layer;
  names: readonly string[];
  rows: LayerRows['rows'];
  cellSizeM: number;
  /** how far an outline may move, metres; 0: not at all */
  simplifyM: number;
  toLonLat: ToLonLat;
  /** coordinates in another CRS than the survey's, for formats that may hold one; none: not wanted */
  other?: OtherCrs | undefined;
}

/** Another CRS: its code, the way there from the survey's, and the decimals that are worth writing (1 mm, or 1e-7 of a degree). */
export interface OtherCrs {
  epsg: number;
  transform: (x: number, y: number) => [number, number];
  decimals: number;
}

/** A file format: text chunk by chunk, so that memory holds one row. */
export interface Exporter {
  readonly name: string;
  /** whether a file may be in another CRS than its format prescribes */
  readonly anyCrs: boolean;
  chunks(input: ExportInput): AsyncIterable<string>;
}

/** The outline of a row in the survey's CRS, or null where none is known. A reader is made once for a layer: names do not change. */
export function outlineReader({ layer, names, cellSizeM, simplifyM }: ExportInput): (row: LayerRow) => MultiPolygon | null {
  const at = (row: LayerRow, name: string): number | null => row.cells[names.indexOf(name)]?.number() ?? null;
  if (layer.shape === 'square') {
    return (row) => {
      const x = at(row, 'x_m'), y = at(row, 'y_m');
      return x === null || y === null ? null : cellSquare(x, y, cellSizeM);
    };
  }
  return (row) => {
    if (row.outline) return simplifyM > 0 ? row.outline.map((polygon) => simplifyPolygon(polygon, simplifyM)) : row.outline;
    const x0 = at(row, 'x0_m'), y0 = at(row, 'y0_m'), x1 = at(row, 'x1_m'), y1 = at(row, 'y1_m');
    return x0 === null || y0 === null || x1 === null || y1 === null ? null : boxOutline(x0, y0, x1, y1);
  };
}
