-- name: select_default
SELECT c.id, c.model_id, c.encoder, c.inputs
FROM skyscript.tag_classifier AS c
WHERE c.is_default;

-- name: score_tags
-- Both stages for all tags at once. <#> is the negative dot product. OFFSET 0 has each
-- vector read and made a full one once; stage II is asked only where stage I says yes.
WITH classifier AS (
    SELECT c.id, c.model_id, c.coefficients, c.intercept, c.threshold
    FROM skyscript.tag_classifier AS c
    WHERE c.id = %(id)s
),

judged AS (
    SELECT t.id, first.probability, second.max_gsd_m
    FROM classifier AS c
    INNER JOIN skyscript.tag_embedding AS e ON e.model_id = c.model_id
    INNER JOIN skyscript.tag AS t
        ON md5(t.key) = md5(e.key) AND md5(t.value) = md5(e.value)
    CROSS JOIN LATERAL (SELECT e.embedding::vector AS full_one OFFSET 0) AS vector
    CROSS JOIN LATERAL (
        SELECT
            skyscript.logistic(c.intercept - (vector.full_one <#> c.coefficients))
                AS probability
        OFFSET 0
    ) AS first
    CROSS JOIN LATERAL (
        SELECT
            coalesce(
                min(step.finer_gsd_m) FILTER (
                    WHERE skyscript.logistic(
                        step.intercept - (vector.full_one <#> step.coefficients)
                    ) < step.threshold
                ),
                max(step.max_gsd_m)
            ) AS max_gsd_m
        FROM skyscript.tag_classifier_gsd AS step
        WHERE step.classifier_id = c.id AND first.probability >= c.threshold
    ) AS second
    WHERE NOT EXISTS (
        SELECT FROM skyscript.tag_groundability AS old
        WHERE old.tag_id = t.id
            AND (old.source = 'rule' OR old.source = 'classifier:' || c.id)
    )
)

INSERT INTO skyscript.tag_groundability (
    tag_id, source, probability, max_gsd_m, reason
)
SELECT
    j.id,
    'classifier:' || c.id,
    j.probability,
    j.max_gsd_m,
    'classifier: p ' || round(j.probability::numeric, 2)
        || coalesce(', at ' || j.max_gsd_m || ' m', ', so not seen')
FROM judged AS j
CROSS JOIN classifier AS c
ORDER BY j.id;

-- name: clear_default
UPDATE skyscript.tag_classifier SET is_default = false WHERE is_default;

-- name: set_default
UPDATE skyscript.tag_classifier SET is_default = true WHERE id = %(id)s;

-- name: mark_superseded
UPDATE skyscript.tag_groundability AS g
SET is_superseded = NOT g.is_superseded
WHERE starts_with(g.source, 'classifier:')
    AND g.is_superseded = EXISTS (
        SELECT FROM skyscript.tag_classifier AS c
        WHERE c.is_default AND g.source = 'classifier:' || c.id
    );
