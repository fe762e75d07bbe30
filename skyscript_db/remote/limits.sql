-- name: prepare_session
-- A pause or a reservation that a crash of the server forgets does no harm.
SELECT set_config('synchronous_commit', 'off', false);

-- name: insert_service
INSERT INTO skyscript.request_limit (service)
VALUES (%(service)s)
ON CONFLICT DO NOTHING;

-- name: join
-- Told apart from slots by its number; shared by all processes that want any.
SELECT pg_advisory_lock_shared(hashtext('skyscript requests ' || %(service)s), -1);

-- name: leave
SELECT pg_advisory_unlock_shared(hashtext('skyscript requests ' || %(service)s), -1);

-- name: count_members
SELECT count(*)
FROM pg_locks AS l
WHERE l.locktype = 'advisory'
    AND l.classid = hashtext('skyscript requests ' || %(service)s)::oid
    AND l.objid = (-1)::oid
    AND l.objsubid = 2
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database());

-- name: try_slot
SELECT slot.n
FROM unnest(%(free)s::integer[]) AS slot (n)
WHERE pg_try_advisory_lock(hashtext('skyscript requests ' || %(service)s), slot.n)
LIMIT 1;

-- name: free_slot
SELECT pg_advisory_unlock(hashtext('skyscript requests ' || %(service)s), %(slot)s);

-- name: reserve
-- The row's lock makes reservations follow one another. Seconds to wait: below zero
-- where the service is paused.
UPDATE skyscript.request_limit AS r
SET next_at = greatest(r.next_at, clock_timestamp())
    + make_interval(secs => %(interval_s)s)
WHERE r.service = %(service)s
    AND (r.paused_until IS NULL OR r.paused_until <= clock_timestamp())
RETURNING
    extract(epoch FROM r.next_at - clock_timestamp())::double precision
    - %(interval_s)s AS wait_s;

-- name: select_pause
SELECT
    extract(epoch FROM r.paused_until - clock_timestamp())::double precision AS left_s,
    r.paused_until,
    r.pause_cause
FROM skyscript.request_limit AS r
WHERE r.service = %(service)s AND r.paused_until > clock_timestamp();

-- name: pause
-- The longest pause that anyone was told holds.
UPDATE skyscript.request_limit AS r
SET
    paused_until = clock_timestamp() + make_interval(secs => %(seconds)s),
    pause_cause = %(cause)s
WHERE r.service = %(service)s
    AND (
        r.paused_until IS NULL
        OR r.paused_until < clock_timestamp() + make_interval(secs => %(seconds)s)
    );
