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

-- The caption of any place that is loaded, without an image, by a style (paper or plain)
-- or by a recipe of this name. The head is the largest feature; the others surround it.
-- In PL/pgSQL, which keeps the plan for the session: planning takes as long as telling a
-- city block.
CREATE FUNCTION skyscript.describe(
    area geometry, gsd_m double precision, style text DEFAULT 'skyscript-1'
)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    chosen text := skyscript.recipe_named(style);
    recipe record;
BEGIN
    SELECT r.* INTO recipe FROM skyscript.recipe(chosen) AS r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no caption recipe is named %', coalesce(style, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'See the table skyscript.caption_recipe.';
    END IF;
    IF recipe.style <> 'paper' THEN
        RETURN skyscript.describe_plainly(area, gsd_m, chosen);
    END IF;
    RETURN skyscript.short_enough(chosen, (
        WITH feature AS MATERIALIZED (
            SELECT
                t.one,
                t.many,
                t.n_tokens,
                t.rarity,
                size.px2 AS size_px2,
                f.kind,
                row_number() OVER (ORDER BY size.px2 DESC, f.osm_type, f.osm_id) AS n
            FROM skyscript.parts_in(area, gsd_m) AS f
            CROSS JOIN LATERAL skyscript.apparent_size_px2(
                f.kind, f.width_px, f.height_px, gsd_m
            ) AS size (px2)
            CROSS JOIN LATERAL skyscript.style_texts(chosen, f.tags, f.kind, gsd_m) AS t
            WHERE f.kind = 'n' OR greatest(f.width_px, f.height_px) >= recipe.min_size_px
        )

        SELECT skyscript.opening(recipe.prefix, gsd_m, recipe.aerial_max_gsd_m)
            || skyscript.multi_caption(
                max(f.one) FILTER (WHERE f.n = 1),
                array_agg(f.one) FILTER (WHERE f.n > 1),
                array_agg(f.many) FILTER (WHERE f.n > 1),
                array_agg(f.n_tokens) FILTER (WHERE f.n > 1),
                array_agg(
                    CASE
                        WHEN recipe.is_by_salience THEN f.rarity * sqrt(f.size_px2)
                        ELSE f.size_px2
                    END
                ) FILTER (WHERE f.n > 1),
                recipe.max_tokens,
                NULL,
                NULL,
                recipe.merges,
                recipe.max_neighbours
            )
        FROM feature AS f
        HAVING count(*) > 0
    ));
END
$$;

COMMENT ON FUNCTION skyscript.describe IS
    'The caption for any area that is loaded, at a GSD in metres, in a style or by a '
    'recipe; NULL if nothing there can be seen.';

CREATE FUNCTION skyscript.describe_plainly(
    area geometry, gsd_m double precision, recipe text
)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    chosen record;
    area_px2 double precision := st_area(skyscript.checked_area(area), false)
        / (gsd_m * gsd_m);
BEGIN
    SELECT r.* INTO chosen FROM skyscript.recipe(recipe) AS r;
    RETURN skyscript.short_enough(recipe, (
        WITH feature AS MATERIALIZED (
            SELECT
                t.*,
                f.kind,
                st_scale(f.part, f.px_per_x, f.px_per_y) AS part,
                size.px2 / area_px2 AS share,
                row_number() OVER (ORDER BY size.px2 DESC, f.osm_type, f.osm_id) AS n
            FROM skyscript.parts_in(area, gsd_m) AS f
            CROSS JOIN LATERAL skyscript.apparent_size_px2(
                f.kind, f.width_px, f.height_px, gsd_m
            ) AS size (px2)
            CROSS JOIN LATERAL skyscript.plain_texts(f.tags, f.kind, gsd_m) AS t
            WHERE f.kind = 'n' OR greatest(f.width_px, f.height_px) >= chosen.min_size_px
        ),

        around AS (
            SELECT
                array_agg(f.one) AS one,
                array_agg(f.many) AS many,
                array_agg(f.preposition) AS preposition,
                array_agg(lies.relation) AS relation,
                array_agg(lies.direction) AS direction,
                array_agg(f.n_tokens) AS n_tokens,
                array_agg(f.rarity) AS rarity,
                array_agg(f.share) AS share,
                array_agg(1::bigint) AS n
            FROM feature AS head
            INNER JOIN feature AS f ON f.n > 1
            CROSS JOIN LATERAL skyscript.lies(
                head.part, head.kind::text, f.part, f.kind::text, skyscript.beside_px(gsd_m)
            ) AS lies
            WHERE head.n = 1
        )

        SELECT skyscript.sentence(
            skyscript.opening(chosen.prefix, gsd_m, chosen.aerial_max_gsd_m) || told.caption
        )
        FROM feature AS head
        CROSS JOIN around
        CROSS JOIN LATERAL skyscript.plain_caption(
            head.alone, head.one, head.kind::text, head.preposition, around.one,
            around.many, around.preposition, around.relation, around.direction,
            around.n_tokens, around.rarity, around.share, around.n,
            chosen.max_tokens - skyscript.n_tokens(head.alone) - 1,
            chosen.max_neighbours, chosen.is_spatial
        ) AS told
        WHERE head.n = 1
    ));
END
$$;

COMMENT ON FUNCTION skyscript.describe_plainly IS
    'What describe() says by a recipe of style plain.';

-- Where the head alone is too long, nothing is left to leave out.
CREATE FUNCTION skyscript.short_enough(recipe text, caption text)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT caption
    FROM skyscript.caption_recipe AS r
    WHERE r.name = recipe AND skyscript.n_tokens(caption) <= r.max_tokens - 2
$$;

COMMENT ON FUNCTION skyscript.short_enough IS
    'A caption that keeps to the tokens of a recipe; NULL: it does not.';
