-- name: select_revision
SELECT version_num FROM skyscript.alembic_version;

-- name: lock
-- One migration at a time; and none waits for long behind a reader, since everybody
-- else would then wait behind the migration.
SET LOCAL lock_timeout = '30s';
SELECT pg_advisory_xact_lock(hashtext('skyscript schema'));

-- name: drop_replaceables
-- All at once, so that their order does not matter, and without CASCADE, so that an
-- object of the user's which depends on them stops the upgrade instead of vanishing.
DO $drop$
DECLARE
    views text;
    routines text;
BEGIN
    SELECT string_agg(c.oid::regclass::text, ', ')
    INTO views
    FROM pg_class AS c
    WHERE c.relkind = 'v'
        AND c.relnamespace IN (
            SELECT oid FROM pg_namespace WHERE nspname IN ('skyscript', 'osm')
        );
    IF views IS NOT NULL THEN
        EXECUTE 'DROP VIEW ' || views;
    END IF;
    SELECT string_agg(p.oid::regprocedure::text, ', ')
    INTO routines
    FROM pg_proc AS p
    WHERE p.pronamespace = 'skyscript'::regnamespace;
    IF routines IS NOT NULL THEN
        EXECUTE 'DROP ROUTINE ' || routines;
    END IF;
END
$drop$;

-- name: allow_any_order
SET LOCAL check_function_bodies = off;

-- name: set_mark
-- Read at every connection, to see whether the objects are those of the code.
COMMENT ON SCHEMA skyscript IS {};

-- name: select_mark
SELECT obj_description('skyscript'::regnamespace, 'pg_namespace');

-- name: insert_recipe
INSERT INTO skyscript.caption_recipe (
    name, prefix, max_tokens, min_size_px, description, style, settings
)
VALUES (
    %(name)s, %(prefix)s, %(max_tokens)s, %(min_size_px)s, %(description)s,
    %(style)s, %(settings)s
)
ON CONFLICT (name) DO NOTHING;
