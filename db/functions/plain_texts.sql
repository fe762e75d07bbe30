-- One feature in plain English. The noun is that of its rarest primary tag that can be
-- seen, or what an attribute makes of it: a pitch for tennis is a tennis court. Other
-- attributes are told of it `alone`, by words of the vocabulary or not at all.
CREATE FUNCTION skyscript.plain_texts(
    tags jsonb, kind text, gsd_m double precision
)
RETURNS TABLE (
    alone text,
    one text,
    many text,
    n_tokens integer,
    preposition text,
    rarity integer
)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        concat_ws(
            ' ',
            CASE WHEN noun.form = 'count' THEN skyscript.article(named.text) END,
            named.text,
            how.after,
            'with ' || nullif(array_to_string(
                array_append(
                    how.having, skyscript.article(how.roof) || ' ' || how.roof || ' roof'
                ),
                ' and '
            ), '')
        ),
        CASE WHEN noun.form = 'count' THEN skyscript.article(noun.one) || ' ' ELSE '' END
            || noun.one,
        CASE
            WHEN noun.form = 'count' AND (
                kind = 'n'
                OR kind = 'a' AND (
                    head.key NOT IN (
                        'landuse', 'natural', 'landcover', 'place', 'highway', 'waterway'
                    )
                    OR head.value = 'water'
                )
            ) THEN noun.many
        END,
        1 + greatest(
            skyscript.n_tokens(noun.one), skyscript.n_tokens('other ' || noun.many)
        ),
        noun.preposition,
        noun.rarity
    FROM (
        SELECT t.key, t.value, w.one, w.many, w.form, w.preposition, w.rarity
        FROM skyscript.told_tags(tags, kind, gsd_m) AS t
        CROSS JOIN LATERAL skyscript.noun(t.key, t.value) AS w
        WHERE t.role = 'primary'
        ORDER BY w.rarity DESC, t.n
        LIMIT 1
    ) AS head
    CROSS JOIN LATERAL (
        SELECT
            (array_agg(
                jsonb_build_array(a.one, a.many, a.form, a.preposition, a.rarity)
                ORDER BY a.n
            ) FILTER (WHERE a.place = 'noun'))[1] AS noun,
            string_agg(a.one, ' ' ORDER BY a.n DESC)
                FILTER (WHERE a.place = 'before' AND a.nth = 1) AS before,
            string_agg(a.one, ' ' ORDER BY a.key <> 'roof:colour', a.n)
                FILTER (WHERE a.place = 'roof' AND a.nth = 1) AS roof,
            string_agg(a.one, ' ' ORDER BY a.n)
                FILTER (WHERE a.place = 'after' AND NOT starts_with(a.one, 'with '))
                AS after,
            array_agg(substr(a.one, 6) ORDER BY a.n)
                FILTER (WHERE a.place = 'after' AND starts_with(a.one, 'with '))
                AS having
        FROM (
            SELECT
                t.n, t.key, w.place, w.one, w.many, w.form, w.preposition, w.rarity,
                row_number() OVER (PARTITION BY w.place, w.one ORDER BY t.n) AS nth
            FROM skyscript.told_tags(tags, kind, gsd_m) AS t
            INNER JOIN skyscript.caption_word AS w
                ON w.key = t.key AND w.value = t.value
            WHERE t.role = 'attribute'
                AND w.host IN ('*', head.key, head.key || '=' || head.value)
        ) AS a
    ) AS how
    CROSS JOIN LATERAL (
        SELECT
            coalesce(how.noun ->> 0, head.one) AS one,
            CASE WHEN how.noun IS NULL THEN head.many ELSE how.noun ->> 1 END AS many,
            coalesce(how.noun ->> 2, head.form) AS form,
            coalesce(how.noun ->> 3, head.preposition) AS preposition,
            coalesce((how.noun ->> 4)::integer, head.rarity) AS rarity
    ) AS noun
    CROSS JOIN LATERAL (SELECT concat_ws(' ', how.before, noun.one) AS text) AS named
$$;

COMMENT ON FUNCTION skyscript.plain_texts IS
    'A feature in plain English: alone with all that can be said of it, as one and as '
    'many neighbours (NULL: not counted), an upper bound of the tokens of these two, '
    'and how rare it is; no row where it cannot be told.';

-- What a primary tag is called: by its own words, or by the pattern of its key.
CREATE FUNCTION skyscript.noun(key text, value text)
RETURNS TABLE (one text, many text, form text, preposition text, rarity integer)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        replace(w.one, '{}', word.text),
        CASE
            WHEN w.many IS NOT NULL THEN replace(w.many, '{}', word.text)
            WHEN w.form = 'count' THEN skyscript.plural(replace(w.one, '{}', word.text))
        END,
        w.form,
        w.preposition,
        w.rarity
    FROM skyscript.caption_word AS w
    LEFT JOIN skyscript.caption_rule AS rule ON rule.key = w.key
    CROSS JOIN LATERAL (
        -- Of several values, the first.
        SELECT CASE
            WHEN $2 = 'yes' THEN coalesce(rule.word, skyscript.readable(w.key))
            ELSE skyscript.readable(split_part($2, ';', 1))
        END AS text
    ) AS word
    WHERE w.key = $1
        AND w.value IN ($2, '*')
        AND w.host = '*'
        AND w.place = 'noun'
        AND word.text <> ''
    ORDER BY w.value = '*'
    LIMIT 1
$$;

COMMENT ON FUNCTION skyscript.noun IS
    'What plain captions call a feature with a primary tag.';

CREATE FUNCTION skyscript.article(noun text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN noun ~* '^(uni([^nm]|$)|us[ae]|ut[ei]|eu|ewe|one([^a-z]|$))' THEN 'a'
        WHEN noun ~* '^([aeiou]|hono|hour|heir|8|11([^0-9]|$)|18([^0-9]|$))' THEN 'an'
        ELSE 'a'
    END
    WHERE noun IS NOT NULL
$$;

COMMENT ON FUNCTION skyscript.article IS
    'The indefinite article of a noun or what stands before it.';
