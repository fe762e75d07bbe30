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

link AS MATERIALIZED (
    SELECT
        cf.chip_id,
        cf.role,
        cf.tags,
        cf.kind,
        c.gsd_m,
        skyscript.apparent_size_px2(cf.kind, cf.width_px, cf.height_px, c.gsd_m)
            AS size_px2
    FROM pending
    INNER JOIN skyscript.chip AS c ON c.id = pending.id
    INNER JOIN skyscript.chip_feature AS cf ON cf.chip_id = c.id
    CROSS JOIN recipe
    WHERE pending.n BETWEEN %(first)s AND %(last)s
        AND (
            cf.role = 'focus'
            OR cf.kind = 'n'
            OR greatest(cf.width_px, cf.height_px) >= recipe.min_size_px
        )
),

-- Features repeat: each distinct set of tags is told once.
phrase AS MATERIALIZED (
    SELECT d.tags, d.kind, d.gsd_m, texts.*
    FROM (SELECT DISTINCT tags, kind, gsd_m FROM link) AS d
    CROSS JOIN LATERAL skyscript.feature_texts(d.tags, d.kind, d.gsd_m) AS texts
),

chip AS (
    SELECT
        link.chip_id,
        max(p.alone) FILTER (WHERE link.role = 'focus') AS alone,
        max(p.one) FILTER (WHERE link.role = 'focus') AS head,
        array_agg(p.one) FILTER (WHERE link.role = 'surrounding') AS one,
        array_agg(p.many) FILTER (WHERE link.role = 'surrounding') AS many,
        array_agg(p.n_tokens) FILTER (WHERE link.role = 'surrounding') AS n_tokens,
        array_agg(link.size_px2) FILTER (WHERE link.role = 'surrounding') AS size_px2
    FROM link
    INNER JOIN phrase AS p
        ON p.tags = link.tags AND p.kind = link.kind AND p.gsd_m = link.gsd_m
    GROUP BY link.chip_id
)

SELECT
    chip.chip_id,
    caption.kind,
    recipe.prefix || caption.text AS text
FROM chip
CROSS JOIN recipe
CROSS JOIN LATERAL (
    VALUES
        ('focus', chip.alone),
        (
            'multi_feature',
            skyscript.multi_caption(
                chip.head, chip.one, chip.many, chip.n_tokens, chip.size_px2,
                recipe.max_tokens
            )
        )
) AS caption (kind, text)
WHERE chip.head IS NOT NULL AND skyscript.n_tokens(caption.text) <= recipe.max_tokens;

-- name: insert_texts
INSERT INTO skyscript.caption_text (text, n_tokens)
SELECT distinct_text.text, skyscript.n_tokens(distinct_text.text)
FROM (SELECT DISTINCT text FROM told) AS distinct_text
ORDER BY distinct_text.text
ON CONFLICT (text) DO NOTHING;

-- name: insert_captions
INSERT INTO skyscript.caption (chip_id, recipe, kind, text_id)
SELECT told.chip_id, %(recipe)s, told.kind, t.id
FROM told
INNER JOIN skyscript.caption_text AS t ON t.text = told.text;

-- name: drop_told
DROP TABLE told;

-- name: analyze
ANALYZE skyscript.caption, skyscript.caption_text;

-- name: count
SELECT
    CASE
        WHEN done.chip_id IS NOT NULL THEN 'ok'
        WHEN texts.one IS NULL THEN 'rejected'
        WHEN skyscript.n_tokens(texts.alone) > r.max_tokens - 2 - prefix.n_tokens
            THEN 'rejected'
        ELSE 'pending'
    END AS outcome,
    CASE
        WHEN done.chip_id IS NOT NULL THEN NULL
        WHEN texts.one IS NULL THEN 'nothing of the focus feature can be seen'
        WHEN skyscript.n_tokens(texts.alone) > r.max_tokens - 2 - prefix.n_tokens
            THEN format('longer than %%s tokens', r.max_tokens)
    END AS reason,
    count(*)
FROM skyscript.chip_feature AS focus
INNER JOIN skyscript.chip AS c ON c.id = focus.chip_id
INNER JOIN skyscript.caption_recipe AS r ON r.name = %(recipe)s
CROSS JOIN LATERAL skyscript.n_tokens(r.prefix) AS prefix (n_tokens)
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
