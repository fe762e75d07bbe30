-- name: are_tags_stale
SELECT coalesce(
    (SELECT max(i.finished_at) FROM skyscript.osm_import AS i)
    > (
        SELECT max(r.started_at)
        FROM skyscript.job_run AS r
        WHERE r.job = 'ground_tags' AND r.status = 'finished'
    ),
    true
);

-- name: describe
SELECT skyscript.describe(%(area)s::geometry, %(gsd_m)s, %(recipe)s);

-- name: search
SELECT
    hit.chip_id,
    hit.similarity,
    told.text AS caption,
    chip.image_path,
    collection.name AS collection,
    chip.gsd_m,
    chip.lon,
    chip.lat,
    chip.osm_type,
    chip.osm_id,
    hit.plan
FROM skyscript.search(
    query => %(query)s,
    k => %(k)s,
    area => %(area)s::geometry,
    collections => %(collections)s,
    tags => %(tags)s,
    split => %(split)s,
    split_scheme => %(split_scheme)s,
    model_id => %(model_id)s
) AS hit
INNER JOIN skyscript.chip ON chip.id = hit.chip_id
INNER JOIN skyscript.scene ON scene.id = chip.scene_id
INNER JOIN skyscript.collection ON collection.id = scene.collection_id
LEFT JOIN skyscript.caption
    ON caption.chip_id = chip.id
        AND caption.recipe = %(recipe)s
        AND caption.kind = 'multi_feature'
LEFT JOIN skyscript.caption_text AS told ON told.id = caption.text_id
ORDER BY hit.similarity DESC, hit.chip_id;
