-- name: find_collection
SELECT id
FROM skyscript.collection
WHERE name = %(name)s;

-- name: lock_aliases
SELECT pg_advisory_xact_lock(hashtext('skyscript aliases'));

-- name: find_alias
SELECT name
FROM skyscript.collection
WHERE alias = %(alias)s AND name <> %(name)s;

-- name: upsert_collection
-- A collection of another provider is left as it is: no row comes back.
INSERT INTO skyscript.collection AS c (
    name,
    alias,
    provider,
    gsd_m,
    bands,
    stretch,
    cloud_property,
    max_cloud_fraction,
    licence,
    attribution,
    source
)
VALUES (
    %(name)s,
    %(alias)s,
    %(provider)s,
    %(gsd_m)s,
    %(bands)s,
    %(stretch)s,
    %(cloud_property)s,
    %(max_cloud_fraction)s,
    %(licence)s,
    %(attribution)s,
    %(source)s
)
ON CONFLICT (name) DO UPDATE
SET
    alias = excluded.alias,
    gsd_m = excluded.gsd_m,
    bands = excluded.bands,
    stretch = excluded.stretch,
    cloud_property = excluded.cloud_property,
    max_cloud_fraction = excluded.max_cloud_fraction,
    licence = excluded.licence,
    attribution = excluded.attribution,
    source = excluded.source
WHERE c.provider = excluded.provider
RETURNING id;
