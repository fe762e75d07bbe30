-- The tags of one feature that a caption may tell, in the order of telling. `many` is
-- the plural, for a primary tag whose kind of feature is counted. Where a value cannot
-- be seen but its key can, as in building=office, the word of the key is told alone.
CREATE FUNCTION skyscript.told_tags(
    tags jsonb, kind text, gsd_m double precision
)
RETURNS TABLE (n bigint, role text, one text, many text)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 3
AS $$
    SELECT
        row_number() OVER (ORDER BY rule.rank, tag.key COLLATE "C"),
        coalesce(rule.role, 'attribute'),
        skyscript.tag_text(tag.key, told.value),
        CASE
            WHEN position(kind IN rule.counted) = 0 THEN NULL
            WHEN told.value = 'yes' THEN rule.plural
            WHEN rule.form = 'key value'
                THEN rule.word || ' ' || skyscript.plural(readable.value)
            ELSE rule.plural || ' of ' || readable.value
        END
    FROM jsonb_each_text(tags) AS tag
    LEFT JOIN skyscript.caption_rule AS rule ON rule.key = tag.key
    LEFT JOIN LATERAL (
        SELECT g.max_gsd_m
        FROM skyscript.tag AS t
        INNER JOIN skyscript.tag_groundability AS g ON g.tag_id = t.id
        WHERE md5(t.key) = md5(tag.key) AND md5(t.value) = md5(tag.value)
        ORDER BY g.precedence, g.source DESC
        LIMIT 1
    ) AS verdict ON true
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN gsd_m IS NULL THEN tag.value
            WHEN verdict.max_gsd_m >= gsd_m THEN tag.value
            WHEN rule.is_generic
                AND skyscript.stands(tag.value)
                AND skyscript.groundable(tag.key, 'yes', gsd_m)
                THEN 'yes'
        END AS value
    ) AS told
    CROSS JOIN LATERAL (SELECT translate(told.value, '_:', '  ') AS value) AS readable
    WHERE told.value IS NOT NULL
$$;

COMMENT ON FUNCTION skyscript.told_tags IS
    'Tags of a feature that can be told at a GSD (NULL: all of them), in order.';

-- Values that say the thing is not there, or not yet, or lies in ruins.
CREATE FUNCTION skyscript.stands(value text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT value NOT IN (
        'no', 'proposed', 'planned', 'construction', 'demolished', 'destroyed',
        'removed', 'razed', 'collapsed', 'ruins', 'abandoned', 'underground'
    )
$$;

COMMENT ON FUNCTION skyscript.stands IS
    'Whether a value leaves the thing standing, whatever else it says of it.';

CREATE FUNCTION skyscript.plural(noun text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN noun ~ '(s|x|z|ch|sh)$' THEN noun || 'es'
        WHEN noun ~ '[^aeiou]y$' THEN regexp_replace(noun, 'y$', 'ies')
        ELSE noun || 's'
    END
$$;

COMMENT ON FUNCTION skyscript.plural IS 'The regular plural of an English noun.';
