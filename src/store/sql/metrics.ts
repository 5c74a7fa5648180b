// store/sql/metrics.ts: the views stand_metrics and survey_metrics as SQL: how each figure is made. Text only.

/** What a stand is made of. `unit` is the stand. */
const STAND_UNITS = `
  unit AS (
    SELECT stand_id AS unit, area_ha, stand_id IN (SELECT stand_id FROM stand_overlap UNION ALL SELECT other_id FROM stand_overlap) AS has_overlap FROM stand
  ),
  unit_part AS (
    SELECT stand_id AS unit, source, valid_m2, canopy_m2, crown_m2, stems, agb_kg, agb_sd_kg, volume_m3, volume_sd_m3, sd_void_m2 FROM stand_part
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
    SELECT 'survey' AS unit, (SELECT area_ha FROM run) AS area_ha, false AS has_overlap -- area_ha: of the job's area; NULL where it names none
  ),
  unit_part AS (
    SELECT 'survey' AS unit, source, valid_m2, canopy_m2, crown_m2, stems, agb_kg, agb_sd_kg, volume_m3, volume_sd_m3, sd_void_m2 FROM survey_part
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

  -- Biomass and volume by a primary model's map or cells, a map before cells. Its pixels' errors are taken as shared, so that
  -- the sum's relative error is sum of deviations / sum of values: never too narrow.
  map_model AS (
    SELECT (SELECT model FROM model WHERE is_primary AND model IN (SELECT source FROM unit_part WHERE agb_kg IS NOT NULL) ORDER BY task, model LIMIT 1) AS agb,
           (SELECT model FROM model WHERE is_primary AND model IN (SELECT source FROM unit_part WHERE volume_m3 IS NOT NULL) ORDER BY task, model LIMIT 1) AS volume
  ),
  biomass_map AS (
    SELECT unit, agb_kg / 1000 / nullif(valid_m2 / 10000, 0) AS t_per_ha, CASE WHEN sd_void_m2 = 0 THEN ln(1 + pow(agb_sd_kg::DOUBLE / nullif(agb_kg::DOUBLE, 0), 2)) END AS v
    FROM unit_part WHERE source = (SELECT agb FROM map_model) AND agb_kg IS NOT NULL
  ),
  volume_map AS (
    SELECT unit, volume_m3 / nullif(valid_m2 / 10000, 0) AS m3_per_ha, CASE WHEN sd_void_m2 = 0 THEN ln(1 + pow(volume_sd_m3::DOUBLE / nullif(volume_m3::DOUBLE, 0), 2)) END AS v
    FROM unit_part WHERE source = (SELECT volume FROM map_model) AND volume_m3 IS NOT NULL
  ),

  -- Detection rates by height class where the plots gave them, else the one for all trees.
  rate_of AS (
    SELECT layer, from_m, to_m, rate, log_error FROM detection
    WHERE (layer <> 'all') = (SELECT count(*) > 0 FROM detection WHERE layer <> 'all')
  ),
  height_class AS (
    SELECT list({'layer': layer, 'from_m': from_m, 'to_m': to_m} ORDER BY layer) AS classes FROM rate_of
  ),

  -- Each tree's figures. A stem's cross-section is pi (D/200)^2 in m2. Squaring a predicted D loses its scatter,
  -- so the equation's square_factor (sum D2 observed / predicted in its fit) brings it back where it is known.
  -- Dominant trees: the ceil(100 x valid hectares) tallest, and valid_m2 / 100 = 100 x valid hectares.
  -- Trees found only in images do not belong to the canopy's valid hectares.
  stem AS (
    SELECT unit_tree.unit, height_m, crown_area_m2, agb_kg, carbon_kg, status, dbh_equation, agb_equation,
           list_filter(classes, lambda c : (c.from_m IS NULL OR height_m >= c.from_m) AND (c.to_m IS NULL OR height_m < c.to_m))[1].layer AS layer,
           list_contains(flags, 'outside_equation') AS is_outside,
           pi() * (dbh_cm / 200) * (dbh_cm / 200) * coalesce(square_factor, 1) AS basal_m2,
           row_number() OVER (PARTITION BY unit_tree.unit ORDER BY height_m DESC NULLS LAST) <= ceil(valid_m2 / 100) AS is_dominant
    FROM unit_tree
    JOIN canopy ON canopy.unit = unit_tree.unit
    LEFT JOIN equation ON equation.equation_id = unit_tree.dbh_equation
    CROSS JOIN height_class
    WHERE unit_tree.source = (SELECT source FROM canopy_source)
  ),

  -- Sums over the trees of one equation of each kind and one detection rate. Each value is cast to DECIMAL first: a sum of
  -- floats would depend on the order of the threads. A sum in which one tree is missing is NULL: a tree without a diameter is
  -- not a tree of diameter 0.
  group_sum AS (
    SELECT unit, dbh_equation, agb_equation, layer,
           count(*)                                                                                  AS n,
           count(*) FILTER (is_outside)                                                              AS outside,
           count(height_m)                                                                           AS heights,
           sum(height_m::DECIMAL(18, 6))                                                             AS height_sum,
           count(height_m) FILTER (is_dominant)                                                      AS dominants,
           sum(height_m::DECIMAL(18, 6)) FILTER (is_dominant)                                        AS dominant_sum,
           CASE WHEN count(basal_m2) = count(*) THEN sum(basal_m2::DECIMAL(38, 12)) END              AS basal_m2,
           CASE WHEN count(basal_m2) = count(*) THEN sum((basal_m2 * basal_m2)::DECIMAL(38, 12)) END AS basal_squares,
           CASE WHEN count(basal_m2 * height_m) = count(*)
             THEN sum((basal_m2 * height_m)::DECIMAL(38, 12)) END                                    AS basal_height,
           CASE WHEN count(agb_kg) = count(*) THEN sum(agb_kg::DECIMAL(18, 6)) END                   AS agb_kg,
           CASE WHEN count(agb_kg) = count(*) THEN sum((agb_kg * agb_kg)::DECIMAL(38, 6)) END        AS agb_squares,
           CASE WHEN count(carbon_kg) = count(*) THEN sum(carbon_kg::DECIMAL(18, 6)) END             AS carbon_kg,
           count(*) FILTER (status <> 'unknown')                                                     AS known,
           count(*) FILTER (status = 'dead')                                                         AS dead,
           sum(crown_area_m2::DECIMAL(18, 6)) FILTER (status <> 'unknown')                           AS known_crown_m2,
           sum(crown_area_m2::DECIMAL(18, 6)) FILTER (status = 'dead')                               AS dead_crown_m2,
           sum(basal_m2::DECIMAL(38, 12)) FILTER (status <> 'unknown')                               AS known_basal_m2,
           sum(basal_m2::DECIMAL(38, 12)) FILTER (status = 'dead')                                   AS dead_basal_m2
    FROM stem
    GROUP BY unit, dbh_equation, agb_equation, layer
  ),
  sums AS (
    SELECT unit,
           sum(n)                                                                AS stems,
           sum(outside)                                                          AS outside,
           sum(height_sum) / nullif(sum(heights), 0)                             AS mean_height_m,
           sum(dominant_sum) / nullif(sum(dominants), 0)                         AS dominant_height_m,
           CASE WHEN count(basal_m2) = count(*) THEN sum(basal_m2) END           AS basal_m2,
           CASE WHEN count(basal_height) = count(*) THEN sum(basal_height) END   AS basal_height,
           CASE WHEN count(agb_kg) = count(*) THEN sum(agb_kg) END               AS agb_kg,
           CASE WHEN count(carbon_kg) = count(*) THEN sum(carbon_kg) END         AS carbon_kg,
           nullif(sum(known), 0)                                                 AS known,
           sum(dead)                                                             AS dead,
           nullif(sum(known_crown_m2), 0)                                        AS known_crown_m2,
           coalesce(sum(dead_crown_m2), 0)                                       AS dead_crown_m2,
           nullif(sum(known_basal_m2), 0)                                        AS known_basal_m2,
           coalesce(sum(dead_basal_m2), 0)                                       AS dead_basal_m2
    FROM group_sum
    GROUP BY unit
  ),

  -- Errors of sums, in closed form: docs/figures/intervals.md derives it. A figure is a sum of trees' means m. Its trees have
  -- errors of their own (s) and errors shared by all trees of one equation (t), both log-normal with mean 1. With S the sum
  -- of m and Q the sum of m2 over the trees of an equation,
  --   V = sum over equations of Q (e^(s2) - 1) e^(t2) + sum over pairs of equations a, b of S_a S_b (e^(c_ab) - 1)
  -- where c_aa = t_a2, and c_ab of two equations is what they share: nothing, or the errors of the same predicted D.
  -- First the S and Q of each equation. Cross-sections go with D2: 2 sigma and 2 tau. A stem found counts 1 / rate.
  share AS (
    SELECT unit, 'basal area' AS figure, dbh_equation AS given_by, 2 AS power, sum(basal_m2)::DOUBLE AS s, sum(basal_squares)::DOUBLE AS q
    FROM group_sum GROUP BY unit, dbh_equation
    UNION ALL
    SELECT unit, 'agb', agb_equation, 1, sum(agb_kg)::DOUBLE, sum(agb_squares)::DOUBLE
    FROM group_sum GROUP BY unit, agb_equation
    UNION ALL
    SELECT unit, 'stems', group_sum.layer, 1, sum(n) / any_value(rate), 0
    FROM group_sum LEFT JOIN rate_of ON rate_of.layer = group_sum.layer GROUP BY unit, group_sum.layer
  ),
  -- With the errors: what was measured (no equation) has none; an unknown one is NULL and makes the whole interval NULL.
  share_error AS (
    SELECT share.*, on_dbh_equation, dbh_exponent * (SELECT tau FROM equation d WHERE d.equation_id = equation.on_dbh_equation) AS dbh_tau,
           CASE WHEN figure = 'stems' THEN 0 WHEN given_by IS NULL THEN 0 ELSE power * sigma END AS tree_error,
           CASE WHEN figure = 'stems' THEN log_error WHEN given_by IS NULL THEN 0
                WHEN figure = 'basal area' AND square_factor IS NULL THEN NULL ELSE power * tau END AS shared_error
    FROM share
    LEFT JOIN equation ON equation.equation_id = share.given_by AND figure <> 'stems'
    LEFT JOIN rate_of ON rate_of.layer = share.given_by AND figure = 'stems'
  ),
  figure_sum AS (
    SELECT unit, figure, CASE WHEN count(s) = count(*) THEN nullif(sum(s::DECIMAL(38, 9))::DOUBLE, 0) END AS s FROM share GROUP BY unit, figure
  ),
  -- The terms of V / S2; they are of order 1, so DECIMAL holds their sum whatever its order.
  variance AS (
    SELECT a.unit, a.figure, total.s,
           CASE WHEN count(term) = count(*) THEN sum(term::DECIMAL(38, 18))::DOUBLE END AS relative_variance
    FROM share_error a
    JOIN share_error b ON b.unit = a.unit AND b.figure = a.figure
    JOIN figure_sum total ON total.unit = a.unit AND total.figure = a.figure,
    LATERAL (SELECT CASE
        WHEN a.given_by IS NOT DISTINCT FROM b.given_by THEN
          a.q / (total.s * total.s) * (exp(pow(a.tree_error, 2)) - 1) * exp(pow(a.shared_error, 2))
          + (a.s / total.s) * (b.s / total.s) * (exp(pow(a.shared_error, 2)) - 1)
        WHEN a.on_dbh_equation = b.on_dbh_equation THEN a.s / total.s * (b.s / total.s) * (exp(a.dbh_tau * b.dbh_tau) - 1)
        ELSE 0 END AS term)
    GROUP BY a.unit, a.figure, total.s
  ),
  -- A log-normal sum of mean S: v = ln(1 + V / S2), limits S exp(-v/2 -+ 1.96 sqrt(v)).
  interval_of AS (
    SELECT unit, figure, s, ln(1 + relative_variance) AS v, exp(-v / 2 - 1.96 * sqrt(v)) AS lo, exp(-v / 2 + 1.96 * sqrt(v)) AS hi FROM variance
  ),
  openings AS (
    SELECT unit, sum(area_m2) AS area_m2, count(DISTINCT gap_id) AS n FROM unit_gap GROUP BY unit
  ),

  -- Valid canopy without a tree is 0 stems, 0 basal area and 0 biomass; no valid canopy is NULL, because x / NULL is NULL.
  totals AS (
    SELECT unit.unit, unit.area_ha, unit.has_overlap, canopy.valid_ha, canopy.valid_m2, canopy.canopy_m2, canopy.crown_m2,
           coalesce(sums.stems, 0)                                                       AS stems,
           mean_height_m, dominant_height_m, basal_height,
           CASE WHEN sums.unit IS NULL THEN 0 ELSE basal_m2 END                          AS basal_m2,
           CASE WHEN sums.unit IS NULL THEN 0 ELSE agb_kg END                            AS agb_kg,
           CASE WHEN sums.unit IS NULL THEN 0 ELSE carbon_kg END                         AS carbon_kg,
           known, dead, known_crown_m2, dead_crown_m2, known_basal_m2, dead_basal_m2,
           coalesce(openings.area_m2, 0) AS gap_m2, coalesce(openings.n, 0) AS gap_count,
           density.valid_ha AS image_ha, density.stems AS image_stems, biomass_map.t_per_ha AS map_t_per_ha, biomass_map.v AS map_v, volume_map.m3_per_ha, volume_map.v AS volume_v,
           coalesce(sums.outside, 0) AS outside,
           CASE WHEN sums.unit IS NULL AND (SELECT count(*) FROM detection) > 0 THEN 0 ELSE stems_interval.s END AS stems_corrected,
           stems_interval.lo AS stems_lo, stems_interval.hi AS stems_hi, basal_interval.lo AS basal_lo, basal_interval.hi AS basal_hi,
           agb_interval.lo AS agb_lo, agb_interval.hi AS agb_hi
    FROM unit
    LEFT JOIN canopy ON canopy.unit = unit.unit
    LEFT JOIN density ON density.unit = unit.unit
    LEFT JOIN biomass_map ON biomass_map.unit = unit.unit
    LEFT JOIN volume_map ON volume_map.unit = unit.unit
    LEFT JOIN sums ON sums.unit = unit.unit
    LEFT JOIN interval_of stems_interval ON stems_interval.unit = unit.unit AND stems_interval.figure = 'stems'
    LEFT JOIN interval_of basal_interval ON basal_interval.unit = unit.unit AND basal_interval.figure = 'basal area'
    LEFT JOIN interval_of agb_interval ON agb_interval.unit = unit.unit AND agb_interval.figure = 'agb'
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
    round(stems_corrected / valid_ha, 6)                        AS stems_per_ha_corrected,
    round(stems_corrected / valid_ha * stems_lo, 6)             AS stems_per_ha_corrected_lo,
    round(stems_corrected / valid_ha * stems_hi, 6)             AS stems_per_ha_corrected_hi,
    round(mean_height_m, 6)                                     AS mean_height_m,
    round(basal_height / nullif(basal_m2, 0), 6)                AS lorey_height_m,        -- sum(g h) / sum(g)
    round(dominant_height_m, 6)                                 AS dominant_height_m,
    round(basal_m2 / valid_ha, 6)                               AS basal_area_m2_per_ha,  -- sum(g) / A
    round(basal_m2 / valid_ha * basal_lo, 6)                    AS basal_area_m2_per_ha_lo,
    round(basal_m2 / valid_ha * basal_hi, 6)                    AS basal_area_m2_per_ha_hi,
    round(qmd_cm, 6)                                            AS qmd_cm,
    round(agb_kg / 1000 / valid_ha, 6)                          AS agb_t_per_ha,
    round(agb_kg / 1000 / valid_ha * agb_lo, 6)                 AS agb_t_per_ha_lo,
    round(agb_kg / 1000 / valid_ha * agb_hi, 6)                 AS agb_t_per_ha_hi,
    round(map_t_per_ha, 6)                                      AS agb_t_per_ha_cells,
    round(map_t_per_ha * exp(-map_v / 2 - 1.96 * sqrt(map_v)), 6) AS agb_t_per_ha_cells_lo,
    round(map_t_per_ha * exp(-map_v / 2 + 1.96 * sqrt(map_v)), 6) AS agb_t_per_ha_cells_hi,
    round(carbon_kg / 1000 / valid_ha, 6)                       AS carbon_t_per_ha,
    round(carbon_kg / 1000 / valid_ha * agb_lo, 6)              AS carbon_t_per_ha_lo,
    round(carbon_kg / 1000 / valid_ha * agb_hi, 6)              AS carbon_t_per_ha_hi,
    round(m3_per_ha, 6)                                         AS volume_m3_per_ha,
    round(m3_per_ha * exp(-volume_v / 2 - 1.96 * sqrt(volume_v)), 6) AS volume_m3_per_ha_lo,
    round(m3_per_ha * exp(-volume_v / 2 + 1.96 * sqrt(volume_v)), 6) AS volume_m3_per_ha_hi,
    round(canopy_m2 / nullif(valid_m2, 0), 6)                   AS canopy_cover,
    round(crown_m2 / nullif(valid_m2, 0), 6)                    AS crown_cover,
    round(gap_m2 / nullif(valid_m2, 0), 6)                      AS gap_share,
    CASE WHEN valid_m2 > 0 THEN gap_count END                   AS gap_count,
    round(dead / known, 6)                                      AS dead_share_stems,
    round(dead_crown_m2 / known_crown_m2, 6)                    AS dead_share_crown_area,
    round(dead_basal_m2 / known_basal_m2, 6)                    AS dead_share_basal_area,
    round(CASE WHEN stems = 0 THEN 0 ELSE stems * pow(qmd_cm / 25.4, 1.605) END / valid_ha, 6) AS sdi, -- Reineke 1933
    list_filter([
      CASE WHEN coalesce(valid_ha, 0) < 0.5 * area_ha THEN 'mostly_void' END,
      CASE WHEN has_overlap THEN 'overlaps' END,
      CASE WHEN abs(stems / valid_ha - image_stems / image_ha) > 0.5 * greatest(stems / valid_ha, image_stems / image_ha) THEN 'counts_differ' END,
      CASE WHEN map_t_per_ha NOT BETWEEN agb_kg / 1000 / valid_ha * agb_lo AND agb_kg / 1000 / valid_ha * agb_hi THEN 'agb_differs' END,
      CASE WHEN basal_m2 > 0 AND basal_lo IS NULL THEN 'no_interval_basal_area' END,
      CASE WHEN agb_kg > 0 AND agb_lo IS NULL THEN 'no_interval_agb' END,
      CASE WHEN outside > 0.1 * stems THEN 'trees_outside_equation' END
    ], lambda flag : flag IS NOT NULL)                          AS flags`;

/** The views of stand figures, by name (FORMULAS 1e; Lorey, Reineke and dominant height as stated at each column). */
export const METRIC_VIEWS = {
  stand_metrics: `WITH ${SOURCES} ${STAND_UNITS} ${FIGURES}\n  SELECT unit AS stand_id, ${COLUMNS}\n  FROM diameters`,
  survey_metrics: `WITH ${SOURCES} ${SURVEY_UNITS} ${FIGURES}\n  SELECT ${COLUMNS}\n  FROM diameters`,
} as const;
