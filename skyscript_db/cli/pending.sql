-- name: count_pending
SELECT count(*)
FROM skyscript.tag_verdict AS v
WHERE v.verdict IS NULL;
