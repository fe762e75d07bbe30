-- name: list
-- Everything that a migration can change, as lines of text, in one order.
SELECT 'column ' || c.oid::regclass || '.' || a.attname || ' '
    || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
    || ' identity=' || a.attidentity::text || ' generated=' || a.attgenerated::text
    || coalesce(' -- ' || col_description(c.oid, a.attnum), '')
FROM pg_class AS c
INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace::regnamespace::text IN ('skyscript', 'osm')
    AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
    AND c.relname <> 'alembic_version'
UNION ALL
SELECT 'table ' || c.oid::regclass || ' ' || c.relkind::text
    || coalesce(' PARTITION BY ' || pg_get_partkeydef(c.oid), '')
    || coalesce(' -- ' || obj_description(c.oid, 'pg_class'), '')
FROM pg_class AS c
WHERE c.relnamespace::regnamespace::text IN ('skyscript', 'osm')
    AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
UNION ALL
SELECT 'index ' || indexdef
FROM pg_indexes
WHERE schemaname IN ('skyscript', 'osm') AND tablename <> 'alembic_version'
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' '
    || pg_get_constraintdef(oid)
FROM pg_constraint
WHERE connamespace::regnamespace::text IN ('skyscript', 'osm')
    AND conrelid::regclass::text NOT LIKE '%alembic_version'
UNION ALL
SELECT 'view ' || c.oid::regclass || ' ' || pg_get_viewdef(c.oid)
FROM pg_class AS c
WHERE c.relkind = 'v' AND c.relnamespace::regnamespace::text IN ('skyscript', 'osm')
UNION ALL
SELECT 'function ' || pg_get_functiondef(oid)
FROM pg_proc
WHERE pronamespace = 'skyscript'::regnamespace
ORDER BY 1;
