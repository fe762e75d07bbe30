-- Why a query has few rows, or none: what each stage let through in an area.
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
    WITH feature AS (
        SELECT f.osm_type, f.osm_id
        FROM osm.feature AS f
        WHERE (area IS NULL OR st_intersects(f.geom, area))
            AND (funnel.tags IS NULL OR f.tags @> funnel.tags)
    ),

    scene AS (
        SELECT s.id
        FROM skyscript.scene AS s
        INNER JOIN skyscript.collection AS c ON c.id = s.collection_id
        WHERE (area IS NULL OR st_intersects(s.footprint, area))
            AND (funnel.collection IS NULL OR c.name = funnel.collection)
            AND (max_gsd_m IS NULL OR s.gsd_m <= max_gsd_m)
    ),

    chip AS (
        SELECT
            c.id,
            c.state,
            EXISTS (
                SELECT FROM skyscript.chip_feature AS cf
                WHERE cf.chip_id = c.id AND cf.role = 'focus'
            ) AS is_linked,
            caption.n AS n_captions,
            caption.n_scored
        FROM skyscript.chip AS c
        INNER JOIN scene ON scene.id = c.scene_id
        INNER JOIN feature ON feature.osm_type = c.osm_type AND feature.osm_id = c.osm_id
        LEFT JOIN LATERAL (
            SELECT count(*) AS n, count(score.chip_id) AS n_scored
            FROM skyscript.caption AS told
            LEFT JOIN skyscript.embedding_model AS m ON m.is_default
            LEFT JOIN skyscript.pair_similarity AS score
                ON score.model_id = m.id
                    AND score.chip_id = told.chip_id
                    AND score.text_id = told.text_id
            WHERE told.chip_id = c.id
        ) AS caption ON true
        WHERE area IS NULL OR st_intersects(c.footprint, area)
    )

    SELECT 1, 'OSM features', count(*) FROM feature
    UNION ALL
    SELECT 2, 'scenes', count(*) FROM scene
    UNION ALL
    SELECT 3, 'chips planned', count(*) FROM chip
    UNION ALL
    SELECT 4, 'chips on disk', count(*) FROM chip WHERE chip.state = 'ok'
    UNION ALL
    SELECT 5, 'chips linked', count(*) FROM chip WHERE chip.is_linked
    UNION ALL
    SELECT 6, 'chips with captions', count(*) FROM chip WHERE chip.n_captions > 0
    UNION ALL
    SELECT 7, 'pairs', coalesce(sum(chip.n_captions), 0) FROM chip WHERE chip.state = 'ok'
    UNION ALL
    SELECT 8, 'pairs scored', coalesce(sum(chip.n_scored), 0) FROM chip
    ORDER BY 1
$$;

COMMENT ON FUNCTION skyscript.funnel IS
    'How many rows each stage let through, for an area, a collection, tags and a GSD.';
