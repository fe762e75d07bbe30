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

-- name: delete_collection
-- Its scenes go with it.
DELETE FROM skyscript.collection AS c WHERE c.id = %(collection_id)s;
