-- name: count_scenes
SELECT
    c.name,
    c.provider,
    c.alias,
    c.gsd_m,
    c.licence,
    count(s.id) AS n_scenes
FROM skyscript.collection AS c
LEFT JOIN skyscript.scene AS s ON s.collection_id = c.id
GROUP BY c.id
ORDER BY c.name;
