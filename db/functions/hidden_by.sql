-- A road in a tunnel is a road, and cannot be seen: these tags hide the whole feature,
-- whatever its other tags are. But the roof of a station is covered=yes too, and is what
-- covers. A table, since PostgreSQL plans such a function together with its query.
CREATE FUNCTION skyscript.hidden_by(tags jsonb)
RETURNS TABLE (key text, value text, reason text)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT h.key, h.value, h.reason
    FROM skyscript.hiding_tag AS h
    WHERE h.value = tags ->> h.key AND (h.unless_key IS NULL OR NOT tags ? h.unless_key)
$$;

COMMENT ON FUNCTION skyscript.hidden_by IS
    'Those of a feature''s tags that hide it from above; no row where none does.';
