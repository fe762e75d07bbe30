-- name: analyze_input
-- Without statistics the planner may walk the features once per scene.
ANALYZE skyscript.scene;

-- name: insert_chips
INSERT INTO skyscript.chip (
    id, scene_id, osm_type, osm_id, kind, plan, footprint, lon, lat, gsd_m,
    col_off_px, row_off_px, width_px, height_px
)
SELECT
    chip.id,
    chip.scene_id,
    chip.osm_type,
    chip.osm_id,
    chip.kind,
    %(plan)s,
    window_on.ground,
    st_x(st_centroid(window_on.ground)),
    st_y(st_centroid(window_on.ground)),
    s.gsd_m,
    chip.col_off_px,
    chip.row_off_px,
    chip.width_px,
    chip.height_px
FROM skyscript.choose_chips(
    %(plan)s, %(policy)s, %(side_px)s, %(min_side_px)s, %(max_side_px)s, %(margin)s,
    %(seed)s, %(cell_fraction)s, %(rare_below)s, %(tag_cap)s
) AS chip
INNER JOIN skyscript.scene AS s ON s.id = chip.scene_id
CROSS JOIN LATERAL (
    SELECT skyscript.to_ground(
        st_makeenvelope(
            chip.col_off_px, chip.row_off_px,
            chip.col_off_px + chip.width_px, chip.row_off_px + chip.height_px
        ),
        s.srid,
        s.transform
    ) AS ground
) AS window_on
WHERE chip.reason IS NULL AND NOT chip.is_planned
-- By hash: a limit takes a fair sample.
ORDER BY chip.id
LIMIT %(limit)s;

-- name: analyze
ANALYZE skyscript.chip;

-- name: count
WITH chosen AS (
    SELECT
        c.osm_type,
        c.osm_id,
        count(*) FILTER (WHERE c.reason IS NULL AND NOT c.is_planned) AS n_pending,
        min(c.reason) AS reason
    FROM skyscript.choose_chips(
        %(plan)s, %(policy)s, %(side_px)s, %(min_side_px)s, %(max_side_px)s,
        %(margin)s, %(seed)s, %(cell_fraction)s, %(rare_below)s, %(tag_cap)s
    ) AS c
    GROUP BY c.osm_type, c.osm_id
),

planned AS (
    SELECT DISTINCT c.osm_type, c.osm_id FROM skyscript.chip AS c WHERE c.plan = %(plan)s
),

judged AS (
    SELECT
        CASE
            WHEN chosen.n_pending > 0 THEN 'pending'
            WHEN planned.osm_id IS NOT NULL THEN 'ok'
            ELSE 'rejected'
        END AS outcome,
        CASE
            WHEN chosen.reason IS NOT NULL THEN chosen.reason
            WHEN EXISTS (SELECT FROM skyscript.hidden_by(f.tags)) THEN 'another tag hides it'
            ELSE 'no primary tag can be seen'
        END AS reason
    FROM osm.feature AS f
    LEFT JOIN chosen ON chosen.osm_type = f.osm_type AND chosen.osm_id = f.osm_id
    LEFT JOIN planned ON planned.osm_type = f.osm_type AND planned.osm_id = f.osm_id
)

SELECT outcome, CASE WHEN outcome = 'rejected' THEN reason END AS reason, count(*)
FROM judged
GROUP BY 1, 2
ORDER BY 1, 2;
