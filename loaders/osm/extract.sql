-- name: work_memory
-- For the sort, which is like the building of an index.
SELECT set_config('work_mem', current_setting('maintenance_work_mem'), TRUE);

-- name: lock_swaps
-- Which copy of an object is current depends on all extracts: one changes at a time.
SELECT pg_advisory_lock(hashtext('skyscript osm swap'), 0);

-- name: unlock_swaps
SELECT pg_advisory_unlock(hashtext('skyscript osm swap'), 0);

-- name: select_properties
SELECT property, value
FROM {staging}.osm2pgsql_properties
WHERE property IN ('replication_timestamp', 'import_timestamp');

-- name: count_left_out
SELECT reason, count(*) FROM {staging}.left_out GROUP BY reason
UNION ALL
SELECT 'nodes missing from the file', count(*)
FROM {staging}.feature
WHERE {is_clipped} AND n_way_nodes <> ST_NPoints(geom)
HAVING count(*) > 0;

-- name: copy_features
-- In the order of place, so that neighbours share pages. A way that misses nodes has a
-- shape that is not its own; osm2pgsql drops repeated points too, so their number tells
-- only in a file that does miss some.
CREATE TABLE {staging}.{partition} AS
WITH newer_elsewhere AS (
    SELECT DISTINCT other.osm_type, other.osm_id
    FROM {staging}.feature AS own
    JOIN osm.extract_feature AS other
        ON other.osm_type = own.osm_type AND other.osm_id = own.osm_id
    JOIN skyscript.osm_import AS other_import
        ON other_import.extract = other.extract AND other_import.status = 'loaded'
    WHERE other.extract <> {extract}
        AND (
            coalesce(other.version, 0),
            coalesce(other.changed_at, '-infinity'),
            coalesce(other_import.data_at, '-infinity'),
            other.extract COLLATE "C"
        ) > (
            coalesce(own.version, 0),
            coalesce(to_timestamp(own.changed_s), '-infinity'),
            coalesce({data_at}::timestamptz, '-infinity'),
            {extract}::text COLLATE "C"
        )
)
SELECT
    {extract}::text AS extract,
    own.osm_type,
    own.osm_id,
    own.kind,
    own.tags,
    own.geom,
    own.version,
    to_timestamp(own.changed_s) AS changed_at,
    newer.osm_id IS NULL AS is_current
FROM {staging}.feature AS own
LEFT JOIN newer_elsewhere AS newer
    ON newer.osm_type = own.osm_type AND newer.osm_id = own.osm_id
WHERE ({is_clipped} AND own.n_way_nodes <> ST_NPoints(own.geom)) IS NOT TRUE
ORDER BY own.geom;

-- name: add_constraints
-- Those of the parent, by their names there, and the one that says which partition this
-- is: with them it is attached without being read again.
ALTER TABLE {staging}.{partition}
    ALTER COLUMN extract SET NOT NULL,
    ALTER COLUMN osm_type SET NOT NULL,
    ALTER COLUMN osm_id SET NOT NULL,
    ALTER COLUMN kind SET NOT NULL,
    ALTER COLUMN tags SET NOT NULL,
    ALTER COLUMN geom SET NOT NULL,
    ALTER COLUMN is_current SET NOT NULL,
    ADD CONSTRAINT ck_extract_feature_osm_type CHECK (osm_type IN ('N', 'W', 'R')),
    ADD CONSTRAINT ck_extract_feature_kind CHECK (kind IN ('n', 'w', 'a')),
    ADD CONSTRAINT ck_extract CHECK (extract = {extract});

-- name: index_geom
CREATE INDEX {index} ON {staging}.{partition} USING gist (geom) WHERE is_current;

-- name: index_key
CREATE UNIQUE INDEX {index} ON {staging}.{partition} (osm_id, osm_type, extract);

-- name: add_key
ALTER TABLE {staging}.{partition} ADD PRIMARY KEY USING INDEX {index};

-- name: sample_less
-- A sample of 9,000 rows. The usual one costs as much as building an index.
SET LOCAL default_statistics_target = 30;

-- name: analyze
ANALYZE {staging}.{partition};

-- name: make_empty
CREATE TEMPORARY TABLE no_feature (LIKE osm.extract_feature) ON COMMIT DROP;

-- name: update_others
-- The newest of the other copies of an object is current if the extract's own is not.
-- That changes for copies which the extract's new one supersedes, and for those which
-- its old one did: few, so find them first.
WITH concerned AS (
    SELECT other.osm_type, other.osm_id
    FROM osm.extract_feature AS other
    JOIN {fresh} AS fresh
        ON fresh.osm_type = other.osm_type AND fresh.osm_id = other.osm_id
    WHERE other.extract <> {extract} AND other.is_current AND fresh.is_current
    UNION
    SELECT other.osm_type, other.osm_id
    FROM osm.extract_feature AS other
    JOIN osm.extract_feature AS old
        ON old.osm_type = other.osm_type AND old.osm_id = other.osm_id
    WHERE other.extract <> {extract}
        AND NOT other.is_current
        AND old.extract = {extract}
        AND old.is_current
), ranked AS (
    SELECT
        other.extract,
        other.osm_type,
        other.osm_id,
        fresh.osm_id IS NULL AND row_number() OVER (
            PARTITION BY other.osm_type, other.osm_id
            ORDER BY
                coalesce(other.version, 0) DESC,
                coalesce(other.changed_at, '-infinity') DESC,
                coalesce(other_import.data_at, '-infinity') DESC,
                other.extract COLLATE "C" DESC
        ) = 1 AS is_current
    FROM concerned AS c
    JOIN osm.extract_feature AS other
        ON other.osm_type = c.osm_type AND other.osm_id = c.osm_id
    JOIN skyscript.osm_import AS other_import
        ON other_import.extract = other.extract AND other_import.status = 'loaded'
    LEFT JOIN {fresh} AS fresh
        ON fresh.osm_type = other.osm_type AND fresh.osm_id = other.osm_id
            AND fresh.is_current
    WHERE other.extract <> {extract}
)
UPDATE osm.extract_feature AS f
SET is_current = ranked.is_current
FROM ranked
WHERE f.extract = ranked.extract
    AND f.extract <> {extract}
    AND f.osm_type = ranked.osm_type
    AND f.osm_id = ranked.osm_id
    AND f.is_current <> ranked.is_current;

-- name: select_is_attached
SELECT to_regclass(%(name)s) IS NOT NULL;

-- name: limit_wait
-- Whoever comes after us waits behind us: give up soon, and try again.
SET LOCAL lock_timeout = '2s';

-- name: detach
ALTER TABLE osm.extract_feature DETACH PARTITION osm.{partition};
DROP TABLE osm.{partition};

-- name: attach
ALTER TABLE {staging}.{partition} SET SCHEMA osm;
ALTER TABLE osm.extract_feature ATTACH PARTITION osm.{partition}
    FOR VALUES IN ({extract});
