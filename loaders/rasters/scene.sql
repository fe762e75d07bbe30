-- name: retry_chips
-- The file is here and as it was: what failed on it may be tried afresh.
UPDATE skyscript.chip
SET state = 'planned', cause = NULL, n_attempts = 0
WHERE scene_id = %(id)s AND state = 'failed';
