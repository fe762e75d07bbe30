-- name: list_recipes
SELECT
    r.name,
    r.settings ->> 'base',
    r.settings ->> 'prompt',
    r.max_tokens - 2,
    encode(sha256(convert_to(r.settings ->> 'prompt', 'UTF8')), 'hex')
FROM skyscript.caption_recipe AS r
WHERE r.name = ANY(%(recipes)s) AND r.style = 'llm'
ORDER BY r.name;

-- name: list_pending
INSERT INTO pending (id)
SELECT DISTINCT c.text_id
FROM skyscript.caption AS c
WHERE c.recipe = %(base)s
    AND NOT EXISTS (
        SELECT FROM skyscript.caption_rewrite AS done
        WHERE done.recipe = %(recipe)s
            AND done.model = %(model)s
            AND done.prompt_sha256 = %(sha256)s
            AND done.source_id = c.text_id
    )
ORDER BY c.text_id
LIMIT %(limit)s;

-- name: select_batch
SELECT t.id, t.text
FROM pending AS p
INNER JOIN skyscript.caption_text AS t ON t.id = p.id
WHERE p.n BETWEEN %(first)s AND %(last)s
ORDER BY p.n;

-- name: insert_text
INSERT INTO skyscript.caption_text (text, n_tokens)
SELECT new.text, skyscript.n_tokens(new.text)
FROM (SELECT %(text)s::text AS text) AS new
WHERE skyscript.n_tokens(new.text) <= %(max_tokens)s
ON CONFLICT (text) DO NOTHING;

-- name: insert_rewrite
-- Without its text among the stored, a reply was too long.
INSERT INTO skyscript.caption_rewrite (
    recipe, model, prompt_sha256, source_id, text_id, fallback_reason, reply, n_attempts
)
SELECT
    %(recipe)s,
    %(model)s,
    %(sha256)s,
    %(source_id)s,
    coalesce(t.id, %(source_id)s),
    CASE
        WHEN %(reason)s::text IS NOT NULL THEN %(reason)s::text
        WHEN t.id IS NULL THEN %(too_long)s
        WHEN t.id = %(source_id)s THEN 'the reply was the same'
    END,
    CASE WHEN t.id IS NULL THEN %(text)s::text ELSE %(reply)s::text END,
    %(n_attempts)s
FROM (SELECT) AS always
LEFT JOIN skyscript.caption_text AS t
    ON t.text = %(text)s::text AND t.n_tokens <= %(max_tokens)s
ON CONFLICT (recipe, model, prompt_sha256, source_id) DO NOTHING;

-- name: delete_captions
-- Those whose base says something else now, which is not rewritten yet.
DELETE FROM skyscript.caption AS c
WHERE c.recipe = %(recipe)s
    AND NOT EXISTS (
        SELECT
        FROM skyscript.caption AS base
        INNER JOIN skyscript.caption_rewrite AS w ON w.source_id = base.text_id
        WHERE base.chip_id = c.chip_id
            AND base.kind = c.kind
            AND base.recipe = %(base)s
            AND w.recipe = %(recipe)s
            AND w.model = %(model)s
            AND w.prompt_sha256 = %(sha256)s
    );

-- name: insert_captions
INSERT INTO skyscript.caption AS old (chip_id, recipe, kind, text_id)
SELECT base.chip_id, w.recipe, base.kind, w.text_id
FROM skyscript.caption AS base
INNER JOIN skyscript.caption_rewrite AS w ON w.source_id = base.text_id
WHERE base.recipe = %(base)s
    AND w.recipe = %(recipe)s
    AND w.model = %(model)s
    AND w.prompt_sha256 = %(sha256)s
ON CONFLICT (chip_id, recipe, kind) DO UPDATE
SET text_id = excluded.text_id
WHERE old.text_id <> excluded.text_id;

-- name: analyze
ANALYZE skyscript.caption, skyscript.caption_text, skyscript.caption_rewrite;

-- name: count
SELECT
    CASE
        WHEN w.source_id IS NULL THEN 'pending'
        WHEN w.fallback_reason IS NULL THEN 'ok'
        ELSE 'rejected'
    END AS outcome,
    w.fallback_reason AS reason,
    count(*)
FROM skyscript.caption_recipe AS r
CROSS JOIN LATERAL (
    SELECT DISTINCT c.text_id
    FROM skyscript.caption AS c
    WHERE c.recipe = r.settings ->> 'base'
) AS told
LEFT JOIN skyscript.caption_rewrite AS w
    ON w.recipe = r.name
        AND w.model = %(model)s
        AND w.prompt_sha256
            = encode(sha256(convert_to(r.settings ->> 'prompt', 'UTF8')), 'hex')
        AND w.source_id = told.text_id
WHERE r.name = ANY(%(recipes)s) AND r.style = 'llm'
GROUP BY 1, 2
ORDER BY 1, 2;
