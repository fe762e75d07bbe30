-- A recipe with its settings, the defaults filled in. A recipe of style llm tells by its
-- base, and is rewritten after that. `max_tokens` leaves room for CLIP's two marks and
-- for the prefix.
CREATE FUNCTION skyscript.recipe(recipe text)
RETURNS TABLE (
    name text,
    style text,
    prefix text,
    min_size_px double precision,
    max_tokens integer,
    merges boolean,
    is_by_salience boolean,
    max_neighbours integer,
    is_spatial boolean,
    aerial_max_gsd_m double precision
)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        r.name,
        r.style,
        r.prefix,
        r.min_size_px,
        r.max_tokens - 2 - skyscript.n_tokens(replace(r.prefix, '{view}', 'a satellite')),
        coalesce(r.settings ->> 'merge', 'count') = 'count',
        coalesce(r.settings ->> 'order', 'size') = 'salience',
        coalesce((r.settings ->> 'max_neighbours')::integer, 1000),
        coalesce((r.settings ->> 'spatial')::boolean, true),
        coalesce((r.settings ->> 'aerial_max_gsd_m')::double precision, 1)
    FROM skyscript.caption_recipe AS r
    WHERE r.name = recipe
$$;

COMMENT ON FUNCTION skyscript.recipe IS
    'A caption recipe, with the defaults of what its settings leave out.';

-- A recipe by its name, or the newest one of ours that has a style.
CREATE FUNCTION skyscript.recipe_named(style text)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT coalesce(r.settings ->> 'base', r.name)
    FROM skyscript.caption_recipe AS r
    WHERE r.name = $1 OR r.name ~ ('^' || r.style || '-[0-9]+$') AND r.style = $1
    ORDER BY r.name = $1 DESC, substring(r.name FROM '[0-9]+$')::numeric DESC
    LIMIT 1
$$;

COMMENT ON FUNCTION skyscript.recipe_named IS
    'The recipe that tells a style, or the recipe of this name; NULL: there is none.';

-- The words in front of a caption. By custom, images finer than a metre are aerial.
CREATE FUNCTION skyscript.opening(
    prefix text, gsd_m double precision, aerial_max_gsd_m double precision
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT replace(
        prefix,
        '{view}',
        CASE WHEN gsd_m <= aerial_max_gsd_m THEN 'an aerial' ELSE 'a satellite' END
    )
$$;

COMMENT ON FUNCTION skyscript.opening IS
    'The prefix of a recipe for an image of a GSD in metres.';
