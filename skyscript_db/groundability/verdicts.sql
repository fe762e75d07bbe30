-- name: list_verdicts
-- Every verdict of every source, or the one that counts; the commonest tags first.
SELECT
    t.key,
    t.value,
    t.n_features,
    g.verdict,
    g.max_gsd_m,
    g.source,
    g.probability,
    g.reason
FROM skyscript.tag AS t
INNER JOIN skyscript.tag_groundability AS g ON g.tag_id = t.id
WHERE (%(source)s::text IS NULL OR split_part(g.source, ':', 1) = %(source)s)
    AND (%(key)s::text IS NULL OR t.key = %(key)s)
    AND (%(verdict)s::text IS NULL OR g.verdict = %(verdict)s)
    AND NOT g.is_superseded
    AND (
        %(source)s::text IS NOT NULL
        OR NOT EXISTS (
            SELECT FROM skyscript.tag_groundability AS first
            WHERE first.tag_id = g.tag_id AND first.precedence < g.precedence
        )
    )
ORDER BY t.n_features DESC, t.id
LIMIT %(limit)s;

-- name: list_disagreements
-- Tags of which the classifier says otherwise than what counts.
SELECT
    t.key,
    t.value,
    t.n_features,
    v.source,
    v.max_gsd_m,
    g.max_gsd_m,
    g.probability,
    v.reason
FROM skyscript.tag_groundability AS g
INNER JOIN skyscript.tag AS t ON t.id = g.tag_id
INNER JOIN skyscript.tag_verdict AS v ON v.tag_id = g.tag_id
WHERE starts_with(g.source, 'classifier:')
    AND NOT g.is_superseded
    AND v.source <> g.source
    AND v.verdict <> g.verdict
    AND (%(source)s::text IS NULL OR split_part(v.source, ':', 1) = %(source)s)
    AND (%(key)s::text IS NULL OR t.key = %(key)s)
    AND (%(verdict)s::text IS NULL OR v.verdict = %(verdict)s)
ORDER BY t.n_features DESC, t.id
LIMIT %(limit)s;

-- name: explain
-- What each source says of a tag, in the order in which they count. Labels and rules
-- are asked themselves, so that tags that no feature carries are explained too.
SELECT s.source, s.max_gsd_m, s.probability, s.reason
FROM (
    SELECT g.precedence, g.source, g.max_gsd_m, g.probability, g.reason
    FROM skyscript.tag AS t
    INNER JOIN skyscript.tag_groundability AS g ON g.tag_id = t.id
    WHERE md5(t.key) = md5(%(key)s::text)
        AND md5(t.value) = md5(%(value)s::text)
        AND (g.source = 'override' OR starts_with(g.source, 'classifier:'))
    UNION ALL
    SELECT
        CASE l.value WHEN '*' THEN 4 ELSE 2 END,
        CASE l.value WHEN '*' THEN 'wildcard' ELSE 'label' END,
        l.max_gsd_m,
        NULL,
        l.reason
    FROM skyscript.tag_label AS l
    WHERE l.key = %(key)s AND l.value IN (%(value)s, '*')
    UNION ALL
    SELECT 3, 'rule', r.max_gsd_m, NULL, r.kind || ': ' || r.reason
    FROM skyscript.tag_rule_of(%(key)s::text, %(value)s::text) AS r
) AS s
ORDER BY s.precedence, s.source;

-- name: select_tag
SELECT t.id, t.n_features
FROM skyscript.tag AS t
WHERE md5(t.key) = md5(%(key)s::text) AND md5(t.value) = md5(%(value)s::text);

-- name: select_nearest
-- The labelled tags whose vectors are nearest, by the default classifier's encoder.
SELECT other.key || '=' || other.value, l.max_gsd_m, 1 - (other.embedding <=> e.embedding)
FROM skyscript.tag_classifier AS c
INNER JOIN skyscript.tag_embedding AS e
    ON e.model_id = c.model_id
        AND md5(e.key) = md5(%(key)s::text)
        AND md5(e.value) = md5(%(value)s::text)
INNER JOIN skyscript.tag_embedding AS other
    ON other.model_id = c.model_id AND other.id <> e.id
INNER JOIN skyscript.tag_label AS l
    ON l.key = other.key AND l.value = other.value
WHERE c.is_default
ORDER BY other.embedding <=> e.embedding
LIMIT %(n)s;

-- name: select_telling
-- How captions tell the tag, and whether its key alone can be told instead.
SELECT
    skyscript.tag_text(%(key)s, %(value)s),
    rule.role,
    CASE
        WHEN rule.is_generic
            AND skyscript.stands(%(value)s)
            AND skyscript.groundable(%(key)s, 'yes', %(gsd_m)s)
            THEN skyscript.tag_text(%(key)s, 'yes')
    END
FROM (VALUES (1)) AS one (n)
LEFT JOIN skyscript.caption_rule AS rule ON rule.key = %(key)s;

-- name: list_classifiers
SELECT
    c.id,
    c.encoder,
    c.inputs,
    c.n_labels,
    c.threshold,
    c.metrics,
    c.is_default,
    to_char(c.trained_at, 'YYYY-MM-DD HH24:MI') AS trained_at,
    count(g.tag_id) AS n_tags
FROM skyscript.tag_classifier AS c
LEFT JOIN skyscript.tag_groundability AS g ON g.source = 'classifier:' || c.id
GROUP BY c.id
ORDER BY c.trained_at, c.id;

-- name: insert_override
INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)
VALUES (%(tag_id)s, 'override', %(max_gsd_m)s, %(reason)s)
ON CONFLICT (tag_id, source) DO UPDATE
SET max_gsd_m = excluded.max_gsd_m, reason = excluded.reason, decided_at = now();

-- name: delete_override
DELETE FROM skyscript.tag_groundability
WHERE tag_id = %(tag_id)s AND source = 'override';
