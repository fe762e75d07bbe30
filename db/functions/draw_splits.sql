-- The split of a grid cell of 0.01 x 0.01 degrees.
CREATE FUNCTION skyscript.cell_split(
    cell integer, val double precision, test double precision, seed integer
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN drawn < test THEN 'test'
        WHEN drawn < test + val THEN 'val'
        ELSE 'train'
    END
    FROM skyscript.hash_fraction('split', cell::text, seed::text) AS drawn
$$;

COMMENT ON FUNCTION skyscript.cell_split IS
    'Train, val or test, drawn for a grid cell by its hash.';

-- The scheme that split_pairs drew last; older ones stay in chip_split.
CREATE FUNCTION skyscript.current_scheme()
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT coalesce(
        (
            SELECT r.parameters ->> 'scheme'
            FROM skyscript.job_run AS r
            WHERE r.job = 'split_pairs' AND r.status = 'finished'
            ORDER BY r.id DESC
            LIMIT 1
        ),
        -- Splits that somebody brought along.
        (SELECT max(s.scheme) FROM skyscript.chip_split AS s)
    )
$$;

COMMENT ON FUNCTION skyscript.current_scheme IS
    'The split scheme that skyscript.pair shows: the one drawn last.';

-- NULL as split where the chip reaches into a cell of another split.
CREATE FUNCTION skyscript.draw_splits(
    val double precision, test double precision, seed integer
)
RETURNS TABLE (chip_id bigint, cell integer, split text)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT
        c.id,
        c.cell,
        (
            SELECT CASE WHEN count(DISTINCT near.split) = 1 THEN min(near.split) END
            FROM generate_series(
                floor((st_ymin(c.footprint) + 90) * 100)::integer,
                floor((st_ymax(c.footprint) + 90) * 100)::integer
            ) AS row_number
            CROSS JOIN generate_series(
                floor((st_xmin(c.footprint) + 180) * 100)::integer,
                floor((st_xmax(c.footprint) + 180) * 100)::integer
            ) AS column_number
            CROSS JOIN LATERAL (
                SELECT skyscript.cell_split(
                    row_number * 36000 + column_number, val, test, seed
                ) AS split
            ) AS near
        )
    FROM skyscript.chip AS c
    WHERE c.state = 'ok'
$$;

COMMENT ON FUNCTION skyscript.draw_splits IS
    'The split of each chip by place; NULL where it reaches into another split.';
