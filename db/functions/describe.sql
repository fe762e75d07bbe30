-- How large a feature looks, to tell the larger first. OSM draws roads and trees
-- without their width: lines are taken as 6 m wide, points as 5 m across.
CREATE FUNCTION skyscript.apparent_size_px2(
    kind text,
    width_px double precision,
    height_px double precision,
    gsd_m double precision
)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE kind
        WHEN 'a' THEN width_px * height_px
        WHEN 'w' THEN greatest(width_px, height_px) * 6 / gsd_m
        ELSE 25 / (gsd_m * gsd_m)
    END
$$;

COMMENT ON FUNCTION skyscript.apparent_size_px2 IS
    'Rough area of a feature''s visible part, in square pixels.';

-- The caption of any place that is loaded, without an image. The head is the largest
-- feature; the others surround it. In PL/pgSQL, which keeps the plan for the session:
-- planning takes as long as telling a city block.
CREATE FUNCTION skyscript.describe(
    area geometry, gsd_m double precision, recipe text DEFAULT 'skyscript-1'
)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM skyscript.caption_recipe AS r WHERE r.name = recipe) THEN
        RAISE EXCEPTION 'no caption recipe is named %', coalesce(recipe, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'See the table skyscript.caption_recipe.';
    END IF;
    RETURN (
        WITH style AS (
            SELECT
                r.prefix,
                r.min_size_px,
                r.max_tokens - 2 - skyscript.n_tokens(r.prefix) AS max_tokens
            FROM skyscript.caption_recipe AS r
            WHERE r.name = recipe
        ),

        feature AS (
            SELECT
                f.phrase AS one,
                f.plural AS many,
                f.n_tokens,
                size.px2 AS size_px2,
                row_number() OVER (ORDER BY size.px2 DESC, f.osm_type, f.osm_id) AS n
            FROM style
            CROSS JOIN skyscript.features_in(area, gsd_m) AS f
            CROSS JOIN LATERAL skyscript.apparent_size_px2(
                f.kind, f.width_px, f.height_px, gsd_m
            ) AS size (px2)
            WHERE f.kind = 'n' OR greatest(f.width_px, f.height_px) >= style.min_size_px
        )

        SELECT style.prefix || skyscript.multi_caption(
            max(f.one) FILTER (WHERE f.n = 1),
            array_agg(f.one) FILTER (WHERE f.n > 1),
            array_agg(f.many) FILTER (WHERE f.n > 1),
            array_agg(f.n_tokens) FILTER (WHERE f.n > 1),
            array_agg(f.size_px2) FILTER (WHERE f.n > 1),
            style.max_tokens
        )
        FROM feature AS f
        CROSS JOIN style
        GROUP BY style.prefix, style.max_tokens
    );
END
$$;

COMMENT ON FUNCTION skyscript.describe IS
    'The caption for any area that is loaded, at a GSD in metres; NULL if nothing there '
    'can be seen.';
