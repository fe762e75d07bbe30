-- The rule that decides a tag by its form, if one does; the first that fits counts.
CREATE FUNCTION skyscript.tag_rule_of(key text, value text)
RETURNS TABLE (kind text, max_gsd_m double precision, reason text)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT r.kind, r.max_gsd_m, r.reason
    FROM skyscript.tag_rule AS r
    WHERE (r.key_pattern IS NULL OR $1 ~ r.key_pattern)
        AND (r.value_pattern IS NULL OR $2 ~ r.value_pattern)
    ORDER BY r.rank
    LIMIT 1
$$;

COMMENT ON FUNCTION skyscript.tag_rule_of IS
    'The rule that decides a tag by its form: name, number, address, ...; or no row.';
