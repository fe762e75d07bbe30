-- Why a query has few rows, or none: what each stage let through. Chips are found by
-- the tags that their focus feature had when it was linked, else by those it has now.
CREATE FUNCTION skyscript.funnel(
    area geometry DEFAULT NULL,
    collection text DEFAULT NULL,
    tags jsonb DEFAULT NULL,
    max_gsd_m double precision DEFAULT NULL
)
RETURNS TABLE (n integer, stage text, n_rows bigint)
LANGUAGE sql
STABLE
AS $$
    WITH place AS (
        SELECT CASE WHEN area IS NOT NULL THEN skyscript.checked_area(area) END AS area
    ),

    feature AS (
        SELECT f.osm_type, f.osm_id, f.tags
        FROM osm.feature AS f
        CROSS JOIN place
        WHERE (place.area IS NULL OR st_intersects(f.geom, place.area))
            AND (funnel.tags IS NULL OR f.tags @> funnel.tags)
    ),

    visible_tag AS MATERIALIZED (
        SELECT v.key, v.value FROM skyscript.visible_tag AS v
    ),

    scene AS (
        SELECT s.id
        FROM skyscript.scene AS s
        INNER JOIN skyscript.collection AS c ON c.id = s.collection_id
        CROSS JOIN place
        WHERE (place.area IS NULL OR st_intersects(s.footprint, place.area))
            AND (funnel.collection IS NULL OR c.name = funnel.collection)
            AND (max_gsd_m IS NULL OR s.gsd_m <= max_gsd_m)
    ),

    chip AS (
        SELECT
            c.id,
            c.state = 'ok' AS is_on_disk,
            focus.chip_id IS NOT NULL AS is_linked
        FROM skyscript.chip AS c
        INNER JOIN scene ON scene.id = c.scene_id
        CROSS JOIN place
        LEFT JOIN skyscript.chip_feature AS focus
            ON focus.chip_id = c.id AND focus.role = 'focus'
        LEFT JOIN osm.feature AS f
            ON f.osm_type = c.osm_type AND f.osm_id = c.osm_id AND focus.chip_id IS NULL
        WHERE (place.area IS NULL OR st_intersects(c.footprint, place.area))
            AND (
                funnel.tags IS NULL OR coalesce(focus.tags, f.tags) @> funnel.tags
            )
    ),

    pair AS (
        SELECT told.chip_id, score.chip_id IS NOT NULL AS is_scored
        FROM chip
        INNER JOIN skyscript.caption AS told ON told.chip_id = chip.id
        LEFT JOIN skyscript.embedding_model AS m ON m.is_default
        LEFT JOIN skyscript.pair_similarity AS score
            ON score.model_id = m.id
                AND score.chip_id = told.chip_id
                AND score.text_id = told.text_id
        WHERE chip.is_on_disk AND chip.is_linked
    )

    SELECT 1, 'OSM features', count(*) FROM feature
    UNION ALL
    SELECT 2, 'features with a primary tag that can be seen', count(*)
    FROM (
        SELECT DISTINCT feature.osm_type, feature.osm_id
        FROM feature
        CROSS JOIN LATERAL jsonb_each_text(feature.tags) AS tag
        INNER JOIN visible_tag AS v ON v.key = tag.key AND v.value = tag.value
        WHERE NOT EXISTS (SELECT FROM skyscript.hidden_by(feature.tags))
    ) AS visible
    UNION ALL
    SELECT 3, 'scenes', count(*) FROM scene
    UNION ALL
    SELECT 4, 'chips planned', count(*) FROM chip
    UNION ALL
    SELECT 5, 'chips on disk', count(*) FROM chip WHERE chip.is_on_disk
    UNION ALL
    SELECT 6, 'chips linked', count(*) FROM chip WHERE chip.is_on_disk AND chip.is_linked
    UNION ALL
    SELECT 7, 'chips with captions', count(DISTINCT pair.chip_id) FROM pair
    UNION ALL
    SELECT 8, 'pairs', count(*) FROM pair
    UNION ALL
    SELECT 9, 'pairs scored', count(*) FROM pair WHERE pair.is_scored
    ORDER BY 1
$$;

COMMENT ON FUNCTION skyscript.funnel IS
    'How many rows each stage let through, for an area, a collection, tags and a GSD.';
