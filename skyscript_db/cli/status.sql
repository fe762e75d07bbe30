-- name: extracts
SELECT i.extract, i.file_name AS file, i.data_at, i.n_features, i.left_out
FROM skyscript.osm_import AS i
WHERE i.status = 'loaded'
ORDER BY i.extract;

-- name: collections
SELECT
    c.name,
    c.provider,
    count(s.id) AS n_scenes,
    min(s.gsd_m) AS finest_m,
    max(s.gsd_m) AS coarsest_m,
    c.licence
FROM skyscript.collection AS c
LEFT JOIN skyscript.scene AS s ON s.collection_id = c.id
GROUP BY c.id
ORDER BY c.name;

-- name: jobs
SELECT
    job.name AS job,
    coalesce(last.status, 'never run') AS status,
    last.n_in,
    last.n_ok,
    last.n_rejected,
    last.n_pending,
    last.finished_at,
    coalesce(last.rejected, '{}') AS rejected,
    last.error
FROM unnest(%(jobs)s::text[]) WITH ORDINALITY AS job (name, n)
LEFT JOIN LATERAL (
    SELECT
        r.status,
        r.n_in,
        r.n_ok,
        r.n_rejected,
        r.n_pending,
        r.finished_at,
        r.rejected,
        r.error
    FROM skyscript.job_run AS r
    WHERE r.job = job.name
    ORDER BY r.id DESC
    LIMIT 1
) AS last ON true
ORDER BY job.n;

-- name: funnel
SELECT f.stage, f.n_rows AS n
FROM skyscript.funnel(
    %(area)s::geometry, %(collection)s::text, %(tags)s::jsonb, %(max_gsd_m)s
) AS f
ORDER BY f.n;

-- name: failures
SELECT
    c.state,
    count(*) AS n_chips,
    count(DISTINCT c.cause) AS n_causes,
    max(c.tried_at) AS last_at
FROM skyscript.chip AS c
WHERE c.state IN ('failed', 'rejected')
GROUP BY c.state
ORDER BY c.state;
