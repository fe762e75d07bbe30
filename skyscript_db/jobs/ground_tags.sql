-- name: delete_unlabelled
-- A label that the project no longer ships leaves no verdict behind.
DELETE FROM skyscript.tag_groundability AS g
USING skyscript.tag AS t
WHERE t.id = g.tag_id
    AND g.source = 'label'
    AND NOT EXISTS (
        SELECT FROM skyscript.tag_label AS l
        WHERE l.key = t.key AND l.value IN (t.value, '*')
    );

-- name: upsert_verdicts
INSERT INTO skyscript.tag_groundability AS g (tag_id, source, max_gsd_m, reason)
SELECT t.id, 'label', l.max_gsd_m, l.reason
FROM skyscript.tag AS t
CROSS JOIN LATERAL (
    SELECT label.max_gsd_m, label.reason
    FROM skyscript.tag_label AS label
    WHERE label.key = t.key AND label.value IN (t.value, '*')
    -- The label of the very tag first.
    ORDER BY label.value = '*'
    LIMIT 1
) AS l
WHERE NOT EXISTS (
    SELECT FROM skyscript.tag_groundability AS old
    WHERE old.tag_id = t.id
        AND old.source = 'label'
        AND old.max_gsd_m IS NOT DISTINCT FROM l.max_gsd_m
        AND old.reason = l.reason
)
ORDER BY t.id
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
