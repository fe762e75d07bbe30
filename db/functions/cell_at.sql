-- The same numbers as chip.cell, whose expression is a column's own.
CREATE FUNCTION skyscript.cell_at(lon double precision, lat double precision)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT floor((lat + 90) * 100)::integer * 36000 + floor((lon + 180) * 100)::integer
$$;

COMMENT ON FUNCTION skyscript.cell_at IS
    'Grid cell of 0.01 x 0.01 degrees that holds a place.';
