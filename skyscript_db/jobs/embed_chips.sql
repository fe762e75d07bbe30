-- name: list_pending
INSERT INTO pending (id)
SELECT c.id
FROM skyscript.chip AS c
WHERE c.state = 'ok'
    AND NOT EXISTS (
        SELECT FROM skyscript.chip_embedding AS e
        WHERE e.model_id = %(model_id)s AND e.chip_id = c.id
    )
    AND NOT EXISTS (
        SELECT FROM skyscript.embedding_rejection AS r
        WHERE r.model_id = %(model_id)s AND r.chip_id = c.id
    )
ORDER BY c.id
LIMIT %(limit)s;

-- name: select_batch
SELECT c.id, c.image_path, c.sha256
FROM pending AS p
INNER JOIN skyscript.chip AS c ON c.id = p.id
WHERE p.n BETWEEN %(first)s AND %(last)s AND c.state = 'ok'
ORDER BY p.n;

-- name: fail_chip
-- Back to fetch_chips, which makes the same pixels again, and has all its attempts.
UPDATE skyscript.chip
SET state = 'failed', cause = %(cause)s, n_attempts = 0, image_path = NULL,
    sha256 = NULL, file_bytes = NULL
WHERE id = %(id)s AND state = 'ok' AND sha256 = %(sha256)s;

-- name: count
WITH model AS (
    SELECT m.id FROM skyscript.newest_model(%(model)s, %(weights)s) AS m
),

embedded AS (
    SELECT e.chip_id
    FROM skyscript.chip_embedding AS e
    WHERE e.model_id = (SELECT model.id FROM model)
),

rejection AS (
    SELECT r.chip_id, r.reason
    FROM skyscript.embedding_rejection AS r
    WHERE r.model_id = (SELECT model.id FROM model) AND r.chip_id IS NOT NULL
)

SELECT
    CASE
        WHEN c.state = 'failed' OR rejection.chip_id IS NOT NULL THEN 'rejected'
        WHEN embedded.chip_id IS NOT NULL THEN 'ok'
        ELSE 'pending'
    END AS outcome,
    CASE WHEN c.state = 'failed' THEN c.cause ELSE rejection.reason END AS reason,
    count(*)
FROM skyscript.chip AS c
LEFT JOIN embedded ON embedded.chip_id = c.id
LEFT JOIN rejection ON rejection.chip_id = c.id
WHERE c.state = 'ok'
    OR (c.state = 'failed' AND c.cause = ANY (%(file_reasons)s))
GROUP BY 1, 2
ORDER BY 1, 2;
