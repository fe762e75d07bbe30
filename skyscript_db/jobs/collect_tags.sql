-- name: count_tags
CREATE TEMPORARY TABLE tag_count AS
SELECT tag.key, tag.value, count(*) AS n_features
FROM osm.feature AS f
CROSS JOIN LATERAL jsonb_each_text(f.tags) AS tag
GROUP BY tag.key, tag.value;

-- name: update_tags
UPDATE skyscript.tag AS t
SET n_features = fresh.n_features, text = fresh.text
FROM (
    SELECT
        old.id,
        coalesce(c.n_features, 0) AS n_features,
        skyscript.tag_text(old.key, old.value) AS text
    FROM skyscript.tag AS old
    LEFT JOIN tag_count AS c ON c.key = old.key AND c.value = old.value
) AS fresh
WHERE t.id = fresh.id
    AND (t.n_features, t.text) IS DISTINCT FROM (fresh.n_features, fresh.text);

-- name: insert_tags
-- Ordered, so that the same extract gives the same ids.
INSERT INTO skyscript.tag (key, value, text, n_features)
SELECT c.key, c.value, skyscript.tag_text(c.key, c.value), c.n_features
FROM tag_count AS c
WHERE NOT EXISTS (
    SELECT FROM skyscript.tag AS t
    WHERE md5(t.key) = md5(c.key) AND md5(t.value) = md5(c.value)
)
ORDER BY c.n_features DESC, c.key COLLATE "C", c.value COLLATE "C";

-- name: drop_counts
DROP TABLE tag_count;

-- name: analyze
ANALYZE skyscript.tag;

-- name: count
SELECT 'ok', NULL, count(*)
FROM skyscript.tag
WHERE n_features > 0
UNION ALL
SELECT 'rejected', 'no feature carries it now', count(*)
FROM skyscript.tag
WHERE n_features = 0
HAVING count(*) > 0;
