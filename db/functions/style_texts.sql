-- A feature in the words of a recipe's style, with what its captions are put together
-- from. What paper does not need (preposition, rarity) is NULL there.
CREATE FUNCTION skyscript.style_texts(
    recipe text, tags jsonb, kind text, gsd_m double precision
)
RETURNS TABLE (
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
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        t.alone, t.one, t.many, t.n_tokens, skyscript.n_tokens(t.one), NULL,
        CASE WHEN r.is_by_salience THEN skyscript.rarity(tags, kind, gsd_m) END
    FROM skyscript.recipe(recipe) AS r
    CROSS JOIN LATERAL skyscript.feature_texts(tags, kind, gsd_m) AS t
    WHERE r.style = 'paper'
    UNION ALL
    SELECT
        t.alone, t.one, t.many, t.n_tokens, skyscript.n_tokens(t.alone), t.preposition,
        t.rarity
    FROM skyscript.recipe(recipe) AS r
    CROSS JOIN LATERAL skyscript.plain_texts(tags, kind, gsd_m) AS t
    WHERE r.style <> 'paper'
$$;

COMMENT ON FUNCTION skyscript.style_texts IS
    'A feature in the words of a recipe: alone, as one neighbour, as many.';

CREATE FUNCTION skyscript.rarity(tags jsonb, kind text, gsd_m double precision)
RETURNS integer
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT coalesce(max(w.rarity), 1)
    FROM skyscript.told_tags(tags, kind, gsd_m) AS t
    LEFT JOIN LATERAL skyscript.noun(t.key, t.value) AS w ON true
    WHERE t.role = 'primary'
$$;

COMMENT ON FUNCTION skyscript.rarity IS
    'How rare a feature is, from 0 or 1 to 5, by the rarest of its tags that can be seen.';
