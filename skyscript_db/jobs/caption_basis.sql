-- name: create_basis
-- All that decides how chips are told, as it is now: each tag's verdict and words, each
-- key's rule, and under the empty key the grammar, the token counts and the recipe.
CREATE TEMPORARY TABLE basis ON COMMIT DROP AS
WITH part AS (
    SELECT v.key, v.value, v.max_gsd_m::text AS digest
    FROM skyscript.tag_verdict AS v
    WHERE v.max_gsd_m IS NOT NULL
    UNION ALL
    SELECT r.key, '*', md5(r::text)
    FROM skyscript.caption_rule AS r
    UNION ALL
    SELECT w.key, w.value, md5(w::text)
    FROM skyscript.caption_word AS w
    CROSS JOIN skyscript.recipe(%(recipe)s) AS recipe
    WHERE recipe.style <> 'paper' OR recipe.is_by_salience
    UNION ALL
    SELECT '', '', md5(string_agg(p.prosrc, '' ORDER BY p.oid::regprocedure::text))
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = 'skyscript'::regnamespace
        AND p.proname IN (
            'apparent_size_px2', 'article', 'closeness', 'counted', 'counted_plainly',
            'direction_bit', 'directions', 'feature_texts', 'groundable', 'hidden_by',
            'is_private', 'listed', 'max_gsd_m', 'multi_caption', 'n_tokens', 'noun',
            'opening', 'pieces', 'plain_surroundings', 'plain_texts', 'plural', 'rarity',
            'readable', 'recipe', 'relation_at', 'relations', 'sentence', 'stands',
            'style_texts', 'surrounded', 'tag_text', 'tail', 'told_tags'
        )
    UNION ALL
    SELECT '', '', md5(string_agg(w.word || w.n_tokens, ' ' ORDER BY w.word))
    FROM skyscript.word_tokens AS w
    UNION ALL
    SELECT '', '', md5(string_agg(h::text, ' ' ORDER BY h.key, h.value))
    FROM skyscript.hiding_tag AS h
    UNION ALL
    SELECT '', '', md5(r::text)
    FROM skyscript.caption_recipe AS r
    WHERE r.name = %(recipe)s
)

SELECT
    part.key,
    part.value,
    string_agg(part.digest, ' ' ORDER BY part.digest COLLATE "C") AS digest
FROM part
GROUP BY part.key, part.value;

-- name: create_changes
-- A generic key's `yes` tells its other values too.
CREATE TEMPORARY TABLE change ON COMMIT DROP AS
SELECT DISTINCT
    c.key,
    CASE WHEN r.is_generic AND c.value = 'yes' THEN '*' ELSE c.value END AS value
FROM (
    SELECT coalesce(old.key, new.key) AS key, coalesce(old.value, new.value) AS value
    FROM (
        SELECT b.key, b.value, b.digest
        FROM skyscript.caption_basis AS b
        WHERE b.recipe = %(recipe)s
    ) AS old
    FULL JOIN basis AS new ON new.key = old.key AND new.value = old.value
    WHERE old.digest IS DISTINCT FROM new.digest
) AS c
LEFT JOIN skyscript.caption_rule AS r ON r.key = c.key;

-- name: mark_all
-- The grammar itself changed, or more than is worth looking for.
INSERT INTO skyscript.caption_retelling (recipe, chip_id)
SELECT DISTINCT c.recipe, c.chip_id
FROM skyscript.caption AS c
WHERE c.recipe = %(recipe)s
    AND (
        EXISTS (SELECT FROM change WHERE change.key = '')
        OR (SELECT count(DISTINCT change.key) FROM change) > 100
    )
ON CONFLICT (recipe, chip_id) DO NOTHING;

-- name: mark_changed
INSERT INTO skyscript.caption_retelling (recipe, chip_id)
SELECT DISTINCT %(recipe)s, cf.chip_id
FROM skyscript.chip_feature AS cf
WHERE (SELECT count(DISTINCT change.key) FROM change) BETWEEN 1 AND 100
    AND cf.tags ?| ARRAY(SELECT change.key FROM change)
    AND EXISTS (
        SELECT FROM change
        WHERE cf.tags ? change.key
            AND change.value IN ('*', cf.tags ->> change.key)
    )
    AND EXISTS (
        SELECT FROM skyscript.caption AS c
        WHERE c.chip_id = cf.chip_id AND c.recipe = %(recipe)s
    )
ON CONFLICT (recipe, chip_id) DO NOTHING;

-- name: forget_basis
DELETE FROM skyscript.caption_basis AS b
WHERE b.recipe = %(recipe)s
    AND NOT EXISTS (
        SELECT FROM basis AS new
        WHERE new.key = b.key AND new.value = b.value AND new.digest = b.digest
    );

-- name: insert_basis
INSERT INTO skyscript.caption_basis (recipe, key, value, digest)
SELECT %(recipe)s, new.key, new.value, new.digest
FROM basis AS new
ON CONFLICT (recipe, md5(key), md5(value)) DO NOTHING;
