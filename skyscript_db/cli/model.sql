-- name: list_models
SELECT
    m.id,
    m.name,
    m.weights,
    m.dimension,
    m.is_default,
    (SELECT count(*) FROM skyscript.chip_embedding AS e WHERE e.model_id = m.id)
        AS n_chips
FROM skyscript.embedding_model AS m
ORDER BY m.id;

-- name: reads_tags
-- Whether a model is an encoder of tags, which embeds no image.
SELECT
    EXISTS (SELECT FROM skyscript.tag_embedding AS e WHERE e.model_id = %(id)s)
    OR EXISTS (SELECT FROM skyscript.tag_classifier AS c WHERE c.model_id = %(id)s);

-- name: clear_default
-- Before another becomes it: at no moment are there two.
UPDATE skyscript.embedding_model SET is_default = false WHERE is_default;

-- name: make_default
UPDATE skyscript.embedding_model SET is_default = true WHERE id = %(id)s;
