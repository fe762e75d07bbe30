-- name: select_page
SELECT
    p.n,
    c.id,
    c.scene_id,
    c.col_off_px,
    c.row_off_px,
    c.width_px,
    c.height_px
FROM pending AS p
INNER JOIN skyscript.chip AS c ON c.id = p.id
INNER JOIN skyscript.scene AS s ON s.id = c.scene_id
INNER JOIN skyscript.collection AS cl ON cl.id = s.collection_id
WHERE p.n > %(after)s AND cl.provider = %(provider)s
ORDER BY p.n
LIMIT %(size)s;

-- name: select_scenes
SELECT
    s.id,
    cl.name,
    s.loaded_at,
    cl.provider,
    s.uri,
    s.crs,
    s.transform,
    s.width_px,
    s.height_px,
    s.bands,
    s.stretch,
    s.file_sha256
FROM skyscript.scene AS s
INNER JOIN skyscript.collection AS cl ON cl.id = s.collection_id
WHERE s.id = ANY (%(ids)s);
