-- The tags of one feature that a caption may tell, in the order of telling. `many` is
-- the plural, for a primary tag whose kind of feature is counted. Where a value cannot
-- be seen but its key can, as in building=office, the word of the key is told alone.
CREATE FUNCTION skyscript.told_tags(
    tags jsonb, kind text, gsd_m double precision
)
RETURNS TABLE (n bigint, role text, one text, many text, key text, value text)
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
        END,
        tag.key,
        told.value
    FROM jsonb_each_text(tags) AS tag
    LEFT JOIN skyscript.caption_rule AS rule ON rule.key = tag.key
    LEFT JOIN LATERAL (
        SELECT g.max_gsd_m
        FROM skyscript.tag AS t
        INNER JOIN skyscript.tag_groundability AS g ON g.tag_id = t.id
        WHERE md5(t.key) = md5(tag.key) AND md5(t.value) = md5(tag.value)
        ORDER BY g.precedence, g.source DESC
        LIMIT 1
    ) AS verdict ON gsd_m IS NOT NULL AND NOT skyscript.is_private(tag.key)
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN gsd_m IS NULL THEN tag.value
            WHEN verdict.max_gsd_m >= gsd_m
                AND skyscript.readable(tag.value) <> ''
                AND skyscript.readable(tag.key) <> ''
                THEN tag.value
            WHEN rule.is_generic
                AND skyscript.stands(tag.value)
                AND skyscript.groundable(tag.key, 'yes', gsd_m)
                THEN 'yes'
        END AS value
    ) AS told
    CROSS JOIN LATERAL (SELECT skyscript.readable(told.value) AS value) AS readable
    WHERE told.value IS NOT NULL
        AND (gsd_m IS NULL OR NOT EXISTS (SELECT FROM skyscript.hidden_by(tags)))
$$;

COMMENT ON FUNCTION skyscript.told_tags IS
    'Tags of a feature that can be told at a GSD (NULL: all of them), in order.';

-- Names, addresses and the like are never told, whatever the verdicts say of them: they
-- are not in the picture, and may be a person's.
CREATE FUNCTION skyscript.is_private(key text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT key ~* (
        '(^|[:_])(name|addr|address|housenumber|housename|postcode|phone|mobile|fax|'
        'email|website|url|ref|operator|brand|owner|wikidata|wikipedia|description|'
        'note|inscription|contact|fixme|comment)([:_]|$)'
    )
$$;

COMMENT ON FUNCTION skyscript.is_private IS
    'Whether a key holds a name, an address, a contact or an identifier.';

-- Marks that cannot be seen in print, and those that turn the direction of writing,
-- would let a value hide what it says.
CREATE FUNCTION skyscript.readable(value text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN value ~ '^[[:alnum:]]+(_[[:alnum:]]+)*$' THEN translate(value, '_', ' ')
        ELSE btrim(regexp_replace(
            translate(value, '_:', '  '),
            '[[:cntrl:][:space:]\u0001-\u0020\u007F-\u00A0\u00AD\u061C\u1680\u180E'
            '\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\uFEFF]+',
            ' ',
            'g'
        ))
    END
$$;

COMMENT ON FUNCTION skyscript.readable IS
    'A value as captions tell it, on one line.';

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
