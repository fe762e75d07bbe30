-- The three ways to tell one feature. At a GSD, a feature is told only if a primary
-- tag survives: attributes alone would describe nothing. Returns one row or none; a
-- table, since PostgreSQL plans such a function once a statement, others once a call.
CREATE FUNCTION skyscript.feature_texts(
    tags jsonb, kind text, gsd_m double precision
)
RETURNS TABLE (alone text, one text, many text, n_tokens integer)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        array_to_string(told.ones, ', '),
        told.ones[1] || told.attributes,
        told.many || told.attributes,
        skyscript.n_tokens(
            coalesce('many ' || told.many, told.ones[1]) || told.attributes
        )
    FROM (
        SELECT
            array_agg(t.one ORDER BY t.n) AS ones,
            max(t.many) FILTER (WHERE t.n = 1) AS many,
            coalesce(' with ' || string_agg(t.one, ' and ' ORDER BY t.n)
                FILTER (WHERE t.n > 1), '') AS attributes
        FROM skyscript.told_tags(tags, kind, gsd_m) AS t
        HAVING gsd_m IS NULL OR bool_or(t.role = 'primary')
    ) AS told
$$;

COMMENT ON FUNCTION skyscript.feature_texts IS
    'A feature in words: alone, as one of its kind and as many (NULL: not counted), '
    'and an upper bound of its tokens; no row where it cannot be told.';

CREATE FUNCTION skyscript.feature_phrase(tags jsonb, gsd_m double precision)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT t.one FROM skyscript.feature_texts(tags, 'a', gsd_m) AS t
$$;

COMMENT ON FUNCTION skyscript.feature_phrase IS
    'A feature in words at a GSD; NULL as gsd_m: every tag, unfiltered.';
