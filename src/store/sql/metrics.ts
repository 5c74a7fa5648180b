// store/sql/metrics.ts: the views stand_metrics and survey_metrics as SQL: how each figure is made. Text only.

/** What a stand is made of. `unit` is the stand. */
const STAND_UNITS = `
  unit AS (
    SELECT stand_id AS unit, area_ha FROM stand
  ),
  unit_part AS (
    SELECT stand_id AS unit, source, valid_m2, canopy_m2, crown_m2, stems FROM stand_part
  ),
  unit_tree AS (
    SELECT tree_stand.stand_id AS unit, tree.* FROM tree_stand JOIN tree USING (tree_id)
  ),
  unit_gap AS (
    SELECT stand_id AS unit, gap_id, area_m2 FROM gap_stand
  ),`;

/** What the survey is made of: one unit, every tree, pixel and opening once, in a stand or not. */
const SURVEY_UNITS = `
  unit AS (
    SELECT 'survey' AS unit, CAST(NULL AS DOUBLE) AS area_ha -- how much ground the survey is meant to cover is not stated
  ),
  unit_part AS (
    SELECT 'survey' AS unit, source, valid_m2, canopy_m2, crown_m2, stems FROM survey_part
  ),
  unit_tree AS (
    SELECT 'survey' AS unit, tree.* FROM tree
  ),
  unit_gap AS (
    SELECT 'survey' AS unit, gap_id, area_m2 FROM gap
  ),`;

/** Trees and canopy come from LiDAR where the survey has it, else from canopy height models that the user brought. */
const SOURCES = `
  canopy_source AS (
    SELECT CASE WHEN bool_or(source = 'lidar') THEN 'lidar' ELSE 'chm' END AS source
    FROM (SELECT source FROM stand_part UNION ALL SELECT source FROM survey_part)
  ),`;

const FIGURES = `
  -- Valid hectares of each source. Areas in m2 are DECIMAL, so these quotients are the same on every run.
  canopy AS (
    SELECT unit, valid_m2, nullif(valid_m2 / 10000, 0) AS valid_ha, canopy_m2, crown_m2
    FROM unit_part WHERE source = (SELECT source FROM canopy_source)
  ),
  density AS (
    SELECT unit, nullif(valid_m2 / 10000, 0) AS valid_ha, stems
    FROM unit_part WHERE source = (SELECT model FROM model WHERE task = 'density' AND is_primary)
  ),

  -- Each tree's figures. A stem's cross-section is pi (D/200)^2 in m2. Squaring a predicted D loses its scatter,
  -- so the equation's square_factor (sum D2 observed / predicted in its fit) brings it back where it is known.
  -- Dominant trees: the ceil(100 x valid hectares) tallest, and valid_m2 / 100 = 100 x valid hectares.
  -- Trees found only in images do not belong to the canopy's valid hectares.
  stem AS (
    SELECT unit_tree.unit, height_m, crown_area_m2, agb_kg, carbon_kg, status,
           pi() * (dbh_cm / 200) * (dbh_cm / 200) * coalesce(square_factor, 1) AS basal_m2,
           row_number() OVER (PARTITION BY unit_tree.unit ORDER BY height_m DESC NULLS LAST) <= ceil(valid_m2 / 100) AS is_dominant
    FROM unit_tree
    JOIN canopy ON canopy.unit = unit_tree.unit
    LEFT JOIN equation ON equation.equation_id = unit_tree.dbh_equation
    WHERE unit_tree.source = (SELECT source FROM canopy_source)
  ),

  -- Sums over trees. Each value is cast to DECIMAL first: a sum of floats would depend on the order of the threads.
  -- A sum in which one tree is missing is NULL: a tree without a diameter is not a tree of diameter 0.
  sums AS (
    SELECT unit,
           count(*)                                                                                      AS stems,
           sum(height_m::DECIMAL(18, 6)) / nullif(count(height_m), 0)                                    AS mean_height_m,
           sum(height_m::DECIMAL(18, 6)) FILTER (is_dominant)
             / nullif(count(height_m) FILTER (is_dominant), 0)                                           AS dominant_height_m,
           CASE WHEN count(basal_m2) = count(*) THEN sum(basal_m2::DECIMAL(38, 12)) END                  AS basal_m2,
           CASE WHEN count(basal_m2 * height_m) = count(*)
             THEN sum((basal_m2 * height_m)::DECIMAL(38, 12)) END                                        AS basal_height,
           CASE WHEN count(agb_kg) = count(*) THEN sum(agb_kg::DECIMAL(18, 6)) END                       AS agb_kg,
           CASE WHEN count(carbon_kg) = count(*) THEN sum(carbon_kg::DECIMAL(18, 6)) END                 AS carbon_kg,
           nullif(count(*) FILTER (status <> 'unknown'), 0)                                              AS known,
           count(*) FILTER (status = 'dead')                                                             AS dead,
           nullif(sum(crown_area_m2::DECIMAL(18, 6)) FILTER (status <> 'unknown'), 0)                    AS known_crown_m2,
           coalesce(sum(crown_area_m2::DECIMAL(18, 6)) FILTER (status = 'dead'), 0)                      AS dead_crown_m2,
           nullif(sum(basal_m2::DECIMAL(38, 12)) FILTER (status <> 'unknown'), 0)                        AS known_basal_m2,
           coalesce(sum(basal_m2::DECIMAL(38, 12)) FILTER (status = 'dead'), 0)                          AS dead_basal_m2
    FROM stem
    GROUP BY unit
  ),
  openings AS (
    SELECT unit, sum(area_m2) AS area_m2, count(DISTINCT gap_id) AS n FROM unit_gap GROUP BY unit
  ),

  -- Valid canopy without a tree is 0 stems, 0 basal area and 0 biomass; no valid canopy is NULL, because x / NULL is NULL.
  totals AS (
    SELECT unit.unit, unit.area_ha, canopy.valid_ha, canopy.valid_m2, canopy.canopy_m2, canopy.crown_m2,
           coalesce(sums.stems, 0)                                                       AS stems,
           mean_height_m, dominant_height_m, basal_height,
           CASE WHEN sums.unit IS NULL THEN 0 ELSE basal_m2 END                          AS basal_m2,
           CASE WHEN sums.unit IS NULL THEN 0 ELSE agb_kg END                            AS agb_kg,
           CASE WHEN sums.unit IS NULL THEN 0 ELSE carbon_kg END                         AS carbon_kg,
           known, dead, known_crown_m2, dead_crown_m2, known_basal_m2, dead_basal_m2,
           coalesce(openings.area_m2, 0) AS gap_m2, coalesce(openings.n, 0) AS gap_count,
           density.valid_ha AS image_ha, density.stems AS image_stems
    FROM unit
    LEFT JOIN canopy ON canopy.unit = unit.unit
    LEFT JOIN density ON density.unit = unit.unit
    LEFT JOIN sums ON sums.unit = unit.unit
    LEFT JOIN openings ON openings.unit = unit.unit
  ),

  -- Quadratic mean diameter in cm: the diameter of the stem of mean cross-section, so that G = N pi (QMD/200)^2.
  diameters AS (
    SELECT *, 200 * sqrt(basal_m2 / nullif(stems, 0) / pi()) AS qmd_cm FROM totals
  )`;

const COLUMNS = `
    round(area_ha, 6)                                           AS area_ha,
    round(coalesce(valid_ha, 0), 6)                             AS valid_ha_lidar,
    CASE WHEN area_ha > 0 THEN round(least(1, coalesce(valid_ha, 0) / area_ha), 6) END AS valid_share,
    round(image_ha, 6)                                          AS valid_ha_image,
    round(stems / valid_ha, 6)                                  AS stems_per_ha,
    round(image_stems / image_ha, 6)                            AS stems_per_ha_image,
    round(mean_height_m, 6)                                     AS mean_height_m,
    round(basal_height / nullif(basal_m2, 0), 6)                AS lorey_height_m,        -- sum(g h) / sum(g)
    round(dominant_height_m, 6)                                 AS dominant_height_m,
    round(basal_m2 / valid_ha, 6)                               AS basal_area_m2_per_ha,  -- sum(g) / A
    round(qmd_cm, 6)                                            AS qmd_cm,
    round(agb_kg / 1000 / valid_ha, 6)                          AS agb_t_per_ha,
    round(carbon_kg / 1000 / valid_ha, 6)                       AS carbon_t_per_ha,
    round(canopy_m2 / nullif(valid_m2, 0), 6)                   AS canopy_cover,
    round(crown_m2 / nullif(valid_m2, 0), 6)                    AS crown_cover,
    round(gap_m2 / nullif(valid_m2, 0), 6)                      AS gap_share,
    CASE WHEN valid_m2 > 0 THEN gap_count END                   AS gap_count,
    round(dead / known, 6)                                      AS dead_share_stems,
    round(dead_crown_m2 / known_crown_m2, 6)                    AS dead_share_crown_area,
    round(dead_basal_m2 / known_basal_m2, 6)                    AS dead_share_basal_area,
    round(CASE WHEN stems = 0 THEN 0 ELSE stems * pow(qmd_cm / 25.4, 1.605) END / valid_ha, 6) AS sdi  -- Reineke 1933`;

/** The views of stand figures, by name (FORMULAS 1e; Lorey, Reineke and dominant height as stated at each column). */
export const METRIC_VIEWS = {
  stand_metrics: `WITH ${SOURCES} ${STAND_UNITS} ${FIGURES}\n  SELECT unit AS stand_id, ${COLUMNS}\n  FROM diameters`,
  survey_metrics: `WITH ${SOURCES} ${SURVEY_UNITS} ${FIGURES}\n  SELECT ${COLUMNS}\n  FROM diameters`,
} as const;
