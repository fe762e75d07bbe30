-- name: select_origin
SELECT json_build_object(
    'schema', (SELECT v.version_num FROM skyscript.alembic_version AS v),
    'scorer', (
        SELECT json_build_object(
            'name', m.name, 'weights', m.weights, 'weights_sha256', m.weights_sha256
        )
        FROM skyscript.embedding_model AS m
        WHERE m.is_default
    ),
    'split_scheme', (
        SELECT r.parameters ->> 'scheme'
        FROM skyscript.job_run AS r
        WHERE r.job = 'split_pairs' AND r.status = 'finished'
        ORDER BY r.id DESC
        LIMIT 1
    ),
    'osm_extracts', (
        SELECT coalesce(
            json_agg(
                json_build_object(
                    'extract', i.extract,
                    'file_sha256', i.file_sha256,
                    'data_at', i.data_at
                )
                ORDER BY i.extract
            ),
            '[]'
        )
        FROM skyscript.osm_import AS i
        WHERE i.status = 'loaded'
    )
);

-- name: lock
SELECT pg_advisory_xact_lock(hashtext('skyscript.dataset'));

-- name: enter_dataset
WITH newest AS (
    SELECT d.version, d.content_sha256
    FROM skyscript.dataset AS d
    WHERE d.name = %(name)s
    ORDER BY d.version DESC
    LIMIT 1
),

added AS (
    INSERT INTO skyscript.dataset (
        name, version, format, sql, parameters, n_chips, n_pairs, content_sha256
    )
    SELECT
        %(name)s,
        coalesce((SELECT newest.version FROM newest), 0) + 1,
        %(format)s,
        %(sql)s,
        %(parameters)s,
        %(n_chips)s,
        %(n_pairs)s,
        %(content_sha256)s
    WHERE NOT EXISTS (
        SELECT FROM newest WHERE newest.content_sha256 = %(content_sha256)s
    )
    RETURNING version
)

SELECT added.version FROM added
UNION ALL
SELECT newest.version FROM newest WHERE newest.content_sha256 = %(content_sha256)s;
