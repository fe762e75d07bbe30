CREATE VIEW skyscript.tag_funnel AS
WITH carried AS (
    SELECT
        tag.key,
        tag.value,
        chip.gsd_m,
        chip.state = 'ok' AS is_on_disk,
        EXISTS (
            SELECT FROM skyscript.caption AS c WHERE c.chip_id = chip.id
        ) AS has_caption
    FROM skyscript.chip
    LEFT JOIN skyscript.chip_feature AS focus
        ON focus.chip_id = chip.id AND focus.role = 'focus'
    LEFT JOIN osm.feature AS f
        ON f.osm_type = chip.osm_type
            AND f.osm_id = chip.osm_id
            AND focus.chip_id IS NULL
    CROSS JOIN LATERAL jsonb_each_text(coalesce(focus.tags, f.tags)) AS tag
),

chips AS (
    SELECT
        carried.key,
        carried.value,
        count(*) AS n_planned,
        count(*) FILTER (WHERE carried.is_on_disk) AS n_on_disk,
        count(*) FILTER (
            WHERE carried.is_on_disk
                AND carried.has_caption
                AND skyscript.groundable(carried.key, carried.value, carried.gsd_m)
        ) AS n_told
    FROM carried
    GROUP BY carried.key, carried.value
)

SELECT
    v.key,
    v.value,
    v.n_features,
    v.max_gsd_m,
    v.source,
    v.reason,
    focus.tag_id IS NOT NULL AS is_focus,
    coalesce(chips.n_planned, 0) AS n_chips_planned,
    coalesce(chips.n_on_disk, 0) AS n_chips_on_disk,
    coalesce(chips.n_told, 0) AS n_chips_told
FROM skyscript.tag_verdict AS v
LEFT JOIN skyscript.visible_tag AS focus ON focus.tag_id = v.tag_id
LEFT JOIN chips ON chips.key = v.key AND chips.value = v.value;

COMMENT ON VIEW skyscript.tag_funnel IS
    'Each tag with its verdict, its features, and the chips whose focus carries it: '
    'planned, on disk, and captioned where the tag can be seen.';
