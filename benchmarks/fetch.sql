-- name: serve_scene
WITH
collection AS (
    UPDATE skyscript.collection
    SET provider = 'earth-engine'
)
UPDATE skyscript.scene
SET
    uri = 'BENCH/ORTHOS/a',
    bands = '{"rgb": ["R", "G", "B"]}',
    file_sha256 = NULL;

-- name: insert_chips
-- Eight to a cluster, each within half a chip of its centre.
INSERT INTO skyscript.chip (
    id, scene_id, osm_type, osm_id, kind, plan, footprint, lon, lat, gsd_m,
    col_off_px, row_off_px, width_px, height_px
)
SELECT
    n,
    s.id,
    'N',
    n,
    'n',
    'benchmark',
    ST_GeometryN(s.footprint, 1),
    9.5,
    47.1,
    s.gsd_m,
    floor(
        %(room_px)s * skyscript.hash_fraction('col', (n / 8)::text)
        + %(side_px)s * skyscript.hash_fraction('dx', n::text)
    ),
    floor(
        %(room_px)s * skyscript.hash_fraction('row', (n / 8)::text)
        + %(side_px)s * skyscript.hash_fraction('dy', n::text)
    ),
    %(side_px)s,
    %(side_px)s
FROM skyscript.scene AS s, generate_series(1, %(n)s) AS n;

-- name: analyze_chips
ANALYZE skyscript.chip;

-- name: forget
UPDATE skyscript.chip
SET
    state = 'planned',
    cause = NULL,
    image_path = NULL,
    sha256 = NULL,
    n_attempts = 0;

-- name: count_chips
SELECT count(*) FROM skyscript.chip;

-- name: count_ok
SELECT count(*) FROM skyscript.chip WHERE state = 'ok';
