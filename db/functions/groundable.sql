CREATE FUNCTION skyscript.groundable(key text, value text, gsd_m double precision)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT coalesce(skyscript.max_gsd_m(key, value) >= gsd_m, false)
$$;

COMMENT ON FUNCTION skyscript.groundable IS
    'Whether a tag can be seen from above at a GSD in metres; false where unknown.';
