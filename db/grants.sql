-- Reading for others: make a role `skyscript_reader` (CREATE ROLE skyscript_reader),
-- grant it to whom you like, and the next upgrade lets it query everything here.
DO $grants$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'skyscript_reader') THEN
        GRANT USAGE ON SCHEMA skyscript, osm TO skyscript_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA skyscript, osm TO skyscript_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA skyscript, osm
            GRANT SELECT ON TABLES TO skyscript_reader;
    END IF;
END
$grants$;
