// store/sql/queries.ts: queries that users run by name, `understory query TARGET @stands`. Text only.

export interface NamedQuery {
  readonly meaning: string;
  readonly sql: string;
}

/** By name, without the @. */
export const QUERIES: Readonly<Record<string, NamedQuery>> = {
  stands: {
    meaning: 'main figures of each stand, rounded',
    sql: `SELECT stand_id, round(area_ha, 2) AS area_ha, round(valid_share, 2) AS valid_share, round(stems_per_ha) AS stems_per_ha,
       round(mean_height_m, 1) AS mean_height_m, round(dominant_height_m, 1) AS dominant_height_m, round(basal_area_m2_per_ha, 1) AS basal_area_m2_per_ha,
       round(basal_area_m2_per_ha_lo, 1) AS basal_lo, round(basal_area_m2_per_ha_hi, 1) AS basal_hi, round(agb_t_per_ha, 1) AS agb_t_per_ha,
       round(agb_t_per_ha_lo, 1) AS agb_lo, round(agb_t_per_ha_hi, 1) AS agb_hi, round(canopy_cover, 2) AS canopy_cover, gap_count, flags
FROM stand_metrics ORDER BY stand_id`,
  },
  counts: {
    meaning: 'stems of each stand side by side: of the canopy and of the primary density, and the trees of each model that sees single trees, per hectare where its map says what it saw',
    sql: `WITH seen AS (
  SELECT stand_id, model, count(*) AS trees FROM tree_stand JOIN tree USING (tree_id) JOIN model ON tree.source = model OR list_contains(flags, 'seen_by:' || model) GROUP BY ALL
)
SELECT stand_id, round(stems_per_ha) AS canopy_per_ha, round(stems_per_ha_image) AS density_per_ha, models.model, coalesce(trees, CASE WHEN valid_m2 > 0 THEN 0 END) AS trees,
       round(coalesce(trees, 0) / nullif(valid_m2 / 10000, 0)) AS trees_per_ha, list_contains(stand_metrics.flags, 'counts_differ') AS counts_differ
FROM stand_metrics LEFT JOIN (SELECT DISTINCT model FROM seen) AS models ON true
LEFT JOIN seen USING (stand_id, model) LEFT JOIN (SELECT stand_id, source AS model, valid_m2 FROM stand_part) USING (stand_id, model)
ORDER BY stand_id, models.model`,
  },
  stand_metrics: { meaning: 'all figures of each stand', sql: 'SELECT * FROM stand_metrics ORDER BY stand_id' },
  survey: { meaning: 'figures of the whole survey', sql: 'SELECT * FROM survey_metrics' },
  trees: { meaning: 'every tree without its crown outline', sql: 'SELECT * EXCLUDE (geometry) FROM tree' },
  tallest: {
    meaning: 'the hundred tallest trees',
    sql: 'SELECT tree_id, height_m, crown_diameter_m, dbh_cm, agb_kg, lon, lat FROM tree ORDER BY height_m DESC NULLS LAST, tree_id LIMIT 100',
  },
  heights: {
    meaning: 'trees by height class of 5 m',
    sql: 'SELECT CAST(floor(height_m / 5) * 5 AS INTEGER) AS from_m, count(*) AS trees FROM tree GROUP BY from_m ORDER BY from_m',
  },
  cells: { meaning: 'main figures of each cell', sql: 'SELECT cell_id, x_m, y_m, valid_area_m2, n, zmax, zmean, zq95, cover_first_returns, canopy_cover, low_share FROM cell' },
  gaps: { meaning: 'openings in the canopy, largest first', sql: 'SELECT gap_id, x_m, y_m, area_m2 FROM gap ORDER BY area_m2 DESC, gap_id' },
  voids: {
    meaning: 'missing data by source and reason',
    sql: `SELECT source, reason, count(*) AS places, sum(CAST(area_m2 AS DECIMAL(18, 6))) AS area_m2,
       count(*) FILTER (area_m2 IS NULL) AS of_unknown_area
FROM void GROUP BY source, reason ORDER BY source, reason`,
  },
  inputs: { meaning: 'input files and what became of them', sql: 'SELECT input, path, bytes, points, crs, status, reason FROM input_file ORDER BY input, path' },
  models: { meaning: 'models of the job', sql: 'SELECT * EXCLUDE (card) FROM model ORDER BY model' },
  run: { meaning: 'the run that made the database', sql: 'SELECT * EXCLUDE (job) FROM run' },
  columns: {
    meaning: 'every column with its meaning and unit',
    sql: 'SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal ORDER BY table_name, column_index',
  },
};
