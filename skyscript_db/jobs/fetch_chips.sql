-- name: list_pending
-- Scene by scene and, within one, block by block: what a file's blocks hold is
-- decoded once for all chips in them.
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
ORDER BY c.scene_id, c.row_off_px / 1024, c.col_off_px / 1024, c.id
LIMIT %(limit)s;

-- name: select_batch
SELECT
    c.id,
    cl.provider,
    s.loaded_at,
    s.uri,
    s.file_sha256,
    s.bands -> 'rgb' AS rgb,
    s.stretch,
    c.col_off_px,
    c.row_off_px,
    c.width_px,
    c.height_px
FROM pending AS p
INNER JOIN skyscript.chip AS c ON c.id = p.id
INNER JOIN skyscript.scene AS s ON s.id = c.scene_id
INNER JOIN skyscript.collection AS cl ON cl.id = s.collection_id
WHERE p.n BETWEEN %(first)s AND %(last)s
ORDER BY p.n;

-- name: create_fetched
CREATE TEMPORARY TABLE fetched (
    chip_id bigint PRIMARY KEY,
    loaded_at timestamptz NOT NULL,
    state text NOT NULL,
    cause text,
    image_path text,
    sha256 text,
    file_bytes integer,
    nodata_fraction real
) ON COMMIT DROP;

-- name: copy_fetched
COPY fetched (
    chip_id, loaded_at, state, cause, image_path, sha256, file_bytes, nodata_fraction
) FROM STDIN;

-- name: update_chips
-- A scene that was loaded anew meanwhile has other pixels: its chips stay pending.
-- A success counts attempts from one again, for a file that is lost later.
UPDATE skyscript.chip AS c
SET
    state = f.state,
    cause = f.cause,
    image_path = f.image_path,
    sha256 = f.sha256,
    file_bytes = f.file_bytes,
    nodata_fraction = f.nodata_fraction,
    n_attempts = CASE WHEN f.state = 'ok' THEN 1 ELSE c.n_attempts + 1 END,
    fetched_at = CASE WHEN f.state = 'ok' THEN now() END
FROM fetched AS f, skyscript.scene AS s
WHERE c.id = f.chip_id
    AND c.state IN ('planned', 'failed')
    AND s.id = c.scene_id
    AND s.loaded_at = f.loaded_at;

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
