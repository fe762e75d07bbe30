-- name: upsert_verdicts
-- A label or a rule that the project no longer ships leaves no verdict behind.
WITH judged AS MATERIALIZED (
    SELECT j.tag_id, j.source, j.max_gsd_m, j.reason
    FROM skyscript.tag_judgement AS j
),

withdrawn AS (
    DELETE FROM skyscript.tag_groundability AS g
    WHERE g.source IN ('label', 'rule', 'wildcard')
        AND NOT EXISTS (
            SELECT FROM judged AS j WHERE j.tag_id = g.tag_id AND j.source = g.source
        )
)

INSERT INTO skyscript.tag_groundability AS g (tag_id, source, max_gsd_m, reason)
SELECT j.tag_id, j.source, j.max_gsd_m, j.reason
FROM judged AS j
LEFT JOIN skyscript.tag_groundability AS old
    ON old.tag_id = j.tag_id AND old.source = j.source
WHERE old.tag_id IS NULL
    OR (old.max_gsd_m, old.reason) IS DISTINCT FROM (j.max_gsd_m, j.reason)
ORDER BY j.tag_id, j.source
LIMIT %(limit)s
ON CONFLICT (tag_id, source) DO UPDATE
SET max_gsd_m = excluded.max_gsd_m, reason = excluded.reason, decided_at = now();

-- name: analyze
ANALYZE skyscript.tag_groundability;

-- name: count
SELECT
    CASE
        WHEN v.verdict IS NULL THEN 'pending'
        WHEN v.verdict = 'groundable' THEN 'ok'
        ELSE 'rejected'
    END AS outcome,
    CASE
        WHEN v.verdict = 'not groundable'
            THEN 'not groundable, by ' || split_part(v.source, ':', 1)
    END AS reason,
    count(*)
FROM skyscript.tag_verdict AS v
GROUP BY 1, 2
ORDER BY 1, 2;
