-- name: list_pending
INSERT INTO pending (id)
SELECT t.id
FROM skyscript.caption_text AS t
WHERE NOT EXISTS (
    SELECT FROM skyscript.text_embedding AS e
    WHERE e.model_id = %(model_id)s AND e.text_id = t.id
)
    AND NOT EXISTS (
        SELECT FROM skyscript.embedding_rejection AS r
        WHERE r.model_id = %(model_id)s AND r.text_id = t.id
    )
ORDER BY t.id
LIMIT %(limit)s;

-- name: select_batch
SELECT t.id, t.text
FROM pending AS p
INNER JOIN skyscript.caption_text AS t ON t.id = p.id
WHERE p.n BETWEEN %(first)s AND %(last)s
ORDER BY p.n;

-- name: count
WITH model AS (
    SELECT m.id FROM skyscript.newest_model(%(model)s, %(weights)s) AS m
),

embedded AS (
    SELECT e.text_id
    FROM skyscript.text_embedding AS e
    WHERE e.model_id = (SELECT model.id FROM model)
),

rejection AS (
    SELECT r.text_id, r.reason
    FROM skyscript.embedding_rejection AS r
    WHERE r.model_id = (SELECT model.id FROM model) AND r.text_id IS NOT NULL
)

SELECT
    CASE
        WHEN rejection.text_id IS NOT NULL THEN 'rejected'
        WHEN embedded.text_id IS NOT NULL THEN 'ok'
        ELSE 'pending'
    END AS outcome,
    rejection.reason,
    count(*)
FROM skyscript.caption_text AS t
LEFT JOIN embedded ON embedded.text_id = t.id
LEFT JOIN rejection ON rejection.text_id = t.id
GROUP BY 1, 2
ORDER BY 1, 2;
