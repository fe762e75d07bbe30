-- name: select_model
SELECT m.id FROM skyscript.newest_model(%(model)s, %(weights)s) AS m;

-- name: list_pending
INSERT INTO pending (id)
SELECT DISTINCT c.chip_id
FROM skyscript.caption AS c
-- A chip that was deleted by hand leaves both behind.
INNER JOIN skyscript.chip AS there ON there.id = c.chip_id
INNER JOIN skyscript.chip_embedding AS chip
    ON chip.model_id = %(model_id)s AND chip.chip_id = c.chip_id
INNER JOIN skyscript.text_embedding AS caption
    ON caption.model_id = %(model_id)s AND caption.text_id = c.text_id
WHERE NOT EXISTS (
    SELECT FROM skyscript.pair_similarity AS s
    WHERE s.model_id = %(model_id)s
        AND s.chip_id = c.chip_id
        AND s.text_id = c.text_id
)
ORDER BY c.chip_id
LIMIT %(limit)s;

-- name: insert_scores
INSERT INTO skyscript.pair_similarity (model_id, chip_id, text_id, similarity)
SELECT
    %(model_id)s,
    pair.chip_id,
    pair.text_id,
    1 - (chip.embedding <=> caption.embedding)
FROM (
    SELECT DISTINCT c.chip_id, c.text_id
    FROM pending AS p
    INNER JOIN skyscript.caption AS c ON c.chip_id = p.id
    WHERE p.n BETWEEN %(first)s AND %(last)s
) AS pair
INNER JOIN skyscript.chip_embedding AS chip
    ON chip.model_id = %(model_id)s AND chip.chip_id = pair.chip_id
INNER JOIN skyscript.text_embedding AS caption
    ON caption.model_id = %(model_id)s AND caption.text_id = pair.text_id
ON CONFLICT (model_id, chip_id, text_id) DO NOTHING;

-- name: analyze
ANALYZE skyscript.pair_similarity;

-- name: count
WITH model AS (
    SELECT m.id FROM skyscript.newest_model(%(model)s, %(weights)s) AS m
),

pair AS (
    SELECT DISTINCT c.chip_id, c.text_id
    FROM skyscript.caption AS c
    INNER JOIN skyscript.chip AS there ON there.id = c.chip_id
),

score AS (
    SELECT s.chip_id, s.text_id
    FROM skyscript.pair_similarity AS s
    WHERE s.model_id = (SELECT model.id FROM model)
),

rejection AS (
    SELECT r.chip_id, r.text_id
    FROM skyscript.embedding_rejection AS r
    WHERE r.model_id = (SELECT model.id FROM model)
),

judged AS (
    SELECT
        score.chip_id IS NOT NULL AS is_scored,
        CASE
            WHEN score.chip_id IS NOT NULL THEN NULL
            WHEN rejected_chip.chip_id IS NOT NULL THEN 'chip not embedded'
            WHEN rejected_text.text_id IS NOT NULL THEN 'caption not embedded'
        END AS reason
    FROM pair
    LEFT JOIN score
        ON score.chip_id = pair.chip_id AND score.text_id = pair.text_id
    LEFT JOIN rejection AS rejected_chip ON rejected_chip.chip_id = pair.chip_id
    LEFT JOIN rejection AS rejected_text ON rejected_text.text_id = pair.text_id
)

SELECT
    CASE
        WHEN judged.is_scored THEN 'ok'
        WHEN judged.reason IS NOT NULL THEN 'rejected'
        ELSE 'pending'
    END AS outcome,
    judged.reason,
    count(*)
FROM judged
GROUP BY 1, 2
ORDER BY 1, 2;
