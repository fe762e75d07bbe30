-- A box whose west lies east of its east crosses the antimeridian: two boxes then.
CREATE FUNCTION skyscript.box(
    west double precision,
    south double precision,
    east double precision,
    north double precision
)
RETURNS geometry
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN west <= east THEN st_makeenvelope(west, south, east, north, 4326)
        ELSE st_collect(
            st_makeenvelope(west, south, 180, north, 4326),
            st_makeenvelope(-180, south, east, north, 4326)
        )
    END
$$;

COMMENT ON FUNCTION skyscript.box IS
    'A box in degrees, split in two where it crosses the antimeridian.';
