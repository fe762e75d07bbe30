-- name: try_lock
SELECT pg_try_advisory_lock(hashtext('skyscript osm extract'), hashtext(%(extract)s));

-- name: unlock
SELECT pg_advisory_unlock(hashtext('skyscript osm extract'), hashtext(%(extract)s));

-- name: select_holder
SELECT l.pid, a.backend_start
FROM pg_locks AS l
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid = hashtext('skyscript osm extract')::oid
    AND l.objid = hashtext(%(extract)s)::oid
    AND l.granted;

-- name: patience
-- Loads take as long as they take; and the server ends a statement of ours within a
-- second of our death, which frees the lock for the next run.
SELECT
    set_config('statement_timeout', '0', FALSE),
    set_config('client_connection_check_interval', '1s', FALSE);

-- name: reset_patience
RESET statement_timeout;
RESET client_connection_check_interval;

-- name: select_running
SELECT DISTINCT extract
FROM skyscript.osm_import
WHERE status = 'running';

-- name: end_backends
SELECT pg_terminate_backend(pid, 10000)
FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %(application_name)s;

-- name: drop_staging
DROP SCHEMA IF EXISTS {staging} CASCADE;

-- name: create_staging
CREATE SCHEMA {staging};

-- name: fail_running
UPDATE skyscript.osm_import
SET status = 'failed', error = %(error)s, finished_at = clock_timestamp()
WHERE extract = %(extract)s AND status = 'running';

-- name: insert_running
INSERT INTO skyscript.osm_import (
    extract, file_name, file_sha256, file_bytes, style_sha256, osm2pgsql_version
)
VALUES (
    %(extract)s,
    %(file_name)s,
    %(file_sha256)s,
    %(file_bytes)s,
    %(style_sha256)s,
    %(osm2pgsql_version)s
)
RETURNING id;

-- name: retire_loaded
UPDATE skyscript.osm_import
SET status = %(status)s
WHERE extract = %(extract)s AND status = 'loaded';

-- name: finish_running
UPDATE skyscript.osm_import
SET
    status = 'loaded',
    data_at = %(data_at)s,
    n_nodes = %(n_nodes)s,
    n_ways = %(n_ways)s,
    n_relations = %(n_relations)s,
    n_features = %(n_features)s,
    left_out = %(left_out)s,
    finished_at = clock_timestamp()
WHERE id = %(id)s;

-- name: select_loaded
SELECT
    extract,
    file_name,
    file_sha256,
    style_sha256,
    n_nodes,
    n_ways,
    n_relations,
    n_features,
    left_out,
    data_at,
    finished_at
FROM skyscript.osm_import
WHERE status = 'loaded'
ORDER BY extract;
