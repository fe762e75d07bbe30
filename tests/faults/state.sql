-- What a project holds, without surrogate keys and the times at which it was made.

-- name: feature
SELECT
    f.extract, f.osm_type, f.osm_id, f.kind, f.tags, st_asewkt(f.geom), f.version,
    f.changed_at, f.is_current
FROM osm.extract_feature AS f
ORDER BY f.extract, f.osm_type, f.osm_id;

-- name: import
SELECT i.extract, i.file_sha256, i.n_nodes, i.n_ways, i.n_features, i.left_out
FROM skyscript.osm_import AS i
WHERE i.status = 'loaded'
ORDER BY i.extract;

-- name: scene
SELECT
    c.name, c.alias, c.licence, s.name, st_asewkt(s.footprint), s.acquired_at, s.gsd_m,
    s.crs, s.transform, s.width_px, s.height_px, s.bands, s.stretch, s.file_sha256
FROM skyscript.scene AS s
INNER JOIN skyscript.collection AS c ON c.id = s.collection_id
ORDER BY c.name, s.name;

-- name: tag
SELECT t.key, t.value, t.text, t.n_features
FROM skyscript.tag AS t
ORDER BY t.key, t.value;

-- name: verdict
SELECT t.key, t.value, g.source, g.max_gsd_m, g.reason
FROM skyscript.tag_groundability AS g
INNER JOIN skyscript.tag AS t ON t.id = g.tag_id
ORDER BY t.key, t.value, g.source;

-- name: chip
SELECT
    c.id, s.name, c.osm_type, c.osm_id, c.kind, c.plan, st_asewkt(c.footprint), c.lon,
    c.lat, c.cell, c.gsd_m, c.col_off_px, c.row_off_px, c.width_px, c.height_px,
    c.state, c.n_attempts, c.cause, c.image_path, c.sha256, c.file_bytes,
    c.nodata_fraction
FROM skyscript.chip AS c
INNER JOIN skyscript.scene AS s ON s.id = c.scene_id
ORDER BY c.id;

-- name: chip_feature
SELECT
    cf.chip_id, cf.osm_type, cf.osm_id, cf.kind, cf.role, cf.tags, cf.version,
    cf.changed_at, cf.visible_fraction, cf.width_px, cf.height_px, cf.touches_edge
FROM skyscript.chip_feature AS cf
ORDER BY cf.chip_id, cf.osm_type, cf.osm_id;

-- name: caption
SELECT c.chip_id, c.recipe, c.kind, t.text, t.n_tokens
FROM skyscript.caption AS c
INNER JOIN skyscript.caption_text AS t ON t.id = c.text_id
ORDER BY c.chip_id, c.recipe, c.kind;

-- name: caption_text
SELECT t.text FROM skyscript.caption_text AS t ORDER BY t.text;

-- name: split
SELECT s.scheme, s.chip_id, s.split, s.cell
FROM skyscript.chip_split AS s
ORDER BY s.scheme, s.chip_id;

-- name: model
SELECT m.weights_sha256, m.dimension, m.is_default
FROM skyscript.embedding_model AS m
ORDER BY m.weights_sha256;

-- name: refused
SELECT m.weights_sha256, r.chip_id, t.text, r.reason
FROM skyscript.embedding_rejection AS r
INNER JOIN skyscript.embedding_model AS m ON m.id = r.model_id
LEFT JOIN skyscript.caption_text AS t ON t.id = r.text_id
ORDER BY m.weights_sha256, r.chip_id, t.text;

-- name: chip_vector
SELECT m.weights_sha256, e.chip_id, e.embedding::vector::real []
FROM skyscript.chip_embedding AS e
INNER JOIN skyscript.embedding_model AS m ON m.id = e.model_id
ORDER BY m.weights_sha256, e.chip_id;

-- name: text_vector
SELECT m.weights_sha256, t.text, e.embedding::vector::real []
FROM skyscript.text_embedding AS e
INNER JOIN skyscript.embedding_model AS m ON m.id = e.model_id
INNER JOIN skyscript.caption_text AS t ON t.id = e.text_id
ORDER BY m.weights_sha256, t.text;

-- name: similarity
SELECT m.weights_sha256, s.chip_id, t.text, ARRAY[s.similarity]
FROM skyscript.pair_similarity AS s
INNER JOIN skyscript.embedding_model AS m ON m.id = s.model_id
INNER JOIN skyscript.caption_text AS t ON t.id = s.text_id
ORDER BY m.weights_sha256, s.chip_id, t.text;
