-- name: insert_model
INSERT INTO skyscript.embedding_model (
    name, weights, weights_sha256, dimension, is_default
)
VALUES (%(name)s, %(weights)s, %(sha256)s, %(dimension)s, false)
ON CONFLICT (weights_sha256) DO NOTHING;

-- name: select_model
SELECT m.id FROM skyscript.embedding_model AS m WHERE m.weights_sha256 = %(sha256)s;

-- name: create_staging
CREATE TEMPORARY TABLE tag_vector (key text, value text, embedding halfvec);

-- name: copy_staging
COPY tag_vector (key, value, embedding) FROM STDIN (FORMAT BINARY);

-- name: insert_embeddings
INSERT INTO skyscript.tag_embedding (model_id, key, value, embedding)
SELECT %(model_id)s, v.key, v.value, v.embedding
FROM tag_vector AS v
ON CONFLICT DO NOTHING;

-- name: drop_staging
DROP TABLE tag_vector;

-- name: select_missing
-- Tags that a rule decides are never read by a model.
SELECT t.key, t.value
FROM skyscript.tag AS t
WHERE NOT EXISTS (
    SELECT FROM skyscript.tag_groundability AS g
    WHERE g.tag_id = t.id AND g.source = 'rule'
)
    AND NOT EXISTS (
        SELECT FROM skyscript.tag_embedding AS e
        WHERE e.model_id = %(model_id)s
            AND md5(e.key) = md5(t.key)
            AND md5(e.value) = md5(t.value)
    )
ORDER BY t.id;

-- name: analyze
ANALYZE skyscript.tag_embedding;
