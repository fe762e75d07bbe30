-- The verdict that counts: an override beats a label, a label beats the classifier.
CREATE FUNCTION skyscript.max_gsd_m(key text, value text)
RETURNS double precision
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT g.max_gsd_m
    FROM skyscript.tag AS t
    INNER JOIN skyscript.tag_groundability AS g ON g.tag_id = t.id
    WHERE md5(t.key) = md5($1) AND md5(t.value) = md5($2)
    ORDER BY g.precedence, g.source DESC
    LIMIT 1
$$;

COMMENT ON FUNCTION skyscript.max_gsd_m IS
    'Largest GSD in metres at which a tag can be seen; NULL: at none, or unknown.';
