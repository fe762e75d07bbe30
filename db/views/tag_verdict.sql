CREATE VIEW skyscript.tag_verdict AS
SELECT DISTINCT ON (t.id)
    t.id AS tag_id,
    t.key,
    t.value,
    t.n_features,
    g.verdict,
    g.max_gsd_m,
    g.reason,
    g.source,
    g.probability
FROM skyscript.tag AS t
LEFT JOIN skyscript.tag_groundability AS g ON g.tag_id = t.id
ORDER BY t.id, g.precedence, g.source DESC;

COMMENT ON VIEW skyscript.tag_verdict IS
    'Each tag with the verdict that counts: override, else label, else classifier.';
