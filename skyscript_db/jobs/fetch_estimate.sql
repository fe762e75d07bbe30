-- name: select_sizes
-- Bytes a pixel of the files that are there, by collection.
SELECT cl.name, sum(c.file_bytes) / sum(c.width_px::double precision * c.height_px)
FROM skyscript.chip AS c
INNER JOIN skyscript.scene AS s ON s.id = c.scene_id
INNER JOIN skyscript.collection AS cl ON cl.id = s.collection_id
WHERE c.state = 'ok' AND c.file_bytes > 0
GROUP BY cl.name;
