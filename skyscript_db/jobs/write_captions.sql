-- name: list_pending
INSERT INTO pending (id)
SELECT focus.chip_id
FROM skyscript.chip_feature AS focus
INNER JOIN skyscript.chip AS c ON c.id = focus.chip_id
WHERE focus.role = 'focus'
    AND c.state = 'ok'
    AND (
        NOT EXISTS (
            SELECT FROM skyscript.caption AS done
            WHERE done.chip_id = focus.chip_id AND done.recipe = %(recipe)s
        )
        OR EXISTS (
            SELECT FROM skyscript.caption_retelling AS again
            WHERE again.recipe = %(recipe)s AND again.chip_id = focus.chip_id
        )
    )
ORDER BY c.cell, c.id
LIMIT %(limit)s;

-- name: select_batch
SELECT p.id FROM pending AS p WHERE p.n BETWEEN %(first)s AND %(last)s ORDER BY p.n;

-- name: analyze
ANALYZE skyscript.caption, skyscript.caption_text;

-- name: count
-- What a model rewrites is told by its base, and counted as that. Only chips without
-- captions are told again here, to find out why.
WITH chosen AS (
    SELECT DISTINCT CASE r.style WHEN 'llm' THEN r.settings ->> 'base' ELSE r.name END AS name
    FROM skyscript.caption_recipe AS r
    WHERE r.name = ANY(%(recipes)s)
),

focus AS MATERIALIZED (
    SELECT
        c.id AS chip_id,
        chosen.name AS recipe,
        CASE
            WHEN again.chip_id IS NOT NULL THEN 'pending'
            WHEN done.chip_id IS NOT NULL THEN 'ok'
        END AS outcome
    FROM skyscript.chip_feature AS cf
    INNER JOIN skyscript.chip AS c ON c.id = cf.chip_id
    CROSS JOIN chosen
    LEFT JOIN skyscript.caption AS done
        ON done.chip_id = c.id AND done.recipe = chosen.name AND done.kind = 'focus'
    LEFT JOIN skyscript.caption_retelling AS again
        ON again.chip_id = c.id AND again.recipe = chosen.name
    WHERE cf.role = 'focus' AND c.state = 'ok'
)

SELECT focus.outcome, NULL AS reason, count(*)
FROM focus
WHERE focus.outcome IS NOT NULL
GROUP BY focus.outcome
UNION ALL
SELECT
    CASE WHEN untold.reason IS NULL THEN 'pending' ELSE 'rejected' END,
    untold.reason,
    count(*)
FROM (
    SELECT CASE
        WHEN EXISTS (SELECT FROM skyscript.hidden_by(cf.tags)) THEN 'another tag hides it'
        WHEN texts.one IS NULL THEN 'nothing of the focus feature can be seen'
        WHEN skyscript.n_tokens(texts.alone) > recipe.max_tokens
            THEN format('longer than %%s tokens', r.max_tokens)
    END AS reason
    FROM focus
    INNER JOIN skyscript.chip_feature AS cf
        ON cf.chip_id = focus.chip_id AND cf.role = 'focus'
    INNER JOIN skyscript.chip AS c ON c.id = focus.chip_id
    INNER JOIN skyscript.caption_recipe AS r ON r.name = focus.recipe
    CROSS JOIN LATERAL skyscript.recipe(r.name) AS recipe
    LEFT JOIN LATERAL skyscript.style_texts(r.name, cf.tags, cf.kind, c.gsd_m) AS texts
        ON true
    WHERE focus.outcome IS NULL
) AS untold
GROUP BY untold.reason;
