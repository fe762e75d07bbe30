-- name: select_plans
SELECT
    c.plan,
    count(*) AS n_chips,
    count(*) FILTER (WHERE c.state = 'ok') AS n_on_disk,
    min(c.planned_at) AS first_at
FROM skyscript.chip AS c
GROUP BY c.plan
ORDER BY first_at, c.plan;

-- name: select_collection
SELECT c.id FROM skyscript.collection AS c WHERE c.name = %(name)s;

-- name: drop_chips
-- What hangs on a chip by a foreign key goes with it.
WITH
chips AS (
    DELETE FROM skyscript.chip AS c
    USING skyscript.scene AS s
    WHERE s.id = c.scene_id
        AND (c.plan = %(plan)s::text OR s.collection_id = %(collection_id)s::bigint)
    RETURNING c.id, c.image_path
),
features AS (
    DELETE FROM skyscript.chip_feature
    USING chips
    WHERE chip_feature.chip_id = chips.id
),
embeddings AS (
    DELETE FROM skyscript.chip_embedding
    USING chips
    WHERE chip_embedding.chip_id = chips.id
),
retellings AS (
    DELETE FROM skyscript.caption_retelling
    USING chips
    WHERE caption_retelling.chip_id = chips.id
)
SELECT chips.image_path
FROM chips;

-- name: delete_collection
-- Its scenes go with it.
DELETE FROM skyscript.collection AS c WHERE c.id = %(collection_id)s;
