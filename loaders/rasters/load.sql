-- name: find_collection
SELECT id, provider, alias, licence, attribution
FROM skyscript.collection
WHERE name = %(name)s;

-- name: insert_collection
INSERT INTO skyscript.collection (
    name,
    alias,
    provider,
    gsd_m,
    licence,
    attribution
)
VALUES (
    %(name)s,
    %(alias)s,
    'raster',
    %(gsd_m)s,
    %(licence)s,
    %(attribution)s
)
ON CONFLICT (name) DO NOTHING;
