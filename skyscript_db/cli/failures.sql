-- name: failures
-- Causes are one where they differ in paths, addresses, numbers and ids alone.
WITH
told AS (
    SELECT
        c.state,
        c.http_status,
        c.cause,
        coalesce(c.tried_at, c.planned_at) AS last_at,
        c.state = 'failed' AND c.n_attempts < %(max_attempts)s AS is_tried_again,
        cl.name AS collection,
        regexp_replace(
            regexp_replace(c.cause, '[a-z]+://\S+|(/[^\s:,;''"]+)+', '…', 'g'),
            '\m\w*\d\w*\M',
            'N',
            'g'
        ) AS kind
    FROM skyscript.chip AS c
    INNER JOIN skyscript.scene AS s ON s.id = c.scene_id
    INNER JOIN skyscript.collection AS cl ON cl.id = s.collection_id
    WHERE c.state IN ('failed', 'rejected')
),
grouped AS (
    SELECT
        t.state,
        t.http_status,
        t.kind,
        count(*) AS n_chips,
        count(*) FILTER (WHERE t.is_tried_again) AS n_tried_again,
        array_agg(DISTINCT t.collection ORDER BY t.collection) AS collections,
        max(t.last_at) AS last_at,
        min(t.cause) AS example
    FROM told AS t
    GROUP BY t.state, t.http_status, t.kind
)
SELECT
    g.state,
    g.http_status,
    g.kind AS cause,
    g.n_chips,
    g.n_tried_again,
    g.collections,
    g.last_at,
    g.example,
    (
        SELECT r.remedy
        FROM skyscript.failure_remedy AS r
        WHERE (r.http_status IS NULL OR r.http_status = g.http_status)
            AND (r.pattern IS NULL OR g.example ~* r.pattern)
        ORDER BY r.rank
        LIMIT 1
    ) AS remedy
FROM grouped AS g
ORDER BY g.state, g.n_chips DESC, g.kind, g.http_status;

-- name: pauses
SELECT r.service, r.paused_until, r.pause_cause
FROM skyscript.request_limit AS r
WHERE r.paused_until > clock_timestamp()
ORDER BY r.service;
