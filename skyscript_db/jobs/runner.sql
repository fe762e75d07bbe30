-- name: try_lock
SELECT pg_try_advisory_lock(hashtext('skyscript job'), hashtext(%(job)s));

-- name: notice_death
-- The server ends a statement within a second of the death of whoever asked for it,
-- which frees the lock for the next run.
SELECT set_config('client_connection_check_interval', '1s', false);

-- name: try_share
-- Shared by all jobs; who deletes chips takes it alone (loaders/rasters).
SELECT pg_try_advisory_lock_shared(hashtext('skyscript chips'), 0);

-- name: unshare
SELECT pg_advisory_unlock_shared(hashtext('skyscript chips'), 0);

-- name: unlock
SELECT pg_advisory_unlock(hashtext('skyscript job'), hashtext(%(job)s));

-- name: mark_interrupted
-- Whoever holds the lock of a job is the only one that runs it, so an older entry
-- that still says so is of a process that died.
UPDATE skyscript.job_run
SET status = 'interrupted', finished_at = clock_timestamp(), error = 'process died'
WHERE job = %(job)s AND status = 'running';

-- name: insert_run
INSERT INTO skyscript.job_run (job, parameters, code_version)
VALUES (%(job)s, %(parameters)s, %(code_version)s)
RETURNING id;

-- name: finish_run
UPDATE skyscript.job_run
SET
    status = 'finished',
    finished_at = clock_timestamp(),
    n_in = %(n_in)s,
    n_ok = %(n_ok)s,
    n_rejected = %(n_rejected)s,
    n_pending = %(n_pending)s,
    rejected = %(rejected)s
WHERE id = %(id)s;

-- name: fail_run
UPDATE skyscript.job_run
SET status = %(status)s, finished_at = clock_timestamp(), error = %(error)s
WHERE id = %(id)s;

-- name: create_pending
DROP TABLE IF EXISTS pg_temp.pending;
CREATE TEMPORARY TABLE pending (n bigint GENERATED ALWAYS AS IDENTITY, id bigint);

-- name: analyze_pending
ALTER TABLE pending ADD PRIMARY KEY (n);
ANALYZE pending;

-- name: count_pending
SELECT count(*) FROM pending;
