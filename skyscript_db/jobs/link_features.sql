-- name: list_pending
-- By place, so that one batch reads few pages of the features.
INSERT INTO pending (id)
SELECT c.id
FROM skyscript.chip AS c
WHERE c.state = 'ok'
    AND NOT EXISTS (
        SELECT FROM skyscript.chip_feature AS cf
        WHERE cf.chip_id = c.id AND cf.role = 'focus'
    )
    AND EXISTS (
        SELECT FROM osm.feature AS f
        WHERE f.osm_id = c.osm_id
            AND f.osm_type = c.osm_type
            AND st_intersects(f.geom, c.footprint)
    )
ORDER BY c.cell, c.id
LIMIT %(limit)s;

-- name: link
-- The focus is looked for again: an extract may have changed since the list was made,
-- and a chip without a focus row would be linked twice.
WITH chip AS MATERIALIZED (
    SELECT
        c.id,
        c.osm_type,
        c.osm_id,
        c.footprint,
        frame.box,
        frame.core,
        c.kind,
        scale.px_per_x,
        scale.px_per_y,
        st_scale(seen.part, scale.px_per_x, scale.px_per_y) AS focus_px,
        skyscript.beside_px(c.gsd_m) AS beside_px
    FROM pending
    INNER JOIN skyscript.chip AS c ON c.id = pending.id
    CROSS JOIN LATERAL skyscript.frame(c.footprint) AS frame
    CROSS JOIN LATERAL (
        SELECT
            c.width_px / (st_xmax(c.footprint) - st_xmin(c.footprint)) AS px_per_x,
            c.height_px / (st_ymax(c.footprint) - st_ymin(c.footprint)) AS px_per_y
    ) AS scale
    -- LIMIT: by the index, rather than by reading all features for each batch.
    CROSS JOIN LATERAL (
        SELECT f.geom
        FROM osm.feature AS f
        WHERE f.osm_id = c.osm_id
            AND f.osm_type = c.osm_type
            AND st_intersects(f.geom, c.footprint)
        LIMIT 1
    ) AS focus
    CROSS JOIN LATERAL skyscript.visible_part(
        focus.geom, c.kind, c.footprint, frame.box, frame.core
    ) AS seen
    WHERE pending.n BETWEEN %(first)s AND %(last)s
)

INSERT INTO skyscript.chip_feature (
    chip_id, osm_type, osm_id, kind, role, tags, version, changed_at,
    visible_fraction, width_px, height_px, touches_edge, relation, direction, distance_px
)
SELECT
    chip.id,
    f.osm_type,
    f.osm_id,
    f.kind,
    CASE WHEN this.is_focus THEN 'focus' ELSE 'surrounding' END,
    f.tags,
    f.version,
    f.changed_at,
    visible.fraction,
    visible.width_deg * chip.px_per_x,
    visible.height_deg * chip.px_per_y,
    visible.touches_edge,
    lies.relation,
    lies.direction,
    lies.distance_px
FROM chip
INNER JOIN osm.feature AS f ON f.geom && chip.footprint
CROSS JOIN LATERAL skyscript.visible_part(
    f.geom, f.kind, chip.footprint, chip.box, chip.core
) AS visible
CROSS JOIN LATERAL (
    SELECT
        f.osm_id = chip.osm_id AND f.osm_type = chip.osm_type AS is_focus,
        st_scale(visible.part, chip.px_per_x, chip.px_per_y) AS part_px
    OFFSET 0
) AS this
LEFT JOIN LATERAL skyscript.lies(
    chip.focus_px, chip.kind, this.part_px, f.kind, chip.beside_px
) AS lies ON NOT this.is_focus;

-- name: analyze
ANALYZE skyscript.chip_feature;

-- name: count
SELECT
    CASE
        WHEN cf.chip_id IS NOT NULL THEN 'ok'
        WHEN reason.text IS NULL THEN 'pending'
        ELSE 'rejected'
    END AS outcome,
    reason.text AS reason,
    count(*)
FROM skyscript.chip AS c
LEFT JOIN skyscript.chip_feature AS cf ON cf.chip_id = c.id AND cf.role = 'focus'
LEFT JOIN osm.feature AS f ON f.osm_id = c.osm_id AND f.osm_type = c.osm_type
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN cf.chip_id IS NOT NULL THEN NULL
        WHEN f.osm_id IS NULL THEN 'focus feature is not loaded any more'
        WHEN NOT st_intersects(f.geom, c.footprint)
            THEN 'focus feature lies outside the chip now'
    END AS text
) AS reason
WHERE c.state = 'ok'
GROUP BY 1, 2
ORDER BY 1, 2;
