-- A large world made of a small real one: an extract, repeated beside itself.

-- name: create_partition
CREATE TABLE osm.feature_copies PARTITION OF osm.extract_feature
FOR VALUES IN ('copies');

-- name: copy_features
-- Sorted by place, as the loader leaves them.
INSERT INTO osm.extract_feature (
    extract, osm_type, osm_id, kind, tags, geom, version, changed_at, is_current
)
SELECT
    'copies',
    f.osm_type,
    f.osm_id + i * 100000000000,
    f.kind,
    f.tags,
    st_translate(f.geom, i %% 8 * 0.3, i / 8 * -0.6),
    f.version,
    f.changed_at,
    true
FROM generate_series(1, %(copies)s - 1) AS i
CROSS JOIN osm.feature AS f
ORDER BY 6;

-- name: analyze_features
VACUUM ANALYZE osm.extract_feature;

-- name: insert_collection
INSERT INTO skyscript.collection (name, alias, provider, gsd_m)
VALUES ('bench', 'B', 'raster', 1);

-- name: insert_scene
INSERT INTO skyscript.scene (
    collection_id, name, uri, footprint, gsd_m, crs, srid, transform,
    width_px, height_px, bands, stretch
)
SELECT
    c.id,
    'bench',
    'bench.tif',
    st_multi(st_makeenvelope(9, 43, 14, 49, 4326)),
    1,
    'EPSG:4326',
    4326,
    ARRAY[0.00001, 0, 9, 0, -0.00001, 49],
    500000,
    600000,
    '{}',
    '{}'
FROM skyscript.collection AS c;

-- name: insert_chips
-- Rectangles around a fair sample of the features, off-centre by chance.
INSERT INTO skyscript.chip (
    id, scene_id, osm_type, osm_id, kind, plan, footprint, lon, lat, gsd_m,
    col_off_px, row_off_px, width_px, height_px, state, image_path, sha256
)
SELECT
    skyscript.hash_id(f.osm_type, f.osm_id::text),
    s.id,
    f.osm_type,
    f.osm_id,
    f.kind,
    'bench',
    st_makeenvelope(
        centre.x - 0.75 * %(side_deg)s, centre.y - 0.5 * %(side_deg)s,
        centre.x + 0.75 * %(side_deg)s, centre.y + 0.5 * %(side_deg)s, 4326
    ),
    centre.x,
    centre.y,
    %(side_deg)s * 111320 / 256,
    0,
    0,
    256,
    256,
    'ok',
    f.osm_type || f.osm_id,
    'none'
FROM skyscript.scene AS s
CROSS JOIN osm.feature AS f
CROSS JOIN LATERAL (
    SELECT CASE f.kind
        WHEN 'w' THEN st_pointn(f.geom, 1)
        ELSE st_pointonsurface(f.geom)
    END AS geom
) AS focus
CROSS JOIN LATERAL (
    SELECT
        st_x(focus.geom)
            + (skyscript.hash_fraction('x', f.osm_id::text) - 0.5) * %(side_deg)s * 0.75
            AS x,
        st_y(focus.geom)
            + (skyscript.hash_fraction('y', f.osm_id::text) - 0.5) * %(side_deg)s * 0.5
            AS y
) AS centre
WHERE skyscript.hash_fraction('pick', f.osm_type, f.osm_id::text) < %(share)s
    AND (
        NOT %(only_told)s
        OR EXISTS (
            SELECT FROM skyscript.feature_texts(
                f.tags, f.kind, %(side_deg)s * 111320 / 256
            )
        )
    );

-- name: analyze_chips
VACUUM ANALYZE skyscript.chip;

-- name: clear_links
TRUNCATE skyscript.chip_feature;

-- name: clear_captions
TRUNCATE skyscript.caption, skyscript.caption_text CASCADE;

-- name: count_world
SELECT
    (SELECT count(*) FROM osm.feature),
    (SELECT count(*) FROM skyscript.chip);
