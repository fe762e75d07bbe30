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
    chip.footprint,
    st_x(st_centroid(chip.footprint)),
    st_y(st_centroid(chip.footprint)),
    chip.gsd_m,
    chip.col_off_px,
    chip.row_off_px,
    chip.width_px,
    chip.height_px
FROM (
    SELECT
        p.*,
        s.gsd_m,
        skyscript.hash_id(c.name, s.name, p.osm_type, p.osm_id::text, %(plan)s) AS id,
        skyscript.to_ground(
            st_makeenvelope(
                p.col_off_px, p.row_off_px,
                p.col_off_px + p.width_px, p.row_off_px + p.height_px
            ),
            s.srid,
            s.transform
        ) AS footprint,
        row_number() OVER (
            PARTITION BY p.osm_type, p.osm_id
            ORDER BY
                CASE %(policy)s
                    WHEN 'finest' THEN s.gsd_m
                    WHEN 'newest' THEN -extract(epoch FROM s.acquired_at)
                    WHEN 'nearest-date'
                        THEN abs(extract(epoch FROM s.acquired_at - p.changed_at))
                END NULLS LAST,
                s.gsd_m,
                s.acquired_at DESC NULLS LAST,
                c.name COLLATE "C",
                s.name COLLATE "C"
        ) AS choice
    FROM skyscript.place_chips(
        %(side_px)s, %(min_side_px)s, %(max_side_px)s, %(margin)s, %(seed)s
    ) AS p
    INNER JOIN skyscript.scene AS s ON s.id = p.scene_id
    INNER JOIN skyscript.collection AS c ON c.id = s.collection_id
    WHERE p.reason IS NULL
) AS chip
WHERE (chip.choice = 1 OR %(policy)s = 'all')
    AND NOT EXISTS (
        SELECT FROM skyscript.chip AS old
        WHERE old.osm_id = chip.osm_id
            AND old.osm_type = chip.osm_type
            AND old.plan = %(plan)s
            AND (old.id = chip.id OR %(policy)s <> 'all')
    )
-- By hash: a limit takes a fair sample.
ORDER BY chip.id
LIMIT %(limit)s;

-- name: analyze
ANALYZE skyscript.chip;

-- name: count
WITH placed AS (
    SELECT
        p.osm_type,
        p.osm_id,
        CASE
            WHEN %(policy)s = 'all' THEN count(*) FILTER (WHERE p.reason IS NULL)
            ELSE least(1, count(*) FILTER (WHERE p.reason IS NULL))
        END AS n_wanted,
        min(p.reason) AS reason
    FROM skyscript.place_chips(
        %(side_px)s, %(min_side_px)s, %(max_side_px)s, %(margin)s, %(seed)s
    ) AS p
    GROUP BY p.osm_type, p.osm_id
),

planned AS (
    SELECT c.osm_type, c.osm_id, count(*) AS n
    FROM skyscript.chip AS c
    WHERE c.plan = %(plan)s
    GROUP BY c.osm_type, c.osm_id
),

judged AS (
    SELECT
        CASE
            WHEN coalesce(planned.n, 0) < placed.n_wanted THEN 'pending'
            WHEN planned.n > 0 THEN 'ok'
            ELSE 'rejected'
        END AS outcome,
        coalesce(placed.reason, 'no primary tag can be seen') AS reason
    FROM osm.feature AS f
    LEFT JOIN placed ON placed.osm_type = f.osm_type AND placed.osm_id = f.osm_id
    LEFT JOIN planned ON planned.osm_type = f.osm_type AND planned.osm_id = f.osm_id
)

SELECT outcome, CASE WHEN outcome = 'rejected' THEN reason END AS reason, count(*)
FROM judged
GROUP BY 1, 2
ORDER BY 1, 2;
