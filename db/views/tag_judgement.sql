-- Patterns of keys are matched once a key.
CREATE VIEW skyscript.tag_judgement AS
WITH key_rule AS MATERIALIZED (
    SELECT k.key, r.rank, r.kind, r.value_pattern, r.max_gsd_m, r.reason
    FROM (SELECT DISTINCT t.key FROM skyscript.tag AS t) AS k
    INNER JOIN skyscript.tag_rule AS r
        ON r.key_pattern IS NULL OR k.key ~ r.key_pattern
)

SELECT
    t.id AS tag_id,
    CASE l.value WHEN '*' THEN 'wildcard' ELSE 'label' END AS source,
    l.max_gsd_m,
    l.reason
FROM skyscript.tag AS t
INNER JOIN skyscript.tag_label AS l ON l.key = t.key AND l.value IN (t.value, '*')
UNION ALL
(
    SELECT DISTINCT ON (t.id) t.id, 'rule', r.max_gsd_m, r.kind || ': ' || r.reason
    FROM skyscript.tag AS t
    INNER JOIN key_rule AS r ON r.key = t.key
    WHERE r.value_pattern IS NULL OR t.value ~ r.value_pattern
    ORDER BY t.id, r.rank
);

COMMENT ON VIEW skyscript.tag_judgement IS
    'What labels and rules say of the collected tags, a row for each that speaks.';
