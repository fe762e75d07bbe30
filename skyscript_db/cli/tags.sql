-- name: tags
SELECT
    t.key || '=' || t.value AS tag,
    t.n_features AS features,
    t.max_gsd_m,
    t.source,
    t.is_focus AS focus,
    t.n_chips_planned AS planned,
    t.n_chips_on_disk AS on_disk,
    t.n_chips_told AS told,
    t.reason
FROM skyscript.tag_funnel AS t
WHERE (%(key)s::text IS NULL OR t.key = %(key)s)
    AND (
        %(is_groundable)s::boolean IS NULL
        OR (t.max_gsd_m IS NOT NULL) = %(is_groundable)s
    )
    AND (
        %(source)s::text IS NULL
        OR coalesce(t.source, 'none') LIKE %(source)s::text || '%%'
    )
ORDER BY
    CASE WHEN %(by_chips)s THEN t.n_chips_told END DESC,
    t.n_features DESC,
    t.key COLLATE "C",
    t.value COLLATE "C"
LIMIT %(limit)s;

-- name: scorers
SELECT
    m.name || '/' || m.weights AS scorer,
    m.is_default,
    count(*) AS pairs,
    min(s.similarity) AS lowest,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY s.similarity) AS median,
    max(s.similarity) AS highest
FROM skyscript.embedding_model AS m
INNER JOIN skyscript.pair_similarity AS s ON s.model_id = m.id
GROUP BY m.id
ORDER BY m.id;

-- name: overlap
SELECT o.scorer, o.other, o.n_pairs AS top_pairs, o.n_shared AS shared, o.share
FROM skyscript.scorer_overlap(%(fraction)s) AS o;
