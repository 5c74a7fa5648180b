// export/layers.ts: what each layer selects from the database. Text only.

export interface Layer {
  /** a SELECT that `where` and `ORDER BY` can wrap; `geometry` is a GEOMETRY in the CRS of the survey */
  readonly sql: string;
  /** order of `--canonical` */
  readonly key: readonly string[];
  /** columns that name the run or the tile: left out by `--canonical` */
  readonly notCanonical: readonly string[];
  /** outline: the column geometry; point: lon, lat of the row; square: a cell around x_m, y_m */
  readonly shape: 'outline' | 'point' | 'square';
  /** True: rows may have several parts, so all are multipolygons; else each is one polygon */
  readonly multi: boolean;
  /** True: the CSV has the outline as well-known text, since x_m, y_m do not say it */
  readonly wkt: boolean;
}

const TREE = { key: ['tree_id'], notCanonical: ['tile'] } as const;

/** Layers by name. */
export const LAYERS = {
  trees: { sql: 'SELECT * EXCLUDE (geometry) FROM tree', shape: 'point', multi: false, wkt: false, ...TREE },
  crowns: { sql: 'SELECT * FROM tree WHERE geometry IS NOT NULL', shape: 'outline', multi: false, wkt: true, ...TREE },
  stands: {
    sql: 'SELECT stand.stand_id, stand.attributes, stand_metrics.* EXCLUDE (stand_id), stand.geometry FROM stand LEFT JOIN stand_metrics USING (stand_id)',
    key: ['stand_id'], notCanonical: [], shape: 'outline', multi: true, wkt: true,
  },
  cells: { sql: 'SELECT * FROM cell', key: ['cell_id'], notCanonical: ['tile'], shape: 'square', multi: false, wkt: false },
  gaps: { sql: 'SELECT * FROM gap', key: ['gap_id'], notCanonical: [], shape: 'outline', multi: true, wkt: true },
  voids: {
    // where only the tile is known, its core is drawn and `outline` says so: it is larger than what is missing
    sql: `SELECT void.tile, void.source, void.reason, void.area_m2,
            CASE WHEN void.geometry IS NOT NULL THEN 'void' WHEN tile.x0_m IS NOT NULL THEN 'tile' END AS outline,
            tile.x0_m, tile.y0_m, tile.x1_m, tile.y1_m, void.geometry
          FROM void LEFT JOIN tile USING (tile)`,
    key: ['source', 'reason', 'tile', 'area_m2'], notCanonical: [], shape: 'outline', multi: true, wkt: true,
  },
} as const satisfies Record<string, Layer>;

export type LayerName = keyof typeof LAYERS;
