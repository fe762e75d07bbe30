-- name: select_labels
SELECT
    l.key,
    l.value,
    l.max_gsd_m,
    coalesce(t.n_features, 0),
    EXISTS (
        SELECT FROM skyscript.tag_label AS whole
        WHERE whole.key = l.key AND whole.value = '*'
    ) AS in_wildcard,
    a.rater IS NOT NULL
        AND b.rater IS NOT NULL
        AND (a.max_gsd_m IS NULL) = (b.max_gsd_m IS NULL) AS is_agreed,
    coalesce(rule.role, '') AS role
FROM skyscript.tag_label AS l
LEFT JOIN skyscript.tag AS t
    ON md5(t.key) = md5(l.key) AND md5(t.value) = md5(l.value)
LEFT JOIN skyscript.caption_rule AS rule ON rule.key = l.key
LEFT JOIN skyscript.tag_vote AS a
    ON a.key = l.key AND a.value = l.value AND a.rater = 'a'
LEFT JOIN skyscript.tag_vote AS b
    ON b.key = l.key AND b.value = l.value AND b.rater = 'b'
WHERE l.value <> '*'
    AND NOT EXISTS (SELECT FROM skyscript.tag_rule_of(l.key, l.value))
ORDER BY l.key COLLATE "C", l.value COLLATE "C";

-- name: select_ruled_labels
SELECT l.key, l.value, l.max_gsd_m IS NOT DISTINCT FROM r.max_gsd_m
FROM skyscript.tag_label AS l
CROSS JOIN LATERAL skyscript.tag_rule_of(l.key, l.value) AS r
WHERE l.value <> '*'
ORDER BY l.key COLLATE "C", l.value COLLATE "C";

-- name: count_seen
-- What two raters, apart from each other, say can be seen: the one, the other, both.
SELECT
    count(*) FILTER (WHERE a.max_gsd_m IS NOT NULL),
    count(*) FILTER (WHERE b.max_gsd_m IS NOT NULL),
    count(*) FILTER (WHERE a.max_gsd_m IS NOT NULL AND b.max_gsd_m IS NOT NULL)
FROM skyscript.tag_vote AS a
INNER JOIN skyscript.tag_vote AS b ON b.key = a.key AND b.value = a.value
WHERE a.rater = 'a' AND b.rater = 'b';
