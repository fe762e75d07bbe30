-- name: begin
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- name: use_utc
SET LOCAL TIME ZONE 'UTC';

-- name: find_scorer
SELECT skyscript.scorer_id(coalesce(%(scorer)s::text, m.name || '/' || m.weights))
FROM (SELECT) AS always
LEFT JOIN skyscript.embedding_model AS m ON m.is_default;

-- name: choose_chips
CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS
WITH passing AS (
    SELECT pair.chip_id, pair.caption_kind, pair.text_id, named.stem
    FROM skyscript.pair
    INNER JOIN skyscript.collection ON collection.name = pair.collection
    CROSS JOIN LATERAL (
        SELECT concat(
            pair.osm_kind,
            pair.osm_id,
            '_',
            regexp_replace(collection.alias, '[^A-Za-z0-9]', '', 'g'),
            '_',
            to_char(pair.acquired_at, 'YY')
        ) AS stem
    ) AS named
    WHERE pair.recipe = %(recipe)s
        -- One row a chip, by its other caption where it lacks this kind.
        AND (
            pair.caption_kind = %(caption_kind)s
            OR NOT EXISTS (
                SELECT FROM skyscript.caption AS meant
                WHERE meant.chip_id = pair.chip_id
                    AND meant.recipe = pair.recipe
                    AND meant.kind = %(caption_kind)s
            )
        )
        AND (
            %(split)s::text IS NULL
            OR coalesce(pair.split, 'unsplit') = %(split)s::text
        )
        AND (
            %(area)s::text IS NULL
            OR st_intersects(pair.footprint, %(area)s::text::geometry)
        )
        AND (
            %(collections)s::text[] IS NULL
            OR pair.collection = ANY(%(collections)s::text[])
        )
        AND (%(tags)s::jsonb IS NULL OR pair.tags @> %(tags)s::jsonb)
        AND (
            %(min_similarity)s::double precision IS NULL
            OR pair.similarity >= %(min_similarity)s::double precision
        )
        AND (
            %(top)s::double precision IS NULL
            OR pair.chip_id = ANY(
                SELECT best.chip_id
                FROM skyscript.top_pairs(
                    coalesce(
                        %(scorer)s::text,
                        (
                            SELECT m.name || '/' || m.weights
                            FROM skyscript.embedding_model AS m
                            WHERE m.is_default
                        )
                    ),
                    %(top)s::double precision,
                    %(caption_kind)s,
                    %(recipe)s
                ) AS best
            )
        )
),

ranked AS (
    SELECT
        passing.*,
        row_number() OVER (PARTITION BY passing.text_id ORDER BY passing.chip_id)
            AS nth_of_caption,
        row_number() OVER (PARTITION BY tag.key, tag.value ORDER BY passing.chip_id)
            AS nth_of_tag
    FROM passing
    LEFT JOIN skyscript.chip_tag AS tag
        ON %(max_per_tag)s::integer IS NOT NULL AND tag.chip_id = passing.chip_id
)

SELECT
    row_number() OVER (ORDER BY ranked.chip_id) AS n,
    ranked.chip_id,
    ranked.caption_kind,
    ranked.stem,
    -- Case does not tell file names apart everywhere.
    row_number() OVER (PARTITION BY lower(ranked.stem) ORDER BY ranked.chip_id)
        AS nth_of_stem
FROM ranked
WHERE (
    %(max_per_caption)s::integer IS NULL
    OR ranked.nth_of_caption <= %(max_per_caption)s::integer
)
AND (
    %(max_per_tag)s::integer IS NULL OR ranked.nth_of_tag <= %(max_per_tag)s::integer
)
ORDER BY ranked.chip_id
LIMIT %(limit)s;

-- name: index_chosen
ALTER TABLE chosen ADD PRIMARY KEY (n);

-- name: analyze_chosen
ANALYZE chosen;

-- name: count_chosen
SELECT count(*) FROM chosen;

-- name: select_batch
SELECT
    pair.chip_id,
    coalesce(pair.split, 'unsplit') AS split,
    chosen.stem || CASE
        WHEN chosen.nth_of_stem > 1 THEN '-' || chosen.nth_of_stem
        ELSE ''
    END AS stem,
    pair.image_path,
    pair.sha256,
    skyscript.opening(%(prefix)s, pair.gsd_m, recipe.aerial_max_gsd_m) AS opening,
    coalesce(told.focus, told.multi_feature) AS focus,
    coalesce(told.multi_feature, told.focus) AS multi_feature,
    coalesce(told.focus_similarity, told.multi_feature_similarity)
        AS focus_similarity,
    coalesce(told.multi_feature_similarity, told.focus_similarity)
        AS multi_feature_similarity,
    told.n_captions,
    pair.licence,
    pair.attribution,
    pair.is_synthetic,
    json_build_object(
        'chip_id', pair.chip_id,
        'captions', told.captions,
        'osm', json_build_object(
            'type', pair.osm_type,
            'id', pair.osm_id,
            'kind', pair.osm_kind,
            'version', pair.osm_version,
            'changed_at', pair.osm_changed_at,
            'visible_fraction', round(focus.visible_fraction::numeric, 4),
            'width_px', round(focus.width_px::numeric, 1),
            'height_px', round(focus.height_px::numeric, 1),
            'touches_edge', focus.touches_edge
        ),
        'center_tags', pair.tags,
        'surrounding_tags', CASE
            WHEN %(has_surrounding)s
                THEN coalesce(jsonb_path_query_array(pair.surrounding, '$[*].tags'), '[]')
        END,
        'surrounding_osm', CASE
            WHEN %(has_surrounding)s
                THEN (
                    SELECT coalesce(json_agg(s.item - 'tags' ORDER BY s.n), '[]')
                    FROM jsonb_array_elements(pair.surrounding) WITH ORDINALITY
                        AS s (item, n)
                )
        END,
        'osm_imagery_gap_days', pair.osm_imagery_gap_days,
        'collection', pair.collection,
        'collection_alias', collection.alias,
        'provider', pair.provider,
        'scene', pair.scene,
        -- A path means nothing elsewhere; a query string may hold a secret.
        'scene_uri', CASE
            WHEN pair.provider <> 'raster' THEN split_part(scene.uri, '?', 1)
        END,
        'scene_file', CASE
            WHEN pair.provider = 'raster' THEN regexp_replace(scene.uri, '^.*/', '')
        END,
        'scene_sha256', scene.file_sha256,
        'acquired_at', pair.acquired_at,
        'time', CASE
            WHEN pair.acquired_at IS NOT NULL THEN json_build_array(
                extract(year FROM pair.acquired_at),
                extract(month FROM pair.acquired_at),
                extract(day FROM pair.acquired_at),
                extract(hour FROM pair.acquired_at),
                extract(minute FROM pair.acquired_at)
            )
        END,
        'gsd_m', pair.gsd_m,
        'cloud_fraction', pair.cloud_fraction,
        'nodata_fraction', pair.nodata_fraction,
        'is_synthetic', pair.is_synthetic,
        'width_px', pair.width_px,
        'height_px', pair.height_px,
        'sha256', pair.sha256,
        'crs', scene.crs,
        'scene_transform', scene.transform,
        'scene_width_px', scene.width_px,
        'scene_height_px', scene.height_px,
        'bands', scene.bands,
        'stretch', scene.stretch,
        'encoding', chip.encoding,
        'col_off_px', chip.col_off_px,
        'row_off_px', chip.row_off_px,
        'lon', pair.lon,
        'lat', pair.lat,
        'box', json_build_array(
            st_xmin(pair.footprint),
            st_ymin(pair.footprint),
            st_xmax(pair.footprint),
            st_ymax(pair.footprint)
        ),
        'footprint', st_astext(pair.footprint),
        'cell', pair.cell,
        'split', pair.split,
        'licence', pair.licence,
        'attribution', pair.attribution
    )::text AS record
FROM chosen
INNER JOIN skyscript.pair
    ON pair.chip_id = chosen.chip_id
        AND pair.caption_kind = chosen.caption_kind
        AND pair.recipe = %(recipe)s
CROSS JOIN skyscript.recipe(%(recipe)s) AS recipe
INNER JOIN skyscript.chip ON chip.id = chosen.chip_id
INNER JOIN skyscript.scene ON scene.id = chip.scene_id
INNER JOIN skyscript.collection ON collection.id = scene.collection_id
INNER JOIN skyscript.chip_feature AS focus
    ON focus.chip_id = chosen.chip_id AND focus.role = 'focus'
CROSS JOIN LATERAL (
    SELECT
        max(t.text) FILTER (WHERE c.kind = 'focus') AS focus,
        max(t.text) FILTER (WHERE c.kind = 'multi_feature') AS multi_feature,
        max(shown.similarity) FILTER (WHERE c.kind = 'focus') AS focus_similarity,
        max(shown.similarity) FILTER (WHERE c.kind = 'multi_feature')
            AS multi_feature_similarity,
        count(*) AS n_captions,
        json_agg(
            json_build_object(
                'kind', c.kind,
                'text', t.text,
                'recipe', c.recipe,
                'n_tokens', t.n_tokens,
                'similarity', score.by_model
            )
            ORDER BY c.kind
        ) AS captions
    FROM skyscript.caption AS c
    INNER JOIN skyscript.caption_text AS t ON t.id = c.text_id
    LEFT JOIN skyscript.embedding_model AS m ON m.is_default
    LEFT JOIN skyscript.pair_similarity AS shown
        ON shown.model_id = m.id
            AND shown.chip_id = c.chip_id
            AND shown.text_id = c.text_id
    LEFT JOIN LATERAL (
        SELECT
            json_object_agg(
                any_model.name || '/' || any_model.weights, s.similarity
                ORDER BY any_model.id
            ) AS by_model
        FROM skyscript.embedding_model AS any_model
        INNER JOIN skyscript.pair_similarity AS s ON s.model_id = any_model.id
        WHERE s.chip_id = c.chip_id AND s.text_id = c.text_id
    ) AS score ON true
    WHERE c.chip_id = chosen.chip_id AND c.recipe = %(recipe)s
) AS told
WHERE chosen.n BETWEEN %(first)s AND %(last)s
ORDER BY chosen.n;
