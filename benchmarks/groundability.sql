-- name: insert_tags
INSERT INTO skyscript.tag (key, value, text, n_features)
SELECT 'key' || i %% 500, 'value' || i, 'key value', 1
FROM generate_series(1, %(n)s) AS i;

-- name: insert_model
INSERT INTO skyscript.embedding_model (
    name, weights, weights_sha256, dimension, is_default
)
VALUES ('bench', 'bench', 'bench', %(dimension)s, false)
RETURNING id;

-- name: select_tags
SELECT t.key, t.value FROM skyscript.tag AS t ORDER BY t.id;

-- name: insert_classifier
INSERT INTO skyscript.tag_classifier (
    id, model_id, encoder, inputs, coefficients, intercept, threshold,
    label_sha256, n_labels, metrics, is_default
)
VALUES (
    'bench', %(model_id)s, 'bench', 'key value', %(coefficients)s::vector, 0, 0.5,
    'bench', 0, '{}', true
);

-- name: insert_step
INSERT INTO skyscript.tag_classifier_gsd (
    classifier_id, max_gsd_m, finer_gsd_m, coefficients, intercept, threshold
)
VALUES ('bench', %(coarser)s, %(finer)s, %(row)s::vector, 0, 0.5);

-- name: analyze
ANALYZE skyscript.tag, skyscript.tag_embedding;

-- name: clear
TRUNCATE skyscript.tag_groundability;

-- name: select_vectors
SELECT e.embedding FROM skyscript.tag_embedding AS e ORDER BY e.id;

-- name: select_verdicts
SELECT g.max_gsd_m
FROM skyscript.tag_embedding AS e
INNER JOIN skyscript.tag AS t ON t.key = e.key AND t.value = e.value
INNER JOIN skyscript.tag_groundability AS g ON g.tag_id = t.id
ORDER BY e.id;
