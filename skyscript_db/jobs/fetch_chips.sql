-- name: list_pending
-- By a hash of scene and block, which is the same on every machine; within a block by
-- position, so that what a file's blocks hold is decoded once for all chips in them.
INSERT INTO pending (id)
SELECT c.id
FROM skyscript.chip AS c
INNER JOIN skyscript.scene AS s ON s.id = c.scene_id
INNER JOIN skyscript.collection AS cl ON cl.id = s.collection_id
WHERE c.state <> 'ok'
    AND (
        c.state = 'planned'
        OR (c.state = 'failed' AND c.n_attempts < %(max_attempts)s)
    )
    AND cl.provider = ANY (%(providers)s)
ORDER BY
    skyscript.hash_id(
        'fetch',
        cl.name,
        s.name,
        (c.row_off_px / %(block_px)s)::text,
        (c.col_off_px / %(block_px)s)::text
    ),
    c.scene_id,
    c.row_off_px / %(block_px)s,
    c.col_off_px / %(block_px)s,
    c.row_off_px / 256,
    c.col_off_px / 256,
    c.id
LIMIT %(limit)s;

-- name: list_providers
SELECT cl.provider
FROM pending AS p
INNER JOIN skyscript.chip AS c ON c.id = p.id
INNER JOIN skyscript.scene AS s ON s.id = c.scene_id
INNER JOIN skyscript.collection AS cl ON cl.id = s.collection_id
GROUP BY cl.provider
ORDER BY cl.provider;

-- name: create_fetched
CREATE TEMPORARY TABLE IF NOT EXISTS fetched (
    chip_id bigint PRIMARY KEY,
    loaded_at timestamptz NOT NULL,
    state text NOT NULL,
    cause text,
    http_status integer,
    image_path text,
    sha256 text,
    file_bytes integer,
    encoding text,
    nodata_fraction real,
    cloud_fraction real
) ON COMMIT DELETE ROWS;

-- name: copy_fetched
COPY fetched (
    chip_id, loaded_at, state, cause, http_status, image_path, sha256, file_bytes,
    encoding, nodata_fraction, cloud_fraction
) FROM STDIN;

-- name: update_chips
-- A scene that was loaded anew meanwhile has other pixels: its chips stay pending.
UPDATE skyscript.chip AS c
SET
    state = f.state,
    cause = f.cause,
    http_status = f.http_status,
    image_path = f.image_path,
    sha256 = f.sha256,
    file_bytes = f.file_bytes,
    encoding = f.encoding,
    nodata_fraction = f.nodata_fraction,
    cloud_fraction = f.cloud_fraction,
    n_attempts = c.n_attempts + 1,
    tried_at = now(),
    fetched_at = CASE WHEN f.state = 'ok' THEN now() END
FROM fetched AS f, skyscript.scene AS s
WHERE c.id = f.chip_id
    AND c.state IN ('planned', 'failed')
    AND s.id = c.scene_id
    AND s.loaded_at = f.loaded_at;

-- name: count_failed
SELECT
    count(*),
    count(*) FILTER (WHERE c.n_attempts >= %(max_attempts)s)
FROM skyscript.chip AS c
WHERE c.state = 'failed';

-- name: retry_failed
UPDATE skyscript.chip AS c
SET state = 'planned', cause = NULL, http_status = NULL, n_attempts = 0
WHERE c.state = 'failed'
    AND (%(cause)s::text IS NULL OR position(%(cause)s::text IN c.cause) > 0);

-- name: count
SELECT
    outcome,
    CASE WHEN outcome = 'rejected' THEN cause END AS reason,
    count(*)
FROM (
    SELECT
        c.cause,
        CASE
            WHEN c.state IN ('ok', 'rejected') THEN c.state
            WHEN c.state = 'failed' AND c.n_attempts >= %(max_attempts)s
                THEN 'rejected'
            ELSE 'pending'
        END AS outcome
    FROM skyscript.chip AS c
) AS chip
GROUP BY 1, 2
ORDER BY 1, 2;
