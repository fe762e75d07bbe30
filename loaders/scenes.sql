-- name: lock_collection
-- Two loads into one collection take turns, transaction by transaction.
SELECT id
FROM skyscript.collection
WHERE id = %(collection_id)s
FOR UPDATE;

-- name: find_scene
SELECT
    id,
    uri,
    version,
    file_sha256,
    bands,
    stretch,
    gsd_m,
    crs,
    transform,
    width_px,
    height_px
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
    cloud_fraction,
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
    version,
    properties
)
VALUES (
    %(collection_id)s,
    %(name)s,
    %(uri)s,
    %(footprint)s,
    %(acquired_at)s,
    %(gsd_m)s,
    %(cloud_fraction)s,
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
    %(version)s,
    %(properties)s
);

-- name: replace_scene
-- What was told of the scene before stays, where nothing tells it now.
UPDATE skyscript.scene
SET
    uri = %(uri)s,
    footprint = %(footprint)s,
    acquired_at = coalesce(%(acquired_at)s, acquired_at),
    gsd_m = %(gsd_m)s,
    cloud_fraction = %(cloud_fraction)s,
    crs = %(crs)s,
    srid = %(srid)s,
    transform = %(transform)s,
    width_px = %(width_px)s,
    height_px = %(height_px)s,
    bands = %(bands)s,
    stretch = %(stretch)s,
    is_synthetic = %(is_synthetic)s,
    licence = CASE
        WHEN %(is_licence_told)s THEN %(licence)s
        ELSE coalesce(%(licence)s, licence)
    END,
    attribution = CASE
        WHEN %(is_attribution_told)s THEN %(attribution)s
        ELSE coalesce(%(attribution)s, attribution)
    END,
    file_sha256 = %(file_sha256)s,
    file_bytes = %(file_bytes)s,
    version = %(version)s,
    properties = %(properties)s,
    loaded_at = now()
WHERE id = %(id)s;

-- name: touch_scene
-- The pixels are those that were there: what was told this time goes beside them.
UPDATE skyscript.scene
SET
    uri = %(uri)s,
    acquired_at = coalesce(%(acquired_at)s, acquired_at),
    cloud_fraction = coalesce(%(cloud_fraction)s, cloud_fraction),
    is_synthetic = %(is_synthetic)s OR is_synthetic,
    licence = CASE WHEN %(is_licence_told)s THEN %(licence)s ELSE licence END,
    attribution = CASE
        WHEN %(is_attribution_told)s THEN %(attribution)s
        ELSE attribution
    END,
    properties = %(properties)s
WHERE id = %(id)s;

-- name: try_own_chips
-- Jobs share this lock while they run (jobs/runner.sql).
SELECT pg_try_advisory_lock(hashtext('skyscript chips'), 0);

-- name: disown_chips
SELECT pg_advisory_unlock(hashtext('skyscript chips'), 0);

-- name: drop_chips
-- Those of a scene, a collection or a plan, whichever is told. What hangs on a chip by a
-- foreign key goes with it.
WITH
chips AS (
    DELETE FROM skyscript.chip AS c
    USING skyscript.scene AS s
    WHERE s.id = c.scene_id
        AND (
            c.scene_id = %(scene_id)s::bigint
            OR s.collection_id = %(collection_id)s::bigint
            OR c.plan = %(plan)s::text
        )
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
captions AS (
    DELETE FROM skyscript.caption
    USING chips
    WHERE caption.chip_id = chips.id
),
retellings AS (
    DELETE FROM skyscript.caption_retelling
    USING chips
    WHERE caption_retelling.chip_id = chips.id
)
SELECT chips.image_path
FROM chips;
