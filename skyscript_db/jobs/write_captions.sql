-- name: list_recipes
SELECT name FROM skyscript.caption_recipe ORDER BY name;

-- name: list_pending
INSERT INTO pending (id)
SELECT focus.chip_id
FROM skyscript.chip_feature AS focus
INNER JOIN skyscript.chip AS c ON c.id = focus.chip_id
WHERE focus.role = 'focus'
    AND c.state = 'ok'
    AND NOT EXISTS (
        SELECT FROM skyscript.caption AS done
        WHERE done.chip_id = focus.chip_id AND done.recipe = %(recipe)s
    )
ORDER BY c.cell, c.id
LIMIT %(limit)s;

-- name: create_phrases
-- Features repeat: each distinct set of tags is told once.
CREATE TEMPORARY TABLE phrase AS
SELECT d.tags, d.kind, d.gsd_m, texts.*
FROM (
    SELECT DISTINCT cf.tags, cf.kind, c.gsd_m
    FROM pending
    INNER JOIN skyscript.chip AS c ON c.id = pending.id
    INNER JOIN skyscript.chip_feature AS cf ON cf.chip_id = c.id
    WHERE pending.n BETWEEN %(first)s AND %(last)s
) AS d
CROSS JOIN LATERAL skyscript.feature_texts(d.tags, d.kind, d.gsd_m) AS texts;

-- name: analyze_phrases
-- Without statistics the planner sorts all features by their tags, which takes longer
-- than all the rest.
ANALYZE phrase;

-- name: tell
CREATE TEMPORARY TABLE told AS
WITH recipe AS (
    SELECT
        r.prefix,
        r.min_size_px,
        r.max_tokens - 2 - skyscript.n_tokens(r.prefix) AS max_tokens
    FROM skyscript.caption_recipe AS r
    WHERE r.name = %(recipe)s
),

chip AS (
    SELECT
        cf.chip_id,
        max(p.alone) FILTER (WHERE cf.role = 'focus') AS alone,
        max(p.one) FILTER (WHERE cf.role = 'focus') AS head,
        array_agg(p.one) FILTER (WHERE cf.role = 'surrounding') AS one,
        array_agg(p.many) FILTER (WHERE cf.role = 'surrounding') AS many,
        array_agg(p.n_tokens) FILTER (WHERE cf.role = 'surrounding') AS n_tokens,
        array_agg(
            skyscript.apparent_size_px2(cf.kind, cf.width_px, cf.height_px, c.gsd_m)
        ) FILTER (WHERE cf.role = 'surrounding') AS size_px2
    FROM pending
    INNER JOIN skyscript.chip AS c ON c.id = pending.id
    INNER JOIN skyscript.chip_feature AS cf ON cf.chip_id = c.id
    INNER JOIN phrase AS p
        ON p.tags = cf.tags AND p.kind = cf.kind AND p.gsd_m = c.gsd_m
    CROSS JOIN recipe
    WHERE pending.n BETWEEN %(first)s AND %(last)s
        AND (
            cf.role = 'focus'
            OR cf.kind = 'n'
            OR greatest(cf.width_px, cf.height_px) >= recipe.min_size_px
        )
    GROUP BY cf.chip_id
)

SELECT
    chip.chip_id,
    caption.kind,
    recipe.prefix || caption.text AS text
FROM chip
CROSS JOIN recipe
CROSS JOIN LATERAL skyscript.multi_caption(
    chip.head, chip.one, chip.many, chip.n_tokens, chip.size_px2, recipe.max_tokens
) AS multi
CROSS JOIN LATERAL (
    VALUES ('focus', chip.alone), ('multi_feature', multi.caption)
) AS caption (kind, text)
WHERE chip.head IS NOT NULL;

-- name: count_tokens
-- Texts repeat too: each is counted once, and those already stored not again.
CREATE TEMPORARY TABLE text_told AS
SELECT d.text, t.id, coalesce(t.n_tokens, skyscript.n_tokens(d.text)) AS n_tokens
FROM (SELECT DISTINCT text FROM told) AS d
LEFT JOIN skyscript.caption_text AS t ON t.text = d.text;

-- name: insert_texts
INSERT INTO skyscript.caption_text (text, n_tokens)
SELECT t.text, t.n_tokens
FROM text_told AS t
CROSS JOIN skyscript.caption_recipe AS r
WHERE r.name = %(recipe)s AND t.id IS NULL AND t.n_tokens <= r.max_tokens - 2
ORDER BY t.text
ON CONFLICT (text) DO NOTHING;

-- name: insert_captions
INSERT INTO skyscript.caption (chip_id, recipe, kind, text_id)
SELECT told.chip_id, r.name, told.kind, t.id
FROM told
INNER JOIN skyscript.caption_text AS t ON t.text = told.text
CROSS JOIN skyscript.caption_recipe AS r
WHERE r.name = %(recipe)s AND t.n_tokens <= r.max_tokens - 2;

-- name: drop_batch
DROP TABLE phrase, told, text_told;

-- name: analyze
ANALYZE skyscript.caption, skyscript.caption_text;

-- name: count
WITH recipe AS MATERIALIZED (
    SELECT
        r.name,
        r.max_tokens,
        r.max_tokens - 2 - skyscript.n_tokens(r.prefix) AS room
    FROM skyscript.caption_recipe AS r
    WHERE r.name = %(recipe)s
)

SELECT
    CASE
        WHEN done.chip_id IS NOT NULL THEN 'ok'
        WHEN texts.one IS NULL THEN 'rejected'
        WHEN skyscript.n_tokens(texts.alone) > r.room THEN 'rejected'
        ELSE 'pending'
    END AS outcome,
    CASE
        WHEN done.chip_id IS NOT NULL THEN NULL
        WHEN texts.one IS NULL THEN 'nothing of the focus feature can be seen'
        WHEN skyscript.n_tokens(texts.alone) > r.room
            THEN format('longer than %%s tokens', r.max_tokens)
    END AS reason,
    count(*)
FROM skyscript.chip_feature AS focus
INNER JOIN skyscript.chip AS c ON c.id = focus.chip_id
CROSS JOIN recipe AS r
LEFT JOIN skyscript.caption AS done
    ON done.chip_id = focus.chip_id AND done.recipe = r.name AND done.kind = 'focus'
LEFT JOIN LATERAL (
    SELECT t.one, t.alone
    FROM skyscript.feature_texts(focus.tags, focus.kind, c.gsd_m) AS t
    WHERE done.chip_id IS NULL
) AS texts ON true
WHERE focus.role = 'focus' AND c.state = 'ok'
GROUP BY 1, 2
ORDER BY 1, 2;
