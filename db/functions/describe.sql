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

-- What an area shows, in the words of a recipe, the largest first. A city block has few
-- kinds of feature and many addresses: each distinct tag is looked up once, and what is
-- left of each set of tags told once.
CREATE FUNCTION skyscript.told_in(
    area geometry, gsd_m double precision, recipe text
)
RETURNS TABLE (
    n bigint,
    kind text,
    size_px2 double precision,
    part geometry,
    px_per_x double precision,
    px_per_y double precision,
    alone text,
    one text,
    many text,
    n_tokens integer,
    head_tokens integer,
    preposition text,
    rarity integer
)
LANGUAGE sql
STABLE
AS $$
    WITH feature AS MATERIALIZED (
        SELECT
            f.osm_type, f.osm_id, f.kind, f.tags, f.part, f.px_per_x, f.px_per_y,
            size.px2 AS size_px2
        FROM skyscript.parts_in(area, gsd_m) AS f
        CROSS JOIN skyscript.recipe(recipe) AS r
        CROSS JOIN LATERAL skyscript.apparent_size_px2(
            f.kind, f.width_px, f.height_px, gsd_m
        ) AS size (px2)
        WHERE (f.kind = 'n' OR greatest(f.width_px, f.height_px) >= r.min_size_px)
            AND NOT EXISTS (SELECT FROM skyscript.hidden_by(f.tags))
    ),

    tellable AS MATERIALIZED (
        SELECT found.key, found.value
        FROM (
            SELECT DISTINCT tag.key, tag.value
            FROM feature
            CROSS JOIN LATERAL jsonb_each_text(feature.tags) AS tag
        ) AS found
        WHERE EXISTS (
            SELECT
            FROM skyscript.tellable_tag AS t
            WHERE md5(t.key) = md5(found.key)
                AND md5(t.value) = md5(found.value)
                AND t.max_gsd_m >= gsd_m
        )
            OR found.key IN (
                SELECT rule.key FROM skyscript.caption_rule AS rule WHERE rule.is_generic
            )
    ),

    kin AS MATERIALIZED (
        SELECT
            feature.*,
            (
                SELECT jsonb_object_agg(tag.key, tag.value)
                FROM jsonb_each_text(feature.tags) AS tag
                WHERE (tag.key, tag.value) IN (SELECT t.key, t.value FROM tellable AS t)
            ) AS told_tags
        FROM feature
    ),

    told AS MATERIALIZED (
        SELECT k.told_tags, k.kind, t.*
        FROM (SELECT DISTINCT kin.told_tags, kin.kind FROM kin) AS k
        CROSS JOIN LATERAL skyscript.style_texts(recipe, k.told_tags, k.kind, gsd_m) AS t
    )

    SELECT
        row_number() OVER (ORDER BY f.size_px2 DESC, f.osm_type, f.osm_id),
        f.kind::text,
        f.size_px2,
        f.part,
        f.px_per_x,
        f.px_per_y,
        told.alone,
        told.one,
        told.many,
        told.n_tokens,
        told.head_tokens,
        told.preposition,
        told.rarity
    FROM kin AS f
    INNER JOIN told ON told.told_tags = f.told_tags AND told.kind = f.kind
$$;

COMMENT ON FUNCTION skyscript.told_in IS
    'The features of an area that can be told at a GSD, in the words of a recipe.';

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
    IF gsd_m IS NULL OR NOT gsd_m > 0 THEN
        RAISE EXCEPTION 'a GSD of % m is no size', gsd_m
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Say metres a pixel, such as 0.5.';
    END IF;
    IF recipe.style <> 'paper' THEN
        RETURN skyscript.describe_plainly(area, gsd_m, chosen);
    END IF;
    RETURN skyscript.short_enough(chosen, (
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
        FROM skyscript.told_in(area, gsd_m, chosen) AS f
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
                f.*,
                st_scale(f.part, f.px_per_x, f.px_per_y) AS scaled,
                f.size_px2 / area_px2 AS share
            FROM skyscript.told_in(area, gsd_m, recipe) AS f
        ),

        around AS (
            SELECT
                array_agg(1::bigint) AS one_chip,
                array_agg(head.one) AS head_one,
                array_agg(head.kind) AS head_kind,
                array_agg(head.preposition) AS head_preposition,
                array_agg(chosen.max_tokens - head.head_tokens - 1) AS room,
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
                head.scaled, head.kind, f.scaled, f.kind, skyscript.beside_px(gsd_m)
            ) AS lies
            WHERE head.n = 1
        )

        SELECT skyscript.sentence(concat(
            skyscript.opening(chosen.prefix, gsd_m, chosen.aerial_max_gsd_m),
            skyscript.surrounded(head.alone, told.words)
        ))
        FROM feature AS head
        CROSS JOIN around
        LEFT JOIN LATERAL skyscript.plain_surroundings(
            around.one_chip, around.head_one, around.head_kind, around.head_preposition,
            around.room, around.one, around.many, around.preposition, around.relation,
            around.direction, around.n_tokens, around.rarity, around.share, around.n,
            chosen.max_neighbours, chosen.is_spatial
        ) AS told ON true
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
