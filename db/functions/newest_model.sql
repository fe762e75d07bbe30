-- Weights of one name may change: what embeds now is the newest.
CREATE FUNCTION skyscript.newest_model(name text, weights text)
RETURNS TABLE (id smallint)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT m.id
    FROM skyscript.embedding_model AS m
    WHERE m.name = $1 AND m.weights = $2
    ORDER BY m.id DESC
    LIMIT 1
$$;

COMMENT ON FUNCTION skyscript.newest_model IS
    'The embedding model of a name and weights, the newest of several; no row if none.';
