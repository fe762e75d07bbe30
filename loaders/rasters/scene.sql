-- name: lock_collection
-- Two loads into one collection take turns, scene by scene.
SELECT id
FROM skyscript.collection
WHERE id = %(collection_id)s
FOR UPDATE;

-- name: measure
-- Both in metres on the ellipsoid, whatever the reference system: the size of the
-- middle pixel, and the area of the footprint beside the one that its pixels make up.
WITH
grid AS (
    SELECT
        %(transform)s::double precision[] AS t,
        %(width_px)s / 2.0 AS col,
        %(height_px)s / 2.0 AS row,
        ST_SimplifyPreserveTopology(
            ST_SetSRID(ST_GeomFromGeoJSON(%(valid_px)s), 0), %(tolerance_px)s
        ) AS valid_px
),
pixel AS (
    SELECT
        step,
        ST_Transform(
            ST_SetSRID(
                ST_Affine(
                    ST_Point(col + dx, row + dy),
                    t[1], t[2], t[4], t[5], t[3], t[6]
                ),
                %(srid)s
            ),
            4326
        )::geography AS place
    FROM
        grid,
        (VALUES ('here', 0, 0), ('right', 1, 0), ('below', 0, 1)) AS s (step, dx, dy)
),
gsd AS (
    SELECT
        sqrt(
            ST_Distance(here.place, right_of.place)
            * ST_Distance(here.place, below.place)
        ) AS gsd_m
    FROM pixel AS here, pixel AS right_of, pixel AS below
    WHERE here.step = 'here' AND right_of.step = 'right' AND below.step = 'below'
),
ground AS (
    SELECT
        ST_Transform(
            ST_SetSRID(
                ST_Affine(
                    CASE
                        WHEN %(srid)s = 4326 THEN valid_px
                        ELSE ST_Segmentize(
                            valid_px,
                            greatest(%(width_px)s, %(height_px)s) / 64.0
                        )
                    END,
                    t[1], t[2], t[4], t[5], t[3], t[6]
                ),
                %(srid)s
            ),
            4326
        ) AS geom
    FROM grid
),
-- Across the antimeridian: cut there, the pieces on either side of the map.
cut AS (
    SELECT
        CASE
            WHEN ST_XMax(geom) - ST_XMin(geom) > 180 AND ST_XMax(geom) <= 180
                THEN ST_WrapX(ST_ShiftLongitude(geom), 180, -360)
            WHEN ST_XMax(geom) > 180 THEN ST_WrapX(geom, 180, -360)
            ELSE geom
        END AS geom
    FROM ground
),
whole AS (
    SELECT ST_Multi(ST_CollectionExtract(ST_MakeValid(geom), 3)) AS footprint
    FROM cut
)
SELECT
    footprint,
    gsd_m,
    ST_YMin(footprint) < -90.001 OR ST_YMax(footprint) > 90.001
    OR ST_XMin(footprint) < -180.001 OR ST_XMax(footprint) > 180.001 AS is_off_earth,
    ST_Area(footprint::geography) / nullif(ST_Area(valid_px) * gsd_m ^ 2, 0) AS swell
FROM whole, gsd, grid;

-- name: find_scene
SELECT
    id,
    uri,
    file_sha256,
    bands,
    stretch,
    gsd_m
FROM skyscript.scene
WHERE collection_id = %(collection_id)s AND name = %(name)s;

-- name: insert_scene
INSERT INTO skyscript.scene (
    collection_id,
    name,
    uri,
    footprint,
    acquired_at,
    gsd_m,
    crs,
    srid,
    transform,
    width_px,
    height_px,
    bands,
    stretch,
    is_synthetic,
    licence,
    attribution,
    file_sha256,
    file_bytes,
    properties
)
VALUES (
    %(collection_id)s,
    %(name)s,
    %(uri)s,
    %(footprint)s,
    %(acquired_at)s,
    %(gsd_m)s,
    %(crs)s,
    %(srid)s,
    %(transform)s,
    %(width_px)s,
    %(height_px)s,
    %(bands)s,
    %(stretch)s,
    %(is_synthetic)s,
    %(licence)s,
    %(attribution)s,
    %(file_sha256)s,
    %(file_bytes)s,
    %(properties)s
);

-- name: replace_scene
UPDATE skyscript.scene
SET
    uri = %(uri)s,
    footprint = %(footprint)s,
    acquired_at = %(acquired_at)s,
    gsd_m = %(gsd_m)s,
    crs = %(crs)s,
    srid = %(srid)s,
    transform = %(transform)s,
    width_px = %(width_px)s,
    height_px = %(height_px)s,
    bands = %(bands)s,
    stretch = %(stretch)s,
    is_synthetic = %(is_synthetic)s,
    licence = %(licence)s,
    attribution = %(attribution)s,
    file_sha256 = %(file_sha256)s,
    file_bytes = %(file_bytes)s,
    properties = %(properties)s,
    loaded_at = now()
WHERE id = %(id)s;

-- name: touch_scene
-- The pixels are those that were there: what was told this time goes beside them.
UPDATE skyscript.scene
SET
    uri = %(uri)s,
    acquired_at = coalesce(%(acquired_at)s, acquired_at),
    is_synthetic = %(is_synthetic)s OR is_synthetic,
    licence = CASE WHEN %(is_licence_told)s THEN %(licence)s ELSE licence END,
    attribution = CASE
        WHEN %(is_attribution_told)s THEN %(attribution)s
        ELSE attribution
    END
WHERE id = %(id)s;

-- name: retry_chips
-- The file is here and as it was: what failed on it may be tried afresh.
UPDATE skyscript.chip
SET state = 'planned', cause = NULL, n_attempts = 0
WHERE scene_id = %(id)s AND state = 'failed';

-- name: try_own_chips
-- Jobs share this lock while they run (jobs/runner.sql).
SELECT pg_try_advisory_lock(hashtext('skyscript chips'), 0);

-- name: disown_chips
SELECT pg_advisory_unlock(hashtext('skyscript chips'), 0);

-- name: drop_chips
-- What hangs on a chip by a foreign key goes with it.
WITH
chips AS (
    DELETE FROM skyscript.chip
    WHERE scene_id = %(id)s
    RETURNING id, image_path
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
)
SELECT image_path
FROM chips;
